"""Intervals and tests for answers that are right or wrong; each names the uncertainty it shows.

Sources: Wilson 1927; McNemar 1947 and Fagerland et al. 2013 (mid-p); Newcombe 1998 (paired differences, method 10);
Miller 2024, arXiv 2411.00640 (clustered standard errors); Holm 1979.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from ninefold.types import Clustering

CONFIDENCE = 0.95
"""Confidence level of every interval, including those named ``ci95``; all texts and significance levels follow it. A
change needs a new `ninefold.runs.metrics.SCORER_VERSION`: finished runs are then scored again."""

_NOTHING = 1e-12
"""Width below which an interval is only rounding error."""


class Interval(NamedTuple):
    """An estimate with its interval at the confidence level `CONFIDENCE`."""

    value: float
    """The estimate."""
    low: float
    """Lower bound."""
    high: float
    """Upper bound."""
    method: str
    """Method of the interval, in words."""


class McNemar(NamedTuple):
    """P-values of the hypothesis that gains and losses are equally likely; arrays of the same shape."""

    exact: NDArray[np.float64]
    """Two-sided, from the binomial distribution."""
    mid: NDArray[np.float64]
    """Mid-p: counts half of the observed outcome's probability; less conservative, and still close to its level."""


class Paired(NamedTuple):
    """A comparison of before and after on the same items."""

    n: int
    """Number of items."""
    before: float
    """Accuracy before."""
    after: float
    """Accuracy after."""
    gained: int
    """Number of items wrong before and right after."""
    lost: int
    """Number of items right before and wrong after."""
    difference: Interval
    """After minus before."""
    p: float
    """P-value of the hypothesis of no difference."""
    mid_p: float
    """P-value by the mid-p test."""
    test: str
    """Method of ``p``, in words."""


