"""What a measurement is, and how long it takes: as many samples as fit into the seconds that it is given."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from gpu_flops import synchronize


@dataclass(frozen=True)
class Measured:
    """What one way of doing something took."""

    samples: int
    seconds: float
    operations: float
    """Of a sample, as `gpu_flops` counts them."""
    peak_bytes: int | None
    """The most memory of the card that was in use; ``None`` on a CPU."""
    note: str = ""


@dataclass(frozen=True)
class Job:
    """A row of the table that is still to be measured."""

    what: str
    """What is measured."""
    way: str
    """How it is done."""
    measure: Callable[[], Measured]


def timed(
    work: Callable[[Sequence[Any]], object], rows: Sequence[Any], seconds: float, *, probe: int
) -> tuple[int, float, int | None]:
    """Return how many rows were worked on in about so many seconds, how many it were exactly, and the peak of memory.

    ``probe`` rows are worked on twice before: once to warm up, and once to see how long they take.
    """
    work(rows[:probe])
    count = int(probe * seconds / _spent(work, rows[:probe]))
    count = max(probe, min(len(rows), count - count % probe))
    reset_peak()
    spent = _spent(work, rows[:count])
    return count, spent, peak_bytes()


def _spent(work: Callable[[Sequence[Any]], object], rows: Sequence[Any]) -> float:
    synchronize()
    begun = time.perf_counter()
    work(rows)
    synchronize()
    return time.perf_counter() - begun


def reset_peak() -> None:
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def peak_bytes() -> int | None:
    return torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None
