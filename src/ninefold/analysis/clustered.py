"""Intervals and tests of clusters: items whose errors are correlated, such as the questions of one image.

Clusters are a sample of independent ones; nothing is assumed of the correlation within them.

Sources: Rubin 1981 (Bayesian bootstrap); Gaffke 2005, "Three test statistics for a nonparametric one-sided hypothesis
on the mean of a nonnegative variable", and Learned-Miller and Thomas 2019, arXiv 1905.06208 (bounds with one unseen
value); Fisher 1935 (sign flips); Westfall and Young 1993, "Resampling-based multiple testing" (step-down max-T);
Daniels 1954 (integration through the saddlepoint).
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special, stats

from ninefold.seeding import rng

Floats = NDArray[np.float64]

UNSEEN = 0.5
"""Weight of the unseen cluster beside each bound. With 1 the bounds are Gaffke's, which are wider; with 0.5 their
coverage is that in docs/statistics.md."""

FLIPS = 10_000
"""Number of random sign flips: the smallest p-value is about 0.0001, and one of 0.05 varies by 0.002."""

_SIGNS = 4_000_000
"""Number of signs that are held at a time, which bounds memory (20 MB)."""

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
    return _bounds(pairs.tobytes(), counts.tobytes(), confidence, ends)


@lru_cache(4096)
def _bounds(pairs: bytes, counts: bytes, confidence: float, ends: tuple[float, float]) -> tuple[float, float]:
    """Return the bounds of `bootstrap`; the cells of a map often have the same clusters, which are computed once."""
    times = np.frombuffer(counts, np.int64)
    sums, sizes = np.frombuffer(pairs).reshape(2, len(times))
    weights = np.append(times, UNSEEN)
    # The size of the cluster that a typical item is in: with clusters of unequal size, larger than their mean size.
    size = float((sizes**2 @ times) / (sizes @ times))
    low, high = (
        _quantile(level, np.append(sums, end * size), np.append(sizes, size), weights)
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


def sign_flips(sums: ArrayLike, *, flips: int = FLIPS, seed: int = 0) -> Floats:
    """Return two-sided p-values of many hypotheses as in `sign_flip`, adjusted for being many (step-down max-T).

    All sums of a cluster change their sign together, so that the correlation between hypotheses is kept. If the sums of
    each cluster are as likely as their negatives, the chance of any p-value below a level is at most that level; where
    only some hypotheses are true, this holds for those. No p-value is 0: the observed signs count as one of the flips.

    Args:
        sums: Integers, shape (clusters, hypotheses), such as the number of newly right minus newly wrong answers of
            each image in each cell.
        flips: Number of random sign flips.
        seed: Seed of the flips.

    Returns:
        P-values, shape (hypotheses,); 1 where all sums are 0.
    """
    table = np.asarray(sums, np.float32)
    power = (table.astype(float) ** 2).sum(axis=0)
    # A statistic is the squared total over its variance, which flips leave as it is. Ratios of integers: equal
    # statistics are equal numbers. Signs of clusters that are 0 everywhere do not matter.
    observed = table.sum(axis=0).astype(float) ** 2 / np.maximum(power, 1)
    order = np.argsort(observed, kind="stable")
    table = table[np.ix_(table.any(axis=1), order)]
    reached = np.zeros(len(order), np.int64)
    random, clusters = rng(seed, "sign flips"), max(len(table), 1)
    block = max(1, min(flips, _SIGNS // clusters))
    for begin in range(0, flips, block):
        count = min(block, flips - begin)
        bits = random.integers(0, 256, (count, -(-clusters // 8)), np.uint8)
        signs = np.unpackbits(bits, axis=1, count=len(table)).astype(np.float32) * 2 - 1
        flipped = (signs @ table).astype(float) ** 2 / np.maximum(power[order], 1)
        # Each hypothesis is compared with the largest statistic among itself and those with smaller observed ones.
        reached += (np.maximum.accumulate(flipped, axis=1) >= observed[order]).sum(axis=0)
    p = np.empty(len(order))
    p[order] = np.maximum.accumulate(((reached + 1) / (flips + 1))[::-1])[::-1]
    return p


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
