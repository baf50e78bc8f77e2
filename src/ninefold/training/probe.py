"""The memory probe: a trial step without side effects, whose memory determines the micro-batch."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import torch
from accelerate.utils.memory import clear_device_cache, should_reduce_batch_size
from accelerate.utils.operations import send_to_device

from ninefold.errors import RunError
from ninefold.models.compute.prefetch import batch_per_core, torch_threads
from ninefold.models.vlm.prompt import Tensors
from ninefold.training import gradient_checkpointing
from ninefold.training.dataset import StepDataset, TrainingSet
from ninefold.training.memory import MemoryPlan

Losses = Callable[[Any, Tensors], tuple[torch.Tensor, torch.Tensor]]
"""A function that returns the cross-entropies of a network on a batch, and the row of each."""

FORWARD_TOKENS = 8192
"""Maximum number of tokens in a forward pass on a GPU: more would not use it better."""

CPU_TOKENS = 1024
"""Maximum on a CPU: as fast as more on one core, and enough parts in a batch for several cores."""

USABLE = 0.8
"""Fraction of the free memory that a plan may use."""

STATES: Mapping[str, float] = {"adamw": 3, "adamw-8bit": 1.75}
"""Memory beside the trained parameters, as a multiple of theirs, by optimizer: gradients and two moments. Those of
embeddings, at most an eighth of the parameters of models with a vision tower, are never of 8 bits."""

CPU_PEAK = 1.5
"""Peak memory of a step on a CPU, as a multiple of the tensors kept for the backward pass; only these are counted."""


def choose(
    training_set: TrainingSet,
    network: Any,
    losses: Losses,
    dtype: torch.dtype,
    *,
    batch: int,
    micro_batch: int | None = None,
    checkpointing: bool | None = None,
    processes: int = 1,
    states: float = STATES["adamw"],
) -> tuple[MemoryPlan, str]:
    """Choose the micro-batch, and gradient checkpointing if needed: keeping all activations is faster.

    Args:
        training_set: The training examples; the longest of them is probed.
        network: The network that is trained, on its device.
        losses: A function: the network's losses on a batch.
        dtype: The precision of its computation.
        batch: Examples per optimizer step and process.
        micro_batch: Examples in a forward pass, if the user has chosen.
        checkpointing: Whether to use gradient checkpointing, if the user has chosen.
        processes: The number of processes that train together.
        states: The memory of gradients and optimizer, as a multiple of the trained parameters.

    Returns:
        The plan, and its reason in words. On a GPU nothing is probed if the user has chosen both.

    Raises:
        RunError: If the trained parameters, or one example, do not fit in memory.
    """
    longest = training_set.lengths[training_set.longest()]
    on_cpu = network.device.type == "cpu"
    if micro_batch is not None and checkpointing is not None and not on_cpu:
        plan = _plan(micro_batch, batch, longest, checkpointing, unused=processes > 1)
        return plan, f"{plan}, as asked for"
    example = _longest_alone(training_set, dtype)
    size = _gradient_bytes(network)
    room = _room(network.device, states * size)
    trial = measure(losses, network, example, dtype)
    checkpoint = trial.size * (micro_batch or 1) > room if checkpointing is None else checkpointing
    if checkpoint:
        gradient_checkpointing.enable(network)
        # On a CPU, measuring the kept tensors again would find almost nothing; the first result is an upper bound.
        if not on_cpu:
            trial = measure(losses, network, example, dtype)
    if not math.isfinite(trial.size):
        raise RunError(f"out of memory on a single example of {longest:.0f} tokens; use a smaller model or images")
    if micro_batch is None:
        most = CPU_TOKENS if on_cpu else FORWARD_TOKENS
        tokens = int(longest * max(1, min(room // trial.size, most // longest)))
        plan = MemoryPlan(batch, tokens, checkpoint, trial.unused)
    else:
        plan = _plan(micro_batch, batch, longest, checkpoint, unused=trial.unused)
    if on_cpu and processes == 1 and not trial.random:
        plan = _side_by_side(plan, [longest] * batch, room, example=trial.size, gradient=size)
    return plan, f"{plan}: the longest takes {_mib(trial.size)} MiB and {_mib(room)} MiB are available"


def _room(device: torch.device, states: float) -> float:
    """Return the memory for activations beside gradients and optimizer, in bytes; refuse if there is none."""
    room = USABLE * (free(device) - states)
    if room <= 0:
        raise RunError(
            f"out of memory: gradients and optimizer of the trained parameters take {_mib(states)} MiB and "
            f"{_mib(free(device))} MiB are free; train fewer weights: --method lora, a lower --rank, or "
            "--lora-scope language"
        )
    return room


@dataclass(frozen=True)
class Trial:
    """What a trial step showed."""

    size: float
    """Bytes of activations: on a GPU the peak, on a CPU `CPU_PEAK` times the tensors kept for the backward pass;
    infinity if memory was not enough."""
    unused: bool
    """Whether some trained parameters got no gradient."""
    random: bool
    """Whether the forward pass drew random numbers, for example for dropout."""


def measure(losses: Losses, network: Any, batch: Tensors, dtype: torch.dtype) -> Trial:
    """Measure a forward and a backward pass, without changing weights, gradients or random state.

    Args:
        losses: A function: the losses of a network on a batch.
        network: The network that is trained.
        batch: A batch of examples with their answers.
        dtype: The precision of the network's computation.
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
            torch_threads(1 if batch_per_core(network) else torch.get_num_threads()),
            torch.random.fork_rng([device] if on_gpu else []),
            torch.autograd.graph.saved_tensors_hooks(counted, lambda tensor: tensor),
            torch.autocast(device.type, dtype, enabled=dtype != torch.float32),
        ):
            state = torch.get_rng_state()
            losses_K, _ = losses(network.train(), send_to_device(batch, device))
            random = not torch.equal(state, torch.get_rng_state())
            losses_K.mean().backward()  # type: ignore[no-untyped-call]
        unused = any(parameter.grad is None for parameter in trained)
    except RuntimeError as error:
        if not should_reduce_batch_size(error):
            raise
        return Trial(math.inf, False, False)
    finally:
        network.train(training)
        for parameter in trained:
            parameter.grad = None
        clear_device_cache()
    if on_gpu:
        return Trial(torch.cuda.max_memory_allocated(device) - before, unused, random)
    return Trial(CPU_PEAK * sum(kept.values()), unused, random)


