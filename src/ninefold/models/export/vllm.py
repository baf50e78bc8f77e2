"""vLLM's limits for LoRA adapters: which it serves, which it ignores or refuses, and the command that serves one.

Read from the source of vLLM 0.33.0 (https://github.com/vllm-project/vllm/tree/v0.33.0): ``vllm/lora/peft_helper.py``,
``lora_model.py``, ``model_manager.py``, ``config/lora.py`` and the models' files. An adapted module whose name vLLM
does not know is left out there without an error, so each name must be one of those below. No torch here.
"""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ninefold.errors import ModelError

VERSION = "0.33.0"
"""The version that all of this holds for."""

RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""The values that ``--max-lora-rank`` takes; 16 is its default."""

INSTEAD = "export it with --to merged, whose folder vLLM serves as a model of its own"
"""What to do about an adapter that vLLM does not serve."""

_PREFIX, _ENDS = "base_model.model.", (".lora_A.weight", ".lora_B.weight")
"""What PEFT puts before and after the names of modules."""

_PLAIN_STARTS = {"gaussian", "eva", "orthogonal", "mica", "lora_ga"}
"""Initializations, besides PEFT's own, that leave the base's weights as they are."""

_DECODER = r"model\.language_model\.layers\.\d+\.(self_attn\.[qkvo]_proj|mlp\.(gate|up|down)_proj)"
_QWEN_TOWER = r"model\.visual\.blocks\.\d+\.(attn\.(qkv|proj)|mlp\.fc[12])"
_CLIP_TOWER = r"model\.vision_tower\.encoder\.layers\.\d+\.(self_attn\.(q|k|v|out)_proj|mlp\.fc[12])"


@dataclass(frozen=True)
class Served:
    """What vLLM serves of adapters of a family; names are those of modules in transformers."""

    architecture: str
    """Its class in vLLM, which ``config.json`` names."""
    language: str
    """Regular expression of the modules of the language model that it adapts."""
    vision: str | None = None
    """Regular expression of those of the vision tower, which need ``--enable-tower-connector-lora``; None for none."""
    renamed: tuple[str, str] = ("", "")
    """A part of the names, and what vLLM looks for instead."""


_RENAMED = ("model.vision_tower.encoder.", "model.vision_tower.vision_model.encoder.")

SERVED: Mapping[str, Served | str] = MappingProxyType(
    {
        "llava": Served("LlavaForConditionalGeneration", _DECODER, _CLIP_TOWER, _RENAMED),
        "llava-next": Served("LlavaNextForConditionalGeneration", _DECODER, _CLIP_TOWER, _RENAMED),
        "qwen2-vl": Served("Qwen2VLForConditionalGeneration", _DECODER, _QWEN_TOWER),
        "molmo": Served("MolmoForCausalLM", r"model\.transformer\.blocks\.\d+\.(att_proj|attn_out)"),
        "llava-onevision": f"vLLM {VERSION} has no LLaVA-OneVision-1.5, with or without an adapter; evaluate it here, "
        "or export it with --to merged for tools that have it",
        "clip": f"vLLM {VERSION} serves CLIP for embeddings only, without adapters; {INSTEAD}",
    }
)
"""The families of this package; the value of one that vLLM serves no adapter of is the reason."""


@dataclass(frozen=True)
class Serving:
    """How vLLM serves an adapter."""

    vision: bool
    """Whether it adapts modules of the vision tower."""
    rank: int
    """The value for ``--max-lora-rank``."""
    remote_code: bool
    """Whether the base comes with code of its own, which vLLM runs for its configuration and processor."""
    names: Mapping[str, str]
    """The name for vLLM of each tensor in the adapter's file."""

    @property
    def renamed(self) -> bool:
        """Whether any tensor has another name for vLLM than for PEFT."""
        return any(name != tensor for tensor, name in self.names.items())

    def command(self, base: str, name: str, folder: Path) -> str:
        """Return the command that serves a base with the adapter under a name."""
        words = ["vllm", "serve", base, "--enable-lora", "--max-lora-rank", str(self.rank)]
        if self.vision:
            words.append("--enable-tower-connector-lora")
        if self.remote_code:
            words.append("--trust-remote-code")
        return shlex.join([*words, "--lora-modules", f"{name}={folder}"])


def serving(
    folder: Path, family: str, config: Mapping[str, Any], settings: Mapping[str, Any], tensors: Sequence[str]
) -> Serving:
    """Return how vLLM serves an adapter.

    Args:
        folder: The adapter's folder, for messages.
        family: Name of its base's family.
        config: The ``config.json`` of its base.
        settings: Its ``adapter_config.json``.
        tensors: Names of its tensors.

    Raises:
        ModelError: If vLLM would refuse it, or leave a part of it out.
    """
    served = SERVED.get(family, f"whether vLLM {VERSION} serves adapters of this model is not known; {INSTEAD}")
    if isinstance(served, str):
        raise ModelError(f"{folder}: {served}")
    if served.architecture not in (config.get("architectures") or ()):
        raise ModelError(
            f"{folder}: vLLM {VERSION} serves this family as {served.architecture}, which the config.json of its base "
            "does not name; name the released checkpoint with --model"
        )
    _check_settings(folder, settings)
    names, vision = {}, False
    for tensor in tensors:
        module = tensor.removeprefix(_PREFIX).removesuffix(_ENDS[0]).removesuffix(_ENDS[1])
        is_vision = served.vision is not None and re.fullmatch(served.vision, module) is not None
        if not tensor.endswith(_ENDS) or not (is_vision or re.fullmatch(served.language, module)):
            raise ModelError(
                f"{folder}: adapts {module}, which vLLM {VERSION} does not adapt in this family: it would leave that "
                f"part of the adapter out, and answer as another model; {INSTEAD}"
            )
        vision |= is_vision
        names[tensor] = tensor.replace(*served.renamed) if served.renamed[0] else tensor
    highest = max([int(settings["r"]), *(settings.get("rank_pattern") or {}).values()])
    if highest > RANKS[-1]:
        raise ModelError(f"{folder}: has rank {highest}, and vLLM {VERSION} serves up to {RANKS[-1]}; {INSTEAD}")
    return Serving(vision, next(rank for rank in RANKS if rank >= highest), bool(config.get("auto_map")), names)


def _check_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    """Refuse settings that vLLM refuses, or does not know: it leaves out what it does not know."""
    start = settings.get("init_lora_weights")
    problems = {
        f"the method {settings.get('peft_type')}": settings.get("peft_type") != "LORA",
        f"bias {settings.get('bias')!r}": settings.get("bias", "none") != "none",
        f"init_lora_weights {start!r}": isinstance(start, str) and start.lower() not in _PLAIN_STARTS,
        **{
            name: bool(settings.get(name))
            for name in (
                "alora_invocation_tokens", "arrow_config", "layer_replication", "lora_bias", "modules_to_save",
                "target_parameters", "trainable_token_indices", "use_bdlora", "use_dora", "use_qalora",
            )
        },
    }  # fmt: skip
    if wrong := next((problem for problem, there in problems.items() if there), None):
        raise ModelError(f"{folder}: vLLM {VERSION} does not serve adapters with {wrong}; {INSTEAD}")
