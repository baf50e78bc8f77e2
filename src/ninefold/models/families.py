"""The table of families, one literal row each, and the lookup of a checkpoint by name.

No heavy imports here: the command line lists and checks names immediately.
"""

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from ninefold.errors import ModelError, first_line
from ninefold.models.family import Family, Preset, Scope, VllmAdapters
from ninefold.runs import layout, lineage

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


def _scopes(both: str, language: str = r".*language_model.*\.(q_proj|k_proj|v_proj)") -> Mapping[Scope, str]:
    return {"vision+language": both, "language": language}


def _clip_tower_in_vllm(architecture: str) -> VllmAdapters:
    """Return what vLLM serves of a family with CLIP's vision tower, whose modules it names as the checkpoints do."""
    return VllmAdapters(
        architecture,
        vision=r"model\.vision_tower\.encoder\.layers\.\d+\.(self_attn\.(q|k|v|out)_proj|mlp\.fc[12])",
        renamed=("model.vision_tower.encoder.", "model.vision_tower.vision_model.encoder."),
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

NANO_PRESET = Preset(learning_rate=1e-3, batch=16, schedule="cosine")
"""Training settings of the nano bases."""

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        family.name: family
        for family in (
            Family(
                name="llava",
                class_name="LlavaForConditionalGeneration",
                vllm=_clip_tower_in_vllm("LlavaForConditionalGeneration"),
                model_types=("llava",),
                checkpoints=("llava-hf/llava-1.5-7b-hf",),
                scopes=_scopes(r".*\.(q_proj|k_proj|v_proj)"),
                needs="A download of 14 GB, and a GPU: 20 GB of memory to evaluate, 32 GB to train.",
                notes="576 image tokens for any picture, of 336 x 336 in its middle.",
                image_layout="one size",
                vision_tower="vision_tower",
            ),
            Family(
                name="clip",
                class_name="CLIPModel",
                vllm="{vllm} serves CLIP for embeddings only, without adapters; {instead}",
                model_types=("clip",),
                checkpoints=("openai/clip-vit-large-patch14-336",),
                scopes=_scopes(
                    r"(text|vision)_model\..*\.(q_proj|k_proj|v_proj)", r"text_model\..*\.(q_proj|k_proj|v_proj)"
                ),
                needs="A download of 2 GB; any GPU, or some patience on a CPU.",
                kind="dual",
                vision_tower="vision_model",
                notes="Writes nothing: it chooses the answer whose text is nearest to the picture.",
            ),
            Family(
                name="llava-next",
                class_name="LlavaNextForConditionalGeneration",
                vllm=_clip_tower_in_vllm("LlavaNextForConditionalGeneration"),
                model_types=("llava_next",),
                checkpoints=("llava-hf/llava-v1.6-vicuna-7b-hf", "llava-hf/llava-v1.6-mistral-7b-hf"),
                scopes=_scopes(r".*\.(q_proj|k_proj|v_proj)"),
                needs="A download of 14 GB, and a GPU: 24 GB of memory to evaluate, 40 GB to train.",
                notes="About 2,900 image tokens for a picture of 672 x 672.",
                image_layout="tiles",
                vision_tower="vision_tower",
            ),
            Family(
                name="llava-onevision",
                class_name="LlavaOnevision15ForConditionalGeneration",
                vllm="{vllm} has no LLaVA-OneVision-1.5, with or without an adapter; evaluate it here, or export it "
                "with --to merged for tools that have it",
                ported=True,
                model_types=("llavaonevision1_5",),
                checkpoints=("lmms-lab/LLaVA-OneVision-1.5-8B-Instruct",),
                # The vision tower fuses query, key and value into one module.
                scopes=_scopes(r".*\.(q_proj|k_proj|v_proj|qkv)"),
                needs="A download of 17 GB, and a GPU: 24 GB of memory to evaluate, 40 GB to train.",
                notes="LLaVA-OneVision-1.5, a port of this package. 576 image tokens for a picture of 672 x 672.",
                image_layout="patches",
                vision_tower=r"visual\.(?!merger)",
            ),
            Family(
                name="molmo",
                class_name="MolmoForConditionalGeneration",
                vllm=VllmAdapters("MolmoForCausalLM", r"model\.transformer\.blocks\.\d+\.(att_proj|attn_out)"),
                ported=True,
                model_types=("molmo",),
                checkpoints=("allenai/Molmo-7B-O-0924", "allenai/Molmo-7B-D-0924"),
                # Its language model fuses query, key and value; its pooling uses the vision tower's module names.
                scopes=_scopes(r".*\.(att_proj|wq|wk|wv)", r".*\.att_proj"),
                needs="A download of 30 GB, and a GPU: 24 GB of memory to evaluate, 40 GB to train.",
                notes="Molmo's first generation, a port of this package. 928 image tokens for a picture of 672 x 672.",
                image_layout="crops",
                image_padding={"images": -1, "image_masks": -1, "image_input_idx": -1},
                sequence_indices=("image_input_idx",),
                tokenwise_modules=r"(?:.*\.)?blocks\.(\d+)\.(?:attn_out|ff_proj)",
                vision_tower="image_vit",
            ),
            Family(
                name="qwen2-vl",
                class_name="Qwen2VLForConditionalGeneration",
                vllm=VllmAdapters(
                    "Qwen2VLForConditionalGeneration",
                    vision=r"model\.visual\.blocks\.\d+\.(attn\.(qkv|proj)|mlp\.fc[12])",
                ),
                model_types=("qwen2_vl",),
                checkpoints=("Qwen/Qwen2-VL-7B-Instruct", "Qwen/Qwen2-VL-2B-Instruct"),
                scopes=_scopes(r".*\.(q_proj|k_proj|v_proj|qkv)"),
                needs="A download of 17 GB (2B: 5 GB), and a GPU: 24 GB of memory to evaluate, 40 GB to train.",
                notes="576 image tokens for a picture of 672 x 672.",
                image_layout="patches",
                vision_tower=r"visual\.(?!merger)",
            ),
        )
    }
)
"""Every family with a row of its own, by name; `GENERIC` serves all the others."""