def free(device: torch.device) -> int:
    """Return the free memory of a device in bytes; for a CPU that of the machine or the container.

    Of a GPU that several processes share, no more than this process's share.
    """
    if device.type == "cuda":
        allocated = torch.cuda.memory_allocated(device)
        unused = torch.cuda.memory_reserved(device) - allocated
        available, total = torch.cuda.mem_get_info(device)
        share = int(torch.cuda.get_per_process_memory_fraction(device) * total)
        return min(available + unused, share - allocated)
    available = int(psutil.virtual_memory().available)
    group = Path("/sys/fs/cgroup")
    try:
        limit, used = ((group / name).read_text().strip() for name in ("memory.max", "memory.current"))
    except OSError:
        return available
    return available if limit == "max" else min(available, int(limit) - int(used))


def _plan(micro_batch: int, batch: int, longest: float, checkpointing: bool, *, unused: bool) -> MemoryPlan:
    """Return the plan for a micro-batch chosen by the user."""
    return MemoryPlan(min(micro_batch, batch), int(micro_batch * longest), checkpointing, unused)


def _side_by_side(
    plan: MemoryPlan, lengths: Sequence[float], room: float, *, example: float, gradient: float
) -> MemoryPlan:
    """Return a plan in which as many micro-batches as fit in memory are computed at the same time.

    Each has a gradient of its own. The number of cores is not used: a run may go on with more or fewer.
    """
    parts = plan.split(lengths)
    each = len(max(parts, key=len)) * example + gradient
    return replace(plan, concurrent=max(1, min(len(parts), int(room // each))))


def _longest_alone(training_set: TrainingSet, dtype: torch.dtype) -> Tensors:
    """Return the tensors of the longest example, as a batch of one."""
    alone = StepDataset(training_set, MemoryPlan(1, 1, False, False), dtype)
    batch: Tensors = alone.__getitems__([training_set.longest()])["micro_batches"][0]
    return {name: value for name, value in batch.items() if name != "indices"}


def _gradient_bytes(network: Any) -> int:
    return sum(value.numel() * value.element_size() for value in network.parameters() if value.requires_grad)


def _mib(size: float) -> str:
    return f"{size / 2**20:,.0f}"
