"""Scaling curves: accuracy by the number of training examples, over seeds, and where the curve becomes flat."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ninefold.analysis.seeds import Summary, summary

TOLERANCE = 0.01
"""Largest difference, as a fraction of right answers, between means of a plateau."""

FEWEST = 3
"""Smallest number of sizes, and of seeds of each, with which a plateau is decidable: the t interval of two seeds is so
wide, 13 standard errors to each side, that nearly every curve would be flat."""


class Point(NamedTuple):
    """One training size of a scaling curve."""

    size: int
    """Number of training examples; 0 for the base."""
    accuracy: Summary
    """Accuracy over seeds, as a fraction."""
    gain: float | None
    """Gain over the base, as a fraction of the gain at the largest size; None without a base or without a gain."""


class Curve(NamedTuple):
    """A scaling curve of one model on one test."""

    points: tuple[Point, ...]
    """Its points, by increasing size; the base first, if there is one."""
    plateau: int | None
    """The smallest size from which on all means are equal to that of the largest size: within the tolerance, or within
    its t interval if that is wider. It is the largest size itself if the curve is not flat anywhere, and None where
    that is not decidable: with fewer than `FEWEST` sizes, or fewer than `FEWEST` seeds of a size."""

    @property
    def plateau_fraction(self) -> float | None:
        """Return the size at which the plateau begins, as a fraction of the largest size; None if not decidable."""
        return None if self.plateau is None else self.plateau / self.points[-1].size


def curve(accuracies: Mapping[int, Sequence[float]], base: float | None = None, tolerance: float = TOLERANCE) -> Curve:
    """Return the scaling curve of one model on one test.

    Args:
        accuracies: The accuracy of each seed, by number of training examples; sizes may have different numbers of
            seeds, but none may be empty.
        base: Accuracy without training, the point of size 0; it is never part of the plateau.
        tolerance: Largest difference between means of a plateau.

    Raises:
        ValueError: If there is no size above 0, or a size without a seed.
    """
    sizes = sorted(accuracies)
    if not sizes or sizes[0] < 1:
        raise ValueError(
            "a scaling curve needs training sizes of 1 or more; give the accuracy without training as base"
        )
    found = {size: summary(accuracies[size]) for size in sizes}
    last = found[sizes[-1]]
    whole = None if base is None else last.mean - base
    points = [
        Point(size, one, (one.mean - base) / whole if base is not None and whole else None)
        for size, one in found.items()
    ]
    if base is not None:
        points.insert(0, Point(0, summary([base]), 0.0 if whole else None))
    return Curve(tuple(points), _plateau(found, last, tolerance))


def _plateau(found: Mapping[int, Summary], last: Summary, tolerance: float) -> int | None:
    interval = last.interval
    if interval is None or min(len(found), *(len(one.values) for one in found.values())) < FEWEST:
        return None
    # The interval may be cut at 0 or at 1, on one side.
    half = max(tolerance, interval.high - interval.value, interval.value - interval.low)
    begin = max(found)
    for size in sorted(found, reverse=True):
        # Decimal fractions such as 0.81 - 0.8 must not miss the tolerance by rounding.
        if abs(found[size].mean - last.mean) > half + 1e-9:
            break
        begin = size
    return begin
