"""vLLM's limits for LoRA adapters: which it serves, which it ignores or refuses, and the command that serves one.

Read from the source of vLLM 0.33.0 (https://github.com/vllm-project/vllm/tree/v0.33.0): ``vllm/lora/peft_helper.py``,
``lora_model.py``, ``model_manager.py``, ``config/lora.py`` and the models' files. An adapted module whose name vLLM
does not know is left out there without an error, so each name must be one that the family's row tells. No torch here.
"""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ninefold.errors import ModelError
from ninefold.models.family import Family

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
    folder: Path, family: Family, config: Mapping[str, Any], settings: Mapping[str, Any], tensors: Sequence[str]
) -> Serving:
    """Return how vLLM serves an adapter.

    Args:
        folder: The adapter's folder, for messages.
        family: Its base's family, whose row says what vLLM serves of it.
        config: The ``config.json`` of its base.
        settings: Its ``adapter_config.json``.
        tensors: Names of its tensors.

    Raises:
        ModelError: If vLLM would refuse it, or leave a part of it out.
    """
    served = family.vllm
    if isinstance(served, str):
        raise ModelError(f"{folder}: {served.format(vllm=f'vLLM {VERSION}', instead=INSTEAD)}")
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