NANO = "nano"
"""The name of the embedded default, LLaVA's nano base; those of other families are called ``nano-`` and the family."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint: a local folder, or an id on the Hugging Face Hub."""

    family: Family
    """Its row; the generic one for an unlisted hub id, until its configuration has been read."""
    path: str
    """A local folder, or a hub id."""
    name: str
    """Its name in reports: the requested name, or the folder's name."""
    nano: bool = False
    """Whether it is a nano base, a small model for demonstration."""

    @property
    def local(self) -> bool:
        """Whether it is a local folder."""
        return Path(self.path).is_dir()

    @property
    def preset(self) -> Preset:
        """Default training settings."""
        return NANO_PRESET if self.nano else self.family.preset


def nano_bases() -> dict[str, Family]:
    """Return the families with a nano base in the package, by the name of that base, the default first."""
    return {
        NANO if family.name == "llava" else f"{NANO}-{family.name}": family
        for family in FAMILIES.values()
        if family.nano
    }


def find(name: str) -> Checkpoint:
    """Find a model by the name of a row, a hub id or a local folder.

    Raises:
        ModelError: If the name is none of these, or the folder is not a checkpoint.
    """
    nanos = nano_bases()
    if name in nanos:
        return Checkpoint(nanos[name], str(nanos[name].nano), name, nano=True)
    if name in FAMILIES:
        return Checkpoint(FAMILIES[name], FAMILIES[name].checkpoints[0], name)
    if Path(name).exists():
        folder = lineage.checkpoint_folder(Path(name))
        config = _config_of(folder)
        # A checkpoint made by training is named after its run, and not "model".
        called = (lineage.training_run(folder) or folder).resolve().name
        return Checkpoint(of_config(config), str(folder), called, nano=bool(config.get("ninefold_nano")))
    hub_ids = {hub_id: family for family in FAMILIES.values() for hub_id in family.checkpoints}
    if name in hub_ids:
        return Checkpoint(hub_ids[name], name, name)
    if _HUB_ID.fullmatch(name):
        return Checkpoint(GENERIC, name, name)
    if name.startswith(("http:", "https:")):
        raise ModelError(f"{name}: a server is named openai:{name}, perhaps with #model")
    near = difflib.get_close_matches(name, [*nanos, *FAMILIES, *hub_ids], n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}?" if near else "`ninefold models` lists what can be named."
    own = "A model of your own is registered by its file: --plugin FILE"
    raise ModelError(f"{name}: no model of this name, no hub id (owner/name) and no folder here; {hint} {own}")


def of_config(config: Mapping[str, object]) -> Family:
    """Return the row that a checkpoint's ``config.json`` belongs to."""
    return next((row for row in FAMILIES.values() if config.get("model_type") in row.model_types), GENERIC)


def _config_of(folder: Path) -> Mapping[str, object]:
    for adapter in (folder / layout.ADAPTER_CONFIG, folder / layout.ADAPTER / layout.ADAPTER_CONFIG):
        if adapter.is_file():
            raise ModelError(
                f"{folder}: holds an adapter, not a model; name its base with --model and it with --adapter"
            )
    # Reading a pipe would wait for ever.
    if (folder / "config.json").exists() and not (folder / "config.json").is_file():
        raise ModelError(f"{folder / 'config.json'}: is no file; download the checkpoint again")
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ModelError(
            f"{folder}: no checkpoint, as it has no config.json; name a folder made by save_pretrained"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{folder / 'config.json'}: not readable as JSON ({first_line(error)})") from error
    if not isinstance(config, dict) or "model_type" not in config:
        raise ModelError(f"{folder / 'config.json'}: names no model_type, so it is no checkpoint of transformers")
    return config
