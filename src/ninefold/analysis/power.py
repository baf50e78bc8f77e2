"""Smallest difference that a design detects: how many items, images and seeds a comparison needs, before any run.

A tuned model is compared with its base, or one condition with another, on the same items. The error of the difference
of mean accuracies has two parts. That of items: each differs between the models with a chance, the discordance, and
items of a cluster are correlated; all seeds answer the same items, so that more seeds do not make it smaller. That of
training: each seed has an accuracy of its own.

Sources: Cohen 1988 (power); Kish 1965 (design effect); Cochran and Cox 1957, section 4.14 (critical value of two
variances); Miller 2024, arXiv 2411.00640 (paired differences of models).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import optimize, special, stats

from ninefold.analysis.statistics import SIGNIFICANCE

POWER = 0.8
"""Chance of finding the smallest detectable difference."""

SEED_SD = 0.03
"""Standard deviation of accuracy over seeds that is assumed before any run: the median of tables 5 to 7 of Rizzoli et
al. 2025. One in four is above 0.05; where some seeds fail it is up to 0.3."""

DISCORDANCE = 0.3
"""Fraction of items that one model answers right and the other wrong, assumed before any run."""

ICC = 0.2
"""Correlation of the differences of two items of a cluster, assumed before any run."""

_LEVELS = (np.arange(200) + 0.5) / 200
"""Quantiles of the estimated variance over seeds that `chance` takes the mean over."""


@dataclass(frozen=True)
class Comparison:
    """A planned comparison, with what is assumed of it."""

    items: int
    """Number of items of the test."""
    clusters: int | None = None
    """Number of clusters of similar size, such as images; None if items count separately."""
    seeds: int = 1
    """Number of seeds of the trained model; with 1 the result holds for that one training."""
    trained: int = 1
    """Number of trained sides: 1 against a base, 2 for two conditions with as many seeds each."""
    discordance: float = DISCORDANCE
    """Fraction of items that one side answers right and the other wrong."""
    icc: float = ICC
    """Correlation of the differences of two items of a cluster."""
    seed_sd: float = SEED_SD
    """Standard deviation of accuracy over seeds, as a fraction."""

    @property
    def design_effect(self) -> float:
        """Return how many times the variance of separate items that of clustered ones is."""
        return 1.0 if self.clusters is None else 1 + (self.items / self.clusters - 1) * self.icc


class Detectable(NamedTuple):
    """The smallest difference in accuracy that a comparison detects."""

    difference: float | None
    """The difference, as a fraction; None if even the largest one that the discordance allows is not detected."""
    by_items: float
    """Standard error of the difference from the items alone, as a fraction."""
    by_seeds: float
    """Standard error from the seeds alone; 0 with one seed, whose variation is unknown."""
    assumed: str
    """What is assumed, in one sentence."""


def smallest_difference(comparison: Comparison, power: float = POWER) -> Detectable:
    """Return the smallest difference that is significant, at the level `SIGNIFICANCE` on two sides, with this power.

    Raises:
        ValueError: If a number is outside its range.
    """
    _check(comparison, power)
    largest = comparison.discordance

    def lack(difference: float) -> float:
        return power - chance(comparison, difference)

    found = None
    if lack(largest) <= 0:
        found = float(optimize.brentq(lack, 1e-9, largest, xtol=1e-6))
    items, seeds = (part**0.5 for part in _variances(comparison, found or largest))
    return Detectable(found, items, seeds, _assumed(comparison, power))


def chance(comparison: Comparison, difference: float) -> float:
    """Return the chance that a true difference, as a fraction, is found significant with the right sign.

    The test is that of `ninefold.analysis.seeds.mean_difference`: its interval excludes 0. Half its width is Cochran's:
    the critical values of items and of seeds, weighted with their variances.
    """
    items, seeds = _variances(comparison, difference)
    by_items, by_seeds = (
        stats.t.ppf(1 - SIGNIFICANCE / 2, max(count - 1, 1))
        for count in (comparison.clusters or comparison.items, comparison.seeds)
    )
    # The variance over seeds is estimated from a few of them; the mean is over its possible values.
    free = max(comparison.trained * (comparison.seeds - 1), 1)
    estimates = seeds * stats.chi2.ppf(_LEVELS, free) / free
    widths = (items * by_items + estimates * by_seeds) / np.sqrt(items + estimates)
    return float(special.ndtr((difference - widths) / (items + seeds) ** 0.5).mean())


def _variances(comparison: Comparison, difference: float) -> tuple[float, float]:
    """Return the variances of the difference from items and from seeds."""
    # An item's difference is 1, -1 or 0; the discordance is its mean square. At the limit, where all that differs
    # differs in one direction, rounding must not leave less than nothing.
    spread = max(comparison.discordance - difference**2, 1e-12)
    items = spread * comparison.design_effect / comparison.items
    if comparison.seeds == 1:
        return items, 0.0
    return items, comparison.trained * comparison.seed_sd**2 / comparison.seeds


def _check(comparison: Comparison, power: float) -> None:
    clusters = comparison.clusters if comparison.clusters is not None else comparison.items
    if not 2 <= clusters <= comparison.items or comparison.seeds < 1 or comparison.trained not in (1, 2):
        raise ValueError(
            f"{comparison}: needs at least 2 clusters, no more than items, 1 seed, and 1 or 2 trained sides"
        )
    rates = (comparison.discordance, power)
    if not all(0 < rate <= 1 for rate in rates) or not 0 <= comparison.icc <= 1 or comparison.seed_sd < 0:
        raise ValueError(f"{comparison}, power {power:g}: rates are fractions, and deviations are not below 0")


def _assumed(comparison: Comparison, power: float) -> str:
    """Return the assumptions in one sentence."""
    parts = [
        f"{power:.0%} power at the {SIGNIFICANCE:.0%} level",
        f"{comparison.discordance:.0%} of the answers differ",
        f"a correlation of {comparison.icc:g} within clusters" if comparison.design_effect > 1 else "",
        f"an sd of {100 * comparison.seed_sd:g} points over seeds"
        if comparison.seeds > 1
        else "for this training alone",
    ]
    return ", ".join(part for part in parts if part)