def wilson(right: ArrayLike, n: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lower and upper bounds of Wilson's interval of a proportion, elementwise; nan where ``n`` is 0.

    Unlike the normal approximation it is valid below a few hundred items, and at 0 and 100 %.
    """
    z2 = stats.norm.ppf((1 + CONFIDENCE) / 2) ** 2
    right, n = np.asarray(right, float), np.asarray(n, float)
    with np.errstate(invalid="ignore", divide="ignore"):
        p = right / n
        center = (p + z2 / (2 * n)) / (1 + z2 / n)
        half = np.sqrt(z2 * (p * (1 - p) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    # At 0 and n the exact bounds are 0 and 1; rounding must not move them.
    return np.where(right == 0, 0 * center, center - half), np.where(right == n, 1 + 0 * center, center + half)


def clusters(table: pd.DataFrame, clustering: Clustering) -> NDArray[np.object_] | None:
    """Return the clusters of a score table: the groups whose answers have correlated errors.

    Args:
        table: One row per example, with its ``group``.
        clustering: "group" for a sample in which rows of one group, such as an image, have correlated errors. "census"
            for a complete design: its groups are blocks, not drawn at random, and rows count separately.

    Returns:
        The groups, shape (rows,), or None if rows count separately.
    """
    return None if clustering == "census" else table["group"].to_numpy(object)


def proportion(correct: ArrayLike, groups: ArrayLike | None = None) -> Interval:
    """Return the fraction of right answers with its interval.

    Args:
        correct: Right or wrong, shape (items,), at least one item.
        groups: Groups of items with correlated errors, e.g. the image, shape (items,). If every item has its own group,
            or none are given, the interval is Wilson's; otherwise it is clustered.
    """
    values = np.asarray(correct, float)
    codes = _shared(groups, len(values))
    value = float(values.mean())
    if codes is None:
        low, high = wilson(values.sum(), len(values))
        return Interval(value, float(low), float(high), "Wilson")
    interval = clustered_mean(values, codes)
    if interval.high - interval.low > _NOTHING:
        return _clipped(interval, 0, 1)
    # Groups do not differ at all (e.g. every answer is right): each counts as one observation.
    count = int(codes.max()) + 1
    low, high = wilson(value * count, count)
    return Interval(value, float(low), float(high), f"Wilson over {count} groups")


def clustered_mean(values: ArrayLike, groups: ArrayLike) -> Interval:
    """Return a mean with a t interval from standard errors clustered by group (C - 1 degrees of freedom)."""
    values = np.asarray(values, float)
    mean, codes = float(values.mean()), np.unique(np.asarray(groups), return_inverse=True)[1]
    count = int(codes.max()) + 1
    half = clustered_error(values, codes) * float(stats.t.ppf((1 + CONFIDENCE) / 2, max(count - 1, 1)))
    return Interval(mean, mean - half, mean + half, f"t, clustered by {count} groups")


def clustered_error(values: ArrayLike, groups: ArrayLike, *, correct: bool = True) -> float:
    """Return the standard error of a mean, clustered by group.

    ``correct`` multiplies by sqrt(C / (C - 1)). A single group gives no estimate of variance: its error is infinite.
    """
    values = np.asarray(values, float)
    codes = np.unique(np.asarray(groups), return_inverse=True)[1]
    sums = np.bincount(codes, values - values.mean())
    if len(sums) < 2:
        return np.inf
    factor = len(sums) / (len(sums) - 1) if correct else 1
    return float(np.sqrt(factor * (sums**2).sum()) / len(values))


def mcnemar(gained: ArrayLike, lost: ArrayLike) -> McNemar:
    """Test the counts of items that became right against those that became wrong, elementwise."""
    b, c = np.asarray(gained), np.asarray(lost)
    tail = stats.binom.cdf(np.minimum(b, c), b + c, 0.5)
    point = stats.binom.pmf(np.minimum(b, c), b + c, 0.5)
    return McNemar(np.minimum(1, 2 * tail), np.minimum(1, 2 * tail - point))


def paired(before: ArrayLike, after: ArrayLike, groups: ArrayLike | None = None) -> Paired:
    """Compare two sets of answers to the same items.

    Args:
        before: Right or wrong, shape (items,).
        after: The same items in the same order.
        groups: The same as in `proportion`. If every item has its own, the test is McNemar's and the interval
            Newcombe's. Otherwise the test is over groups instead of items (more gained than lost, or fewer), and the
            interval is that of clustered differences, if groups differ at all.
    """
    old, new = np.asarray(before, bool), np.asarray(after, bool)
    change = new.astype(int) - old
    codes = _shared(groups, len(old))
    interval, net, test = _newcombe(old, new), change, "McNemar, exact"
    if codes is not None:
        net, test = np.bincount(codes, change), "McNemar over groups, exact"
        clustered = _clipped(clustered_mean(change, codes), -1, 1)
        interval = clustered if clustered.high - clustered.low > _NOTHING else interval
    exact, mid = mcnemar((net > 0).sum(), (net < 0).sum())
    gained, lost = int((change > 0).sum()), int((change < 0).sum())
    return Paired(
        len(old), float(old.mean()), float(new.mean()), gained, lost, interval, float(exact), float(mid), test
    )


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Adjust p-values for multiple tests by Holm's step-down rule; nan values are not counted as tests and stay nan."""
    values = np.asarray(p, float)
    adjusted = np.full(values.shape, np.nan)
    there = ~np.isnan(values)
    ordered = np.argsort(values[there])
    steps = values[there][ordered] * np.arange(len(ordered), 0, -1)
    result = np.empty(len(ordered))
    result[ordered] = np.minimum(1, np.maximum.accumulate(steps))
    adjusted[there] = result
    return adjusted


def _newcombe(old: NDArray[np.bool_], new: NDArray[np.bool_]) -> Interval:
    n = len(old)
    both, neither = int((old & new).sum()), int((~old & ~new).sum())
    lost, gained = int((old & ~new).sum()), int((new & ~old).sum())
    p1, p2 = new.mean(), old.mean()
    low, high = wilson([new.sum(), old.sum()], n)
    margins = (both + gained) * (lost + neither) * (both + lost) * (gained + neither)
    excess = float(both * neither - gained * lost)
    # Method 10 corrects a positive correlation for continuity.
    excess = max(excess - n / 2, 0) if excess > 0 else excess
    phi = excess / margins**0.5 if margins else 0.0
    down, up = (
        np.sqrt(a * a - 2 * phi * a * b + b * b) for a, b in ((p1 - low[0], high[1] - p2), (high[0] - p1, p2 - low[1]))
    )
    return Interval(float(p1 - p2), float(p1 - p2 - down), float(p1 - p2 + up), "Newcombe")


def _shared(groups: ArrayLike | None, items: int) -> NDArray[np.int64] | None:
    """Return the group of each item as a number, or None if every item has its own."""
    if groups is None:
        return None
    names, codes = np.unique(np.asarray(groups), return_inverse=True)
    return None if len(names) == items else codes


def _clipped(interval: Interval, low: float, high: float) -> Interval:
    return interval._replace(low=max(low, interval.low), high=min(high, interval.high))
