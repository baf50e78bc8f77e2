"""What a training run chooses by itself: how its effective batch is cut into forward passes."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Self

from ninefold import store
from ninefold.errors import RunError

_FILE = "plan.json"


@dataclass(frozen=True)
class Plan:
    """It changes memory and speed, never the effective batch."""

    micro_batch: int
    """Examples in a forward pass, at most."""
    tokens: int
    """Positions in a forward pass, padding included, at most; an example that is longer goes alone."""
    recompute: bool
    """Whether activations are computed again in the backward pass rather than kept."""
    unused: bool
    """Whether some of what is trained may get no gradient, which several processes have to be told."""
    features: bool = False
    """Whether pictures come as features, computed once, and not as pixels."""

    @classmethod
    def begun_with(cls, folder: Path) -> Self | None:
        """Return the plan that a run keeps with its checkpoints, where it has begun."""
        path = folder / _FILE
        return cls(**store.read_json(path)) if path.exists() else None

    def keep(self, folder: Path) -> None:
        """Write the plan beside a run's checkpoints, for when it goes on."""
        store.write_json(folder / _FILE, asdict(self))

    def cut(self, lengths: Sequence[float]) -> list[list[int]]:
        """Cut a batch into forward passes of like length and even size; return the places of each one's examples."""
        size = max(1, min(self.micro_batch, int(self.tokens // max(lengths))))
        passes = -(-len(lengths) // size)
        ordered = sorted(range(len(lengths)), key=lengths.__getitem__)
        borders = [len(lengths) * number // passes for number in range(passes + 1)]
        return [ordered[start:end] for start, end in pairwise(borders)]

    def __str__(self) -> str:
        """Say it in words."""
        kept = "recomputed" if self.recompute else "kept"
        return f"at most {self.micro_batch} examples, {self.tokens:,} tokens in a forward pass, activations {kept}"

    def halved(self, size: int, length: float) -> "Plan":
        """Return a plan for when ``size`` examples of ``length`` were too many.

        Raises:
            RunError: If there is nothing left to halve.
        """
        if size > 1:
            return replace(self, micro_batch=size // 2, tokens=int(size // 2 * length))
        if not self.recompute:
            return replace(self, recompute=True)
        raise RunError(
            f"out of memory on a single example of about {length:.0f} tokens, activations recomputed; "
            "train on smaller pictures, a smaller model or a larger device"
        )
