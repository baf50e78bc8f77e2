"""Batches of prompts by their lengths in tokens, and what becomes of them when memory runs out."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import torch

from ninefold.console import warn
from ninefold.errors import ModelError
from ninefold.models.vlm.prompt import Prompt

Item = TypeVar("Item")
Result = TypeVar("Result")

ENOUGH = 0.25
"""Share of a batch's tokens that is enough to work at full speed."""

WASTE = 0.05
"""Share of a larger batch that may be padding."""

Batch = list[tuple[int, Prompt]]
"""Prompts, each with its place among all that are asked."""


def packed(groups: Iterable[Batch], tokens: int, *, apart: bool, alone: bool) -> Iterator[Batch]:
    """Yield batches of whole groups as they come, each with as many rows as fit, padded to the longest.

    Args:
        groups: The prompts about one picture each, those of like length near each other.
        tokens: What a batch may hold, padding included.
        apart: Whether groups of one prompt never share a batch with larger ones.
        alone: Whether each prompt is a batch of its own.
    """
    batch: Batch = []
    for group in groups:
        size = 1 if alone else max(1, tokens // max(map(_length, group)))
        for start in range(0, len(group), size):
            part = group[start : start + size]
            other_kind = apart and bool(batch) and (len(group) > 1) != shares(batch)
            if batch and (alone or other_kind or not _fits([*batch, *part], tokens)):
                yield batch
                batch = []
            batch = [*batch, *part]
    if batch:
        yield batch


def _length(row: tuple[int, Prompt]) -> int:
    return len(row[1].ids)


def _fits(batch: Batch, tokens: int) -> bool:
    """Whether a batch is within its tokens and, once it is large enough to be fast, wastes few of them."""
    lengths = list(map(_length, batch))
    whole = len(batch) * max(lengths)
    return whole <= tokens and (whole <= tokens * ENOUGH or sum(lengths) >= whole * (1 - WASTE))


def shares(batch: Batch) -> bool:
    """Whether the first prompts of a batch are about one picture."""
    return len(batch) > 1 and batch[0][1].picture is batch[1][1].picture


class Memory(Generic[Item]):
    """Works batch by batch, by halves once there was not enough memory for a whole one."""

    def __init__(self, name: str, what: str, one: Callable[[Item], str]) -> None:
        """Work for the model called ``name`` on batches of ``what``; ``one`` says what a single one of them is."""
        self.name = name
        self.what = what
        self.one = one
        self.most: int | None = None

    def work(self, function: Callable[[Any], Sequence[Result]], batch: Any) -> list[Result]:
        """Return what ``function`` returns for each item of a batch, which is anything that has a length and slices.

        Raises:
            ModelError: If there is not enough memory for one item.
        """
        if self.most and len(batch) > self.most:
            parts = [batch[start : start + self.most] for start in range(0, len(batch), self.most)]
            return [found for part in parts for found in self.work(function, part)]
        try:
            return list(function(batch))
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
        # Outside of the handler, whose traceback would keep what there was no room for.
        if len(batch) == 1:
            raise ModelError(
                f"{self.name}: not enough memory for one {self.one(batch[0])}; "
                "compute in --dtype bfloat16, or choose a smaller model or smaller pictures"
            )
        self.most = min(self.most or len(batch), len(batch) // 2)  # Other threads may have halved theirs.
        warn(f"{self.name}: not enough memory for {len(batch)} {self.what} at once; going on with {self.most}")
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return self.work(function, batch)


def out_of_memory(error: RuntimeError) -> bool:
    """Whether a device, or torch's allocator on a CPU, had not enough memory."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)
