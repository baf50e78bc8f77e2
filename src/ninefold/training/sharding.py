"""FSDP: the weights of a network that does not fit one GPU, divided among the processes of ``accelerate launch``.

Every process opens the whole model in main memory, and keeps only its share of every layer on its GPU. Checkpoints and
adapters hold whole tensors, as those of one process do.
"""

import os
from typing import Any

from accelerate.utils import DistributedType

from ninefold.errors import RunError
from ninefold.training.memory import MemoryPlan
from ninefold.training.processes import processes

_REFUSED = {"ACCELERATE_USE_DEEPSPEED": "DeepSpeed", "ACCELERATE_USE_MEGATRON_LM": "Megatron-LM"}
"""What sets these variables, for accelerate, changes how a model is saved."""


def sharded() -> bool:
    """Return whether the processes divide the weights among them; on CPUs, accelerate lets each hold all of them.

    Raises:
        RunError: If the processes were started for another library's way of dividing them.
    """
    for name, library in _REFUSED.items():
        if _is_set(name):
            raise RunError(f"accelerate launch: {library} is not supported; use --use_fsdp or --multi_gpu")
    divided = {DistributedType.MULTI_GPU, DistributedType.FSDP}
    return _is_set("ACCELERATE_USE_FSDP") and processes().distributed_type in divided


def configure(network: Any) -> None:
    """Let accelerate divide a network layer by layer; only offloading stays the user's choice."""
    layers = set(getattr(network, "_no_split_modules", None) or ()) & {
        type(part).__name__ for part in network.modules()
    }
    os.environ |= {
        "FSDP_VERSION": "2",
        "FSDP_AUTO_WRAP_POLICY": "TRANSFORMER_BASED_WRAP",
        "FSDP_TRANSFORMER_CLS_TO_WRAP": ",".join(sorted(layers)),
        "FSDP_STATE_DICT_TYPE": "FULL_STATE_DICT",
        "FSDP_RESHARD_AFTER_FORWARD": "true",
        "FSDP_CPU_RAM_EFFICIENT_LOADING": "false",
        "FSDP_ACTIVATION_CHECKPOINTING": "false",
    }


def plan(length: float, *, batch: int, micro_batch: int | None, checkpointing: bool | None) -> MemoryPlan:
    """Return the memory plan of a sharded network, which no trial step on one GPU can measure.

    Args:
        length: Number of tokens of the longest example.
        batch: Examples per optimizer step and process.
        micro_batch: Examples in a forward pass, if the user has chosen; otherwise one.
        checkpointing: Whether to use gradient checkpointing, if the user has chosen; otherwise it is used.
    """
    size = min(micro_batch or 1, batch)
    return MemoryPlan(size, int(size * length), True if checkpointing is None else checkpointing, False)


def _is_set(name: str) -> bool:
    return os.environ.get(name, "false").lower() in {"1", "true"}
