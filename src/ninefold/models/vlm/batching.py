"""Batches of prompts of like length, bounded by their tokens."""

from collections.abc import Iterable, Iterator

from ninefold.models.vlm.prompt import Prompt

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
    return len(batch) > 1 and batch[0][1].image is batch[1][1].image
