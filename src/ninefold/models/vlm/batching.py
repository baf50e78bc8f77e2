"""Batches of prompts of similar length, bounded by their number of tokens."""

from collections.abc import Iterable, Iterator

from ninefold.models.vlm.prompt import Prompt

FULL_SPEED = 0.25
"""Fraction of a batch's maximum tokens that suffices for full speed."""

PADDING = 0.05
"""Maximum fraction of padding in a larger batch."""

Batch = list[tuple[int, Prompt]]
"""Prompts, each with its index among all examples."""


def pack(groups: Iterable[Batch], tokens: int, *, apart: bool, alone: bool) -> Iterator[Batch]:
    """Yield batches of whole groups in order, each with as many rows as fit, padded to the longest.

    Args:
        groups: Groups of prompts about one image each, with similar lengths adjacent.
        tokens: Maximum number of tokens of a batch, padding included.
        apart: Whether groups of one prompt never share a batch with larger groups.
        alone: Whether each prompt is a batch of its own.
    """
    batch: Batch = []
    for group in groups:
        size = 1 if alone else max(1, tokens // max(map(_length, group)))
        for start in range(0, len(group), size):
            part = group[start : start + size]
            other_kind = apart and bool(batch) and (len(group) > 1) != _share_image(batch)
            if batch and (alone or other_kind or not _fits([*batch, *part], tokens)):
                yield batch
                batch = []
            batch = [*batch, *part]
    if batch:
        yield batch


def _length(row: tuple[int, Prompt]) -> int:
    return len(row[1].ids)


def _fits(batch: Batch, tokens: int) -> bool:
    """Whether a batch is within the token limit and, if large enough for full speed, has little padding."""
    lengths = list(map(_length, batch))
    padded = len(batch) * max(lengths)
    return padded <= tokens and (padded <= tokens * FULL_SPEED or sum(lengths) >= padded * (1 - PADDING))


def _share_image(batch: Batch) -> bool:
    """Whether the first prompts of a batch are about one image."""
    return len(batch) > 1 and batch[0][1].image is batch[1][1].image
