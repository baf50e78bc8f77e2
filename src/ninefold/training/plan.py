"""What a training run chooses by itself: how its effective batch is cut into forward passes."""

from collections.abc import Sequence
from dataclasses import dataclass

from ninefold.errors import RunError
from ninefold.models.generative import GenerativeModel
from ninefold.types import Example

FORWARD_TOKENS = 8192
"""Prompt tokens in a forward pass, at most; a quarter of it for large models."""

LARGE = 1_000_000_000
"""Parameters from which activations are recomputed rather than kept."""


@dataclass(frozen=True)
class Plan:
    """It changes memory and speed, never the effective batch."""

    micro_batch: int
    """Examples in a forward pass."""
    accumulation: int
    """Forward passes to an optimizer step, in each process."""
    recompute: bool
    """Whether activations are computed again in the backward pass rather than kept."""


def choose(
    model: GenerativeModel, examples: Sequence[Example], *, batch: int, micro: int | None, processes: int
) -> Plan:
    """Choose how an effective batch is cut into forward passes.

    Args:
        model: What is trained; its size decides whether activations are kept.
        examples: What it is trained on; the longest decides how many fit.
        batch: Examples to an optimizer step.
        micro: Examples to a forward pass, where the user has chosen.
        processes: How many train together.

    Raises:
        RunError: If the batch cannot be cut evenly.
    """
    large = model.model.num_parameters() >= LARGE
    if batch % processes:
        raise RunError(f"--batch {batch}: cannot be shared evenly by {processes} processes; choose a multiple")
    share = batch // processes
    if micro is None:
        longest = max(examples, key=model.encoder.cost)
        tokens = model.encoder.encode([longest], [model.encoder.picture(longest)])["input_ids"].shape[1]
        most = max(1, FORWARD_TOKENS // (4 if large else 1) // tokens)
        micro = max(size for size in range(1, share + 1) if share % size == 0 and size <= most)
    elif share % micro:
        raise RunError(f"--micro-batch {micro}: does not divide the {share} examples that a process has of each batch")
    return Plan(micro, share // micro, recompute=large)
