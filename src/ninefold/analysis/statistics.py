"""Intervals and tests for answers that are right or wrong; each names the uncertainty it shows.

Items that share a group, such as an image, are compared by group (see `ninefold.analysis.clustered`). The coverage of
every interval and the size of every test are in docs/statistics.md.

Sources: Wilson 1927; McNemar 1947 and Fagerland et al. 2013 (mid-p); Newcombe 1998 (paired differences, method 10);
Holm 1979.
"""

from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from ninefold.analysis.clustered import bootstrap, sign_flip
from ninefold.types import Clustering

CONFIDENCE = 0.95
"""Confidence level of every interval, including those named ``ci95``; all texts and significance levels follow it. A
change needs a new `ninefold.runs.metrics.SCORER_VERSION`: finished runs are then scored again."""

SIGNIFICANCE = 1 - CONFIDENCE
"""Significance level: only a smaller p-value counts as a change."""


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
    """After minus before: the number gained minus the number lost, over all items."""
    p: float
    """P-value of the hypothesis of no difference; its statistic has the sign of the difference."""
    test: str
    """Method of ``p``, in words."""

    @property
    def direction(self) -> Literal["rose", "fell", "unclear"]:
        """Return the sign of a difference that both the test and the interval show; "unclear" otherwise."""
        low, high = self.difference.low, self.difference.high
        if self.p >= SIGNIFICANCE or low <= 0 <= high:
            return "unclear"
        return "rose" if low > 0 else "fell"


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
        table: One row per example, with its ``group``; a row without one ("" or null) is a group of its own.
        clustering: "group" for a sample in which rows of one group, such as an image, have correlated errors. "census"
            for a complete design: its groups are blocks, not drawn at random, and rows count separately.

    Returns:
        The groups, shape (rows,), or None if rows count separately.
    """
    if clustering == "census":
        return None
    groups = table["group"].to_numpy(object)
    return np.array([index if name in ("", None) else name for index, name in enumerate(groups)], object)


def codes_of(groups: ArrayLike | None, items: int) -> NDArray[np.int64]:
    """Return the group of each item as a number from 0, shape (items,); each item has its own if there are no groups.

    Raises:
        ValueError: If there are no items.
    """
    if not items:
        raise ValueError("no items, so there is neither a fraction nor an interval")
    if groups is None:
        return np.arange(items)
    return np.asarray(pd.factorize(np.asarray(groups), use_na_sentinel=False)[0], np.int64)


def proportion(correct: ArrayLike, groups: ArrayLike | None = None) -> Interval:
    """Return the fraction of right answers with its interval.

    An answer that becomes right never lowers a bound; one that becomes wrong never raises one.

    Args:
        correct: Right or wrong, shape (items,), at least one item.
        groups: Groups of items with correlated errors, e.g. the image, shape (items,). If every item has its own group,
            or none are given, the interval is Wilson's; otherwise a Bayesian bootstrap of groups.

    Raises:
        ValueError: If there are no items.
    """
    values = np.asarray(correct, bool)
    codes = _shared(groups, len(values))
    if codes is None:
        low, high = wilson(values.sum(), len(values))
        return Interval(float(values.mean()), float(low), float(high), "Wilson")
    return _clustered(values, codes, (0, 1))


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
            Newcombe's. Otherwise the test flips the signs of the groups' differences, and the interval is a
            Bayesian bootstrap of groups.

    Raises:
        ValueError: If there are no items.
    """
    old, new = np.asarray(before, bool), np.asarray(after, bool)
    change = new.astype(int) - old
    gained, lost = _counted(change)
    codes = _shared(groups, len(old))
    if codes is None:
        interval, test = _newcombe(old, new), "exact McNemar test"
    else:
        interval = _clustered(change, codes, (-1, 1))
        test = f"exact sign-flip test of {codes.max() + 1:,} groups"
    p = paired_p(old, new, groups)
    return Paired(len(old), float(old.mean()), float(new.mean()), gained, lost, interval, p, test)


def paired_p(before: ArrayLike, after: ArrayLike, groups: ArrayLike | None = None) -> float:
    """Return the p-value of `paired` alone."""
    change = np.asarray(after, bool).astype(int) - np.asarray(before, bool)
    codes = _shared(groups, len(change))
    return sign_flip(_sums(change, codes)) if codes is not None else float(mcnemar(*_counted(change)).exact)


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


def _counted(change: NDArray[np.int64]) -> tuple[int, int]:
    return int((change > 0).sum()), int((change < 0).sum())


def _shared(groups: ArrayLike | None, items: int) -> NDArray[np.int64] | None:
    """Return the group of each item as a number, or None if every item has its own."""
    codes = codes_of(groups, items)
    return None if groups is None or codes.max() + 1 == items else codes


def _sums(values: NDArray[np.int64], codes: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.bincount(codes, values).astype(np.int64)


def _clustered(values: NDArray[np.int64], codes: NDArray[np.int64], ends: tuple[int, int]) -> Interval:
    sums = _sums(values, codes)
    low, high = bootstrap(sums, np.bincount(codes), CONFIDENCE, ends)
    return Interval(float(values.mean()), low, high, f"Bayesian bootstrap, clustered by {len(sums):,} groups")
