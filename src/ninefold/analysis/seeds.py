"""Results over training seeds: mean, deviation, t interval, and a bootstrap of seeds and clusters together.

All seeds answer the same items, so that seeds and clusters of items are crossed: each is a sample of its own, and n
seeds are never counted as n times as many items. A number with one seed does not contain the variation of training, and
says so.

Sources: Student 1908 (t interval); Owen 2007, "The pigeonhole bootstrap" (crossed samples are reweighted together);
Rubin 1981 (exponential weights).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from ninefold.analysis.clustered import UNSEEN
from ninefold.analysis.statistics import CONFIDENCE, Interval, codes_of
from ninefold.seeding import rng

Floats = NDArray[np.float64]

DRAWS = 10_000
"""Number of draws of the bootstrap: a bound then varies by 1 to 2 % of the interval's width with the draws' seed."""

_BLOCK = 1_000
"""Number of draws made together, which bounds memory: 40 MB for 5,000 clusters."""


class Summary(NamedTuple):
    """The accuracy of each training seed, as a fraction, summarized."""

    values: tuple[float, ...]
    """All values, in the order given."""
    mean: float
    """Mean over seeds."""
    sd: float | None
    """Sample standard deviation over seeds (n - 1 in the denominator); None with one seed."""
    interval: Interval | None
    """t interval of the mean with n - 1 degrees of freedom, cut at 0 and 1; None with one seed."""

    @property
    def seeds(self) -> str:
        """Return the number of seeds in words, with what one seed cannot show."""
        count = len(self.values)
        return f"{count} seeds" if count > 1 else "1 seed: the variation of training is unknown"


def summary(values: Sequence[float]) -> Summary:
    """Return the summary of the accuracy of each seed, a fraction.

    Raises:
        ValueError: If there is no value.
    """
    found = np.asarray(values, float)
    count = len(found)
    if not count:
        raise ValueError("no seeds, so there is neither a mean nor an interval")
    mean = float(found.mean())
    if count == 1:
        return Summary((mean,), mean, None, None)
    sd = float(found.std(ddof=1))
    half = float(special.stdtrit(count - 1, (1 + CONFIDENCE) / 2)) * sd / count**0.5
    interval = Interval(mean, max(mean - half, 0.0), min(mean + half, 1.0), f"t, {count - 1} degrees of freedom")
    return Summary(tuple(found.tolist()), mean, sd, interval)


def mean_accuracy(
    correct: ArrayLike, groups: ArrayLike | None = None, *, draws: int = DRAWS, seed: int = 0
) -> Interval:
    """Return the mean accuracy over seeds with its seed x cluster bootstrap interval.

    Args:
        correct: Right or wrong, shape (seeds, items), or (items,) for one seed; all seeds answered the same items.
        groups: Groups of items with correlated errors, e.g. the image, shape (items,); None if items count separately.
        draws: Number of draws.
        seed: Seed of the draws.

    Raises:
        ValueError: If there are no items or no seeds.
    """
    return _bootstrap([np.atleast_2d(np.asarray(correct, bool)).astype(float)], groups, (0, 1), draws, seed)


def mean_difference(
    before: ArrayLike, after: ArrayLike, groups: ArrayLike | None = None, *, draws: int = DRAWS, seed: int = 0
) -> Interval:
    """Return the change in mean accuracy, after minus before, with its seed x cluster bootstrap interval.

    Items are paired. Seeds are not: those of two conditions are independent samples. A base, which has no seed, is one
    row, whose training does not vary.

    Args:
        before: Right or wrong, shape (items,) for a base, (seeds, items) for a condition.
        after: The same items in the same order; the number of seeds may differ.
        groups: The same as in `mean_accuracy`.
        draws: Number of draws.
        seed: Seed of the draws.

    Raises:
        ValueError: If there are no items or no seeds.
    """
    sides = [np.atleast_2d(np.asarray(side, bool)).astype(float) for side in (after, before)]
    return _bootstrap([sides[0], -sides[1]], groups, (-1, 1), draws, seed)


def _bootstrap(
    sides: Sequence[Floats], groups: ArrayLike | None, ends: tuple[int, int], draws: int, seed: int
) -> Interval:
    """Return the sum over sides of the mean over a side's seeds, with its interval.

    In each draw, clusters have independent exponential weights, with half a cluster of what was not seen beside each
    bound, as in `ninefold.analysis.clustered.bootstrap`: with one seed this is that interval. Seeds have random weights
    whose mean is 1 / n and for which, if clusters did not vary, the interval would be the t interval: drawing 3 or 5
    seeds with replacement leaves out far more than 5 % (see docs/statistics.md).

    Args:
        sides: Values of items, shape (seeds, items) each.
        groups: Groups of items.
        ends: Smallest and largest possible value of the mean.
        draws: Number of draws.
        seed: Seed of the draws.
    """
    values = np.concatenate(sides)
    codes = codes_of(groups, values.shape[1])
    sums = np.stack([np.bincount(codes, row) for row in values])
    sizes = np.bincount(codes)
    # Clusters with the same answers of all seeds are drawn as one: a sum of exponential weights has a gamma
    # distribution. The order of clusters then changes nothing either.
    patterns, counts = np.unique(np.vstack([sums, sizes]), axis=1, return_counts=True)
    typical = float(sizes @ sizes / sizes.sum())
    random = rng(seed, "seeds and clusters")
    blocks = []
    for _ in range(0, draws, _BLOCK):
        clusters = random.standard_gamma(counts, size=(_BLOCK, len(counts)))
        unseen = typical * random.standard_gamma(UNSEEN, size=_BLOCK)
        seeds = np.hstack([_seed_weights(len(side), _BLOCK, random) for side in sides])
        totals = ((clusters @ patterns[:-1].T) * seeds).sum(axis=1)
        items = clusters @ patterns[-1] + unseen
        blocks.append([np.clip((totals + end * unseen) / items, *ends) for end in ends])
    means = np.concatenate(blocks, axis=1)[:, :draws]
    low, high = (
        float(np.quantile(mean, level))
        for mean, level in zip(means, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2), strict=True)
    )
    value = float(sum(side.mean(axis=0).mean() for side in sides))
    return Interval(value, low, high, _method([len(side) for side in sides], len(sizes)))


def _seed_weights(count: int, draws: int, random: np.random.Generator) -> Floats:
    """Return random weights of seeds, shape (draws, count), each row of sum 1.

    The weighted mean of values that do not vary otherwise is distributed as their mean plus Student's t with n - 1
    degrees of freedom times the standard error.
    """
    if count == 1:
        return np.ones((draws, 1))
    steps = random.standard_normal((draws, count))
    steps -= steps.mean(axis=1, keepdims=True)
    scale = np.sqrt(random.chisquare(count - 1, (draws, 1)) * count)
    return 1 / count + steps / scale


def _method(counts: Sequence[int], clusters: int) -> str:
    after, *before = (f"{count} seeds" if count > 1 else "1 seed" for count in counts)
    seeds = after if before in ([], ["1 seed"]) else f"{after} against {before[0]}"
    alone = "" if max(counts) > 1 else ", without the variation of training"
    return f"bootstrap of {seeds} x {clusters:,} clusters{alone}"
