"""One literal row a family: what it is called, where it comes from, which modules LoRA adapts, and its presets.

Nothing heavy is imported here, so that the command line can list and check names at once.
"""

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from ninefold.errors import ModelError

Scope = Literal["paper", "language"]
"""Where LoRA adapts the attention: "paper" reaches into the vision tower, as the authors' code does."""

Schedule = Literal["constant", "linear", "cosine"]
"""How the learning rate moves after its warm-up."""

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True, slots=True)
class Preset:
    """Training settings that suit a family; each can be overridden."""

    learning_rate: float = 1e-4
    """The paper's (section 5)."""
    batch: int = 16
    """Examples per optimizer step; the paper gives none, the authors' sibling code uses 1."""
    schedule: Schedule = "constant"
    """The paper gives none, the authors' sibling code has none."""


@dataclass(frozen=True, slots=True)
class Family:
    """A row of the table."""

    name: str
    """What `--model` calls it."""
    class_name: str
    """The class of transformers that runs it."""
    model_types: tuple[str, ...]
    """``model_type`` in the ``config.json`` of its checkpoints."""
    checkpoints: tuple[str, ...]
    """Hub ids, or a folder of this package, the default first."""
    scopes: Mapping[Scope, str]
    """For each scope, the regular expression that the full names of the modules LoRA adapts must match."""
    needs: str
    """What it takes to run it, one sentence."""
    preset: Preset = Preset()
    """How it is trained where nothing else is said."""
    notes: str = ""
    """What a user should know before trusting its figures."""


def _scopes(paper: str, language: str = r".*language_model.*\.(q_proj|k_proj|v_proj)") -> Mapping[Scope, str]:
    return MappingProxyType({"paper": paper, "language": language})


NANO = Family(
    name="nano",
    class_name="LlavaForConditionalGeneration",
    model_types=(),
    checkpoints=(str(Path(__file__).parent / "nano" / "llava"),),
    scopes=_scopes(r".*\.(q_proj|k_proj|v_proj)"),
    needs="Nothing: it comes with the package and runs on any CPU.",
    preset=Preset(learning_rate=1e-3, batch=16, schedule="cosine"),
    notes="Made to demonstrate the system; its scores say nothing about any real model.",
)

GENERIC = Family(
    name="any other",
    class_name="AutoModelForImageTextToText",
    model_types=(),
    checkpoints=(),
    scopes=_scopes(r".*\.(q_proj|k_proj|v_proj|qkv)"),
    needs="A hub id or a folder of an image-text-to-text model of transformers, in safetensors.",
    notes="Named by hub id or folder; LoRA targets are the usual names of query, key and value.",
)

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        family.name: family
        for family in (
            NANO,
            Family(
                name="llava-next",
                class_name="LlavaNextForConditionalGeneration",
                model_types=("llava_next",),
                checkpoints=("llava-hf/llava-v1.6-vicuna-7b-hf", "llava-hf/llava-v1.6-mistral-7b-hf"),
                scopes=_scopes(r".*\.(q_proj|k_proj|v_proj)"),
                needs="A download of 14 GB, and a GPU: 24 GB of memory to evaluate, 40 GB to train.",
                notes="About 2,900 image tokens for a picture of 672 x 672.",
            ),
            Family(
                name="qwen2-vl",
                class_name="Qwen2VLForConditionalGeneration",
                model_types=("qwen2_vl",),
                checkpoints=("Qwen/Qwen2-VL-7B-Instruct", "Qwen/Qwen2-VL-2B-Instruct"),
                # The vision tower fuses query, key and value into one module.
                scopes=_scopes(r".*\.(q_proj|k_proj|v_proj|qkv)"),
                needs="A download of 17 GB (2B: 5 GB), and a GPU: 24 GB of memory to evaluate, 40 GB to train.",
                notes="576 image tokens for a picture of 672 x 672.",
            ),
        )
    }
)
"""Every family with a row of its own, by name; `GENERIC` serves all the others."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a model comes from."""

    family: Family
    """Its row; the generic one for a hub id that no row lists, until its configuration has been read."""
    path: str
    """A local folder, or a hub id."""
    name: str
    """What reports call it: the row's name, the hub id, or the folder's name."""

    @property
    def local(self) -> bool:
        """Whether it is a folder here."""
        return Path(self.path).is_dir()


def find(name: str) -> Source:
    """Find a model by the name of a row, a hub id or a local folder.

    Raises:
        ModelError: If the name is none of these, or the folder holds no checkpoint.
    """
    if name in FAMILIES:
        family = FAMILIES[name]
        return Source(family, family.checkpoints[0], name)
    if Path(name).exists():
        folder = Path(name)
        return Source(_of_folder(folder), str(folder), folder.resolve().name)
    for family in FAMILIES.values():
        if name in family.checkpoints:
            return Source(family, name, name)
    if _HUB_ID.fullmatch(name):
        return Source(GENERIC, name, name)
    known = [
        *FAMILIES,
        *(hub_id for family in FAMILIES.values() for hub_id in family.checkpoints if family is not NANO),
    ]
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}?" if near else "`ninefold models` lists what can be named."
    raise ModelError(f"{name}: no model of this name, no hub id (owner/name) and no folder here; {hint}")


def of_config(config: Mapping[str, object]) -> Family:
    """Return the row that a checkpoint's ``config.json`` belongs to."""
    if config.get("ninefold_nano"):
        return NANO
    return next((row for row in FAMILIES.values() if config.get("model_type") in row.model_types), GENERIC)


def _of_folder(folder: Path) -> Family:
    for adapter in (folder / "adapter_config.json", folder / "adapter" / "adapter_config.json"):
        if adapter.is_file():
            raise ModelError(
                f"{folder}: holds an adapter, not a model; name its base with --model and it with --adapter"
            )
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise ModelError(
            f"{folder}: no checkpoint, as it has no config.json; name a folder made by save_pretrained"
        ) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{folder / 'config.json'}: not readable as JSON ({error})") from None
    if not isinstance(config, dict) or "model_type" not in config:
        raise ModelError(f"{folder / 'config.json'}: names no model_type, so it is no checkpoint of transformers")
    return of_config(config)
