"""The memory plan of a training run: the micro-batches of its effective batch. No torch here."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

from ninefold import store
from ninefold.errors import RunError
from ninefold.runs import layout


@dataclass(frozen=True)
class MemoryPlan:
    """Micro-batches and gradient checkpointing: they change memory and speed, never the effective batch."""

    micro_batch: int
    """Maximum number of examples in a forward pass."""
    tokens: int
    """Maximum number of tokens in a forward pass, padding included; a longer example is a micro-batch of its own."""
    gradient_checkpointing: bool
    """Whether activations are recomputed in the backward pass instead of kept."""
    unused_parameters: bool
    """Whether some trained parameters may get no gradient; distributed training has to know."""
    concurrent: int = 1
    """Maximum number of forward passes at the same time, each on cores of its own; more than one only on a CPU."""
    features: bool = False
    """Whether the network gets precomputed vision features instead of pixels."""

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """Return the plan stored beside a run's checkpoints; ``None`` if the run has not begun."""
        path = folder / layout.PLAN
        if not path.exists():
            return None
        kept = store.read_json(path)
        names = ("micro_batch", "tokens", "recompute", "unused", "concurrent", "features")
        return cls(*(kept.get(name, 1) for name in names))

    def save(self, folder: Path) -> None:
        """Write the plan beside a run's checkpoints; a resumed run uses it."""
        store.write_json(folder / layout.PLAN, self.as_json())

    def as_json(self) -> dict[str, Any]:
        """Return the plan as JSON values."""
        return {
            "micro_batch": self.micro_batch,
            "tokens": self.tokens,
            "recompute": self.gradient_checkpointing,
            "unused": self.unused_parameters,
            "concurrent": self.concurrent,
            "features": self.features,
        }

    def split(self, lengths: Sequence[float]) -> list[list[int]]:
        """Split a batch into micro-batches of similar length and even size; return the indices of their examples."""
        size = max(1, min(self.micro_batch, int(self.tokens // max(lengths))))
        count = -(-len(lengths) // size)
        ordered = sorted(range(len(lengths)), key=lengths.__getitem__)
        borders = [len(lengths) * number // count for number in range(count + 1)]
        return [ordered[start:end] for start, end in pairwise(borders)]

    def __str__(self) -> str:
        """Return the plan in words."""
        word = "with" if self.gradient_checkpointing else "without"
        together = f", up to {self.concurrent} of them at the same time" if self.concurrent > 1 else ""
        return (
            f"at most {self.micro_batch} examples, {self.tokens:,} tokens in a forward pass{together}, {word} gradient "
            "checkpointing"
        )

    def halved(self, size: int, length: float) -> "MemoryPlan":
        """Return a smaller plan, after ``size`` examples of ``length`` tokens did not fit in memory.

        Raises:
            RunError: If there is nothing left to halve.
        """
        if self.concurrent > 1:
            return replace(self, concurrent=self.concurrent // 2)
        if size > 1:
            return replace(self, micro_batch=size // 2, tokens=int(size // 2 * length))
        if not self.gradient_checkpointing:
            return replace(self, gradient_checkpointing=True)
        raise RunError(
            f"out of memory on a single example of about {length:.0f} tokens, with gradient checkpointing; "
            "train on smaller images, a smaller model or a larger device"
        )
