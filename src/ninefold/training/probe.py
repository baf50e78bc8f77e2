"""One step that leaves nothing behind: it measures what a forward and a backward pass take, and plans with that."""

import math
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import torch
from accelerate.utils.memory import clear_device_cache, should_reduce_batch_size
from accelerate.utils.operations import send_to_device

from ninefold.errors import RunError
from ninefold.models.vlm.prompt import Tensors
from ninefold.training.dataset import Answers, Passes
from ninefold.training.memory import Plan
from ninefold.training.trainer import recompute

FORWARD_TOKENS = 8192
"""Positions in a forward pass, at most: more would keep a GPU no busier."""

CPU_TOKENS = 2048
"""The same on a CPU: a quarter of the memory, and as fast within a hundredth (a Qwen2-VL of 130 million weights)."""

SAFE = 0.8
"""The part of the free memory that is planned with."""

PASSING = 1.5
"""What a pass takes on a CPU, where only what it keeps for the backward pass is counted, in units of that."""


def choose(
    answers: Answers,
    network: Any,
    dtype: torch.dtype,
    *,
    share: int,
    micro_batch: int | None = None,
    recomputing: bool | None = None,
    processes: int = 1,
) -> tuple[Plan, str]:
    """Choose how a batch is cut into forward passes, and whether activations are kept, which is faster.

    Args:
        answers: What is learned from; its longest example is probed.
        network: What is trained, on its device.
        dtype: What it computes in.
        share: Examples that each process has of a batch.
        micro_batch: Examples in a forward pass, where the user has chosen.
        recomputing: Whether activations are recomputed, where the user has chosen.
        processes: How many train together.

    Returns:
        The plan, and what it rests on in words. With both chosen nothing is probed.

    Raises:
        RunError: If not even one example fits.
    """
    longest = max(answers.lengths)
    if micro_batch is not None and recomputing is not None:
        plan = Plan(min(micro_batch, share), int(micro_batch * longest), recomputing, unused=processes > 1)
        return plan, f"{plan}, as told"
    one = Passes(answers, Plan(1, 1, False, False), dtype)
    batch = one.__getitems__([answers.lengths.index(longest)])["passes"][0]
    batch.pop("places")
    room = SAFE * (free(network.device) - _state_bytes(network))
    taken, unused = measure(answers.model, network, batch, dtype)
    again = taken * (micro_batch or 1) > room if recomputing is None else recomputing
    if again:
        recompute(network)
        # On a CPU a measure of what is kept would find next to nothing now; what was found is an upper bound.
        if network.device.type != "cpu":
            taken, unused = measure(answers.model, network, batch, dtype)
    if not math.isfinite(taken):
        raise RunError(f"out of memory on a single example of {longest:.0f} tokens; use a smaller model or pictures")
    if micro_batch is None:
        most = CPU_TOKENS if network.device.type == "cpu" else FORWARD_TOKENS
        tokens = int(longest * max(1, min(room // taken, most // longest)))
        plan = Plan(share, tokens, again, unused)
    else:
        plan = Plan(min(micro_batch, share), int(micro_batch * longest), again, unused)
    return plan, f"{plan}: the longest takes {_mib(taken)} MiB and {_mib(room)} MiB are at hand"


def measure(model: Any, network: Any, batch: Tensors, dtype: torch.dtype) -> tuple[float, bool]:
    """Take a step that leaves no trace: not in weights or their gradients, and not in what is random.

    Args:
        model: The `ninefold.models.protocol.Trainable` whose loss it is.
        network: What is trained.
        batch: What its losses take.
        dtype: What it computes in.

    Returns:
        The bytes that activations take (on a GPU the peak, on a CPU what is kept for the backward pass and more in
        proportion); infinity where memory was not enough. And whether some of what is trained got no gradient.
    """
    device, training = network.device, network.training
    fixed = {tensor.untyped_storage().data_ptr() for tensor in (*network.parameters(), *network.buffers())}
    kept: dict[int, int] = {}

    def counted(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in fixed:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    on_gpu = device.type == "cuda"
    if on_gpu:
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
    try:
        with (
            torch.random.fork_rng([device] if on_gpu else []),
            torch.autograd.graph.saved_tensors_hooks(counted, lambda tensor: tensor),
            torch.autocast(device.type, dtype, enabled=dtype != torch.float32),
        ):
            losses_K, _ = model.losses(network.train(), send_to_device(batch, device))
            losses_K.mean().backward()
        unused = any(parameter.grad is None for parameter in trained)
    except RuntimeError as error:
        if not should_reduce_batch_size(error):
            raise
        return math.inf, False
    finally:
        network.train(training)
        for parameter in trained:
            parameter.grad = None
        clear_device_cache()
    if on_gpu:
        return torch.cuda.max_memory_allocated(device) - before, unused
    return PASSING * sum(kept.values()), unused


def free(device: torch.device) -> int:
    """Return the bytes that are free on a device, or, for a CPU, in the machine or the container it is in."""
    if device.type == "cuda":
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + unused
    available = int(psutil.virtual_memory().available)
    group = Path("/sys/fs/cgroup")
    try:
        limit, used = ((group / name).read_text().strip() for name in ("memory.max", "memory.current"))
    except OSError:
        return available
    return available if limit == "max" else min(available, int(limit) - int(used))


def _state_bytes(network: Any) -> int:
    """Return what gradients and the two moments of AdamW will take."""
    return sum(3 * value.numel() * value.element_size() for value in network.parameters() if value.requires_grad)


def _mib(size: float) -> str:
    return f"{size / 2**20:,.0f}"
