"""The agreement of several judges: the share of equal verdicts, and how far it exceeds chance.

Sources: Cohen 1960 (two judges); Fleiss 1971 (more, on items that all have judged); Krippendorff 2004 (nominal alpha,
on all items that at least two have judged).
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ratings = Sequence[Sequence[str | None]]
"""The category that each judge gives to each item, shape (items, judges); None where there is none."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """The agreement of two or more judges; a coefficient is None where chance alone gives full agreement."""

    judges: int
    """Number of judges."""
    items: int
    """Number of items with two or more verdicts."""
    common: int
    """Number of items that all have judged."""
    raw: float
    """Share of equal verdicts among all pairs of verdicts about the same item."""
    kappa: float | None
    """Cohen's kappa of two judges, Fleiss' kappa of more; over the items that all have judged."""
    alpha: float | None
    """Krippendorff's alpha."""


def agreement(ratings: Ratings) -> Agreement | None:
    """Return the agreement of judges; None if no item has two verdicts.

    Args:
        ratings: Shape (items, judges).
    """
    judges = len(ratings[0]) if ratings else 0
    counts = _counts(ratings)
    several = counts[counts.sum(1) > 1]
    if judges < 2 or not len(several):
        return None
    whole = [row for row in ratings if None not in row]
    kappa = cohen_kappa(whole) if judges == 2 else fleiss_kappa(whole)
    pairs = several.sum(1) * (several.sum(1) - 1)
    raw = float((several * (several - 1)).sum() / pairs.sum())
    return Agreement(judges, len(several), len(whole), raw, kappa, krippendorff_alpha(ratings))


def cohen_kappa(ratings: Sequence[Sequence[Hashable]]) -> float | None:
    """Return Cohen's kappa; each judge's own shares of categories are the chance.

    Args:
        ratings: Shape (items, 2), all given.
    """
    if not ratings:
        return None
    first, second = ([row[at] for row in ratings] for at in (0, 1))
    observed = sum(one == other for one, other in zip(first, second, strict=True)) / len(ratings)
    chance = sum(first.count(name) * second.count(name) for name in {*first, *second}) / len(ratings) ** 2
    return _beyond(observed, chance)


def fleiss_kappa(ratings: Ratings) -> float | None:
    """Return Fleiss' kappa; the shares of categories of all judges together are the chance.

    Args:
        ratings: Shape (items, judges), all given.
    """
    if not ratings:
        return None
    counts = _counts(ratings)
    judges = len(ratings[0])
    observed = (counts * (counts - 1)).sum() / (len(counts) * judges * (judges - 1))
    return _beyond(float(observed), float(((counts.sum(0) / counts.sum()) ** 2).sum()))


def krippendorff_alpha(ratings: Ratings) -> float | None:
    """Return Krippendorff's alpha for nominal categories; items with one verdict do not count.

    Args:
        ratings: Shape (items, judges).
    """
    counts = _counts(ratings)
    counts = counts[counts.sum(1) > 1]
    if not len(counts):
        return None
    each, total = counts.sum(1), counts.sum()
    observed = ((counts * (counts - 1)).sum(1) / (each - 1)).sum() / total
    by_category = counts.sum(0)
    return _beyond(float(observed), float((by_category * (by_category - 1)).sum() / (total * (total - 1))))


def _counts(ratings: Ratings) -> NDArray[np.float64]:
    """Return how many judges give each category to each item, shape (items, categories)."""
    names = sorted({name for row in ratings for name in row if name is not None})
    return np.array([[sum(name == one for one in row) for name in names] for row in ratings], float).reshape(
        len(ratings), len(names)
    )


def _beyond(observed: float, chance: float) -> float | None:
    """Return the agreement beyond chance; None where chance alone gives all of it."""
    return (observed - chance) / (1 - chance) if chance < 1 else None
