"""Intervals and tests of clusters: items whose errors are correlated, such as the questions of one image.

Clusters are a sample of independent ones; nothing is assumed of the correlation within them.

Sources: Rubin 1981 (Bayesian bootstrap); Gaffke 2005, "Three test statistics for a nonparametric one-sided hypothesis
on the mean of a nonnegative variable", and Learned-Miller and Thomas 2019, arXiv 1905.06208 (bounds with one unseen
value); Fisher 1935 (sign flips); Daniels 1954 (integration through the saddlepoint).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special, stats

Floats = NDArray[np.float64]

UNSEEN = 0.5
"""Weight of the unseen cluster beside each bound. With 1 the bounds are Gaffke's, which are wider; with 0.5 their
coverage is that in docs/statistics.md."""

_STEPS = np.linspace(0, 14, 141)
"""Nodes of the trapezoidal rule in `_below`; with these its error is below 1e-8 unless one group holds most items."""


def bootstrap(
    sums: ArrayLike, sizes: ArrayLike, confidence: float, ends: tuple[float, float] = (0, 1)
) -> tuple[float, float]:
    """Return the bounds of the Bayesian bootstrap interval of a mean over all items of clusters.

    Each bound is a quantile of the mean in which clusters have independent exponential weights and half a cluster more,
    of typical size, is at the end of the range on that side: what was not seen yet. If r of n clusters of one item are
    right, the bounds are quantiles of Beta(r, n - r + 1/2) and Beta(r + 1/2, n - r).

    A bound never falls when the value of an item rises: the mean falls for no weights, and weights do not depend on
    values.

    Args:
        sums: The sum of the items of each cluster, shape (clusters,), at least one cluster.
        sizes: The number of items of each cluster, shape (clusters,).
        confidence: Confidence level; half of the rest is left out on each side.
        ends: Smallest and largest possible value of an item.
    """
    pairs, counts = np.unique(np.stack([np.asarray(sums, float), np.asarray(sizes, float)]), axis=1, return_counts=True)
    weights = np.append(counts, UNSEEN)
    # The size of the cluster that a typical item is in: with clusters of unequal size, larger than their mean size.
    size = float((pairs[1] ** 2 @ counts) / (pairs[1] @ counts))
    low, high = (
        _quantile(level, np.append(pairs[0], end * size), np.append(pairs[1], size), weights)
        for end, level in zip(ends, ((1 - confidence) / 2, (1 + confidence) / 2), strict=True)
    )
    return low, high


def sign_flip(sums: Sequence[int] | NDArray[np.int64]) -> float:
    """Return the exact two-sided p-value of the hypothesis that the sum of each cluster is as likely as its negative.

    The statistic is the total of all sums, so its sign is that of the difference between the means of all items. The
    p-value is the fraction of all assignments of signs with a total at least as far from 0. For sums of 1 and -1 this
    is McNemar's exact test.

    Args:
        sums: Integers, one per cluster, such as the number of newly right minus newly wrong answers.
    """
    sums = np.asarray(sums, np.int64)
    magnitudes, counts = np.unique(np.abs(sums[sums != 0]), return_counts=True)
    # The distribution of the total of the positive terms, from those of each magnitude: all terms are positive, so
    # that small p-values are exact too.
    chances = np.ones(1)
    for magnitude, count in zip(magnitudes.tolist(), counts.tolist(), strict=True):
        positive = stats.binom.pmf(np.arange(count + 1), count, 0.5)
        total = np.zeros(len(chances) + magnitude * count)
        # A term moves a total by multiples of its magnitude: each remainder is a convolution of its own, a short one.
        for rest in range(min(magnitude, len(chances))):
            total[rest::magnitude] = np.convolve(chances[rest::magnitude], positive)
        chances = total
    least = (int(np.abs(sums).sum()) + abs(int(sums.sum()))) // 2
    return min(1.0, 2 * float(chances[least:].sum()))


def _quantile(level: float, sums: Floats, sizes: Floats, weights: Floats) -> float:
    """Return a quantile of a weighted mean: sums over sizes, with gamma-distributed weights of these shapes."""
    means = sums / sizes
    low, high = float(means.min()), float(means.max())

    def excess(mean: float) -> float:
        if mean in (low, high):
            return -9.0 if mean == low else 9.0
        # As normal quantiles, probabilities are almost linear in the mean, so that few steps find the root.
        chance = np.clip(_below(sums - mean * sizes, weights), 1e-16, 1 - 1e-16)
        return float(special.ndtri(chance) - special.ndtri(level))

    return float(optimize.brentq(excess, low, high, xtol=1e-10)) if low < high else low


def _below(terms: Floats, shapes: Floats) -> float:
    """Return the probability that a sum of independent gamma variables, each times its term, is below 0.

    The integral of the moment-generating function over a hyperbola in the complex plane, which crosses the real axis at
    the saddlepoint. All such paths have the same integral; the one of steepest descent at the saddlepoint is tried
    first, and one that bends more if terms cancel far from there.

    Args:
        terms: The factor of each variable, shape (variables,); some are below 0 and some above.
        shapes: The shape of each variable, with scale 1.
    """
    terms = terms / np.sqrt(shapes @ terms**2)
    # The smaller tail is integrated: the upper one, right of 0, if the mean is below 0.
    pole = 1 / terms.max() if shapes @ terms < 0 else 1 / terms.min()
    saddle = optimize.brentq(
        lambda point: shapes @ (terms * point / (1 - terms * point)) - 1, 0, pole * (1 - 1e-13), xtol=1e-300, rtol=1e-6
    )
    tilted = terms / (1 - terms * saddle)
    height = -shapes @ np.log1p(-terms * saddle)
    width = (shapes @ tilted**2 + 1 / saddle**2) ** -0.5
    steepest = np.clip((2 * shapes @ tilted**3 - 2 / saddle**3) * width**3 / 3, -1, 1)
    found = []
    for bend in (steepest, 1, -1):
        # The path's other half is the complex conjugate of this one.
        path = width * (1j * np.sinh(_STEPS) + bend * (np.cosh(_STEPS) - 1))
        slope = width * (1j * np.cosh(_STEPS) + bend * np.sinh(_STEPS))
        logs = height - shapes @ np.log(1 - np.multiply.outer(tilted, path))
        with np.errstate(over="ignore", invalid="ignore"):
            values = np.exp(logs) / (saddle + path) * slope / np.pi
            size, tail = np.trapezoid(np.abs(values), _STEPS), np.trapezoid(values.imag, _STEPS)
        found.append((size if np.isfinite(size) else np.inf, tail))
        if size < 1.5 * abs(tail) < 1.5:
            break
    tail = min(found)[1]
    return float(1 - tail if saddle > 0 else -tail)
