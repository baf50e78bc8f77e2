"""Coverage of every interval and size and power of every test that ninefold reports; prints Markdown tables.

Coverage is the fraction of samples whose 95 % interval contains the true value. Samples are drawn with a known truth,
in clusters (the questions of one image) whose items are correlated: the rates of a cluster come from a beta
distribution with an intraclass correlation (ICC) of 0, 0.2 or 0.8. What depends on one count alone (Wilson) is exact.

    python performance/interval_coverage.py            # about ten minutes on one core
    python performance/interval_coverage.py --quick    # seconds, with fewer samples and settings
"""

import argparse
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from ninefold.analysis.clustered import bootstrap, sign_flip
from ninefold.analysis.statistics import CONFIDENCE, SIGNIFICANCE, paired, wilson
from ninefold.seeding import rng

ITEMS = {"2 each": (2,), "1, 2, 5 or 20": (1, 2, 5, 20)}
"""Items per cluster: every cluster has one of these numbers, in turn."""
ACCURACIES = (0.5, 0.7, 0.9, 0.99)
CHANGES = ((0.1, 0.1), (0.03, 0.01), (0.15, 0.05))
"""Rates of newly right and newly wrong items."""


@dataclass(frozen=True)
class Plan:
    """What is simulated."""

    samples: int = 1000
    """Samples per setting; half as many with 100 clusters or more."""
    clusters: tuple[int, ...] = (5, 10, 30, 100, 400, 4000)
    """Numbers of clusters, or of items without clusters."""
    correlations: tuple[float, ...] = (0.0, 0.2, 0.8)
    """Intraclass correlations."""


QUICK = Plan(samples=100, clusters=(5, 30), correlations=(0.0, 0.8))
Bounds = tuple[float, float]
Counts = NDArray[np.int64]


def rows_of_samples(sizes: Counts, rates: tuple[float, ...], icc: float, samples: int) -> Iterator[Counts]:
    """Yield samples of clusters: items by kind, shape (clusters, kinds + 1); those of no kind come last.

    Args:
        sizes: Items of each cluster.
        rates: Expected fraction of items of each kind.
        icc: Intraclass correlation of the kinds within a cluster.
        samples: Number of samples.
    """
    draw = rng(0, "coverage", len(sizes), *(round(1000 * value) for value in (*rates, icc, sizes.mean())))
    for _ in range(samples if len(sizes) < 100 else samples // 2):
        left, counts, expected = sizes, [], 1.0
        for rate in rates:
            # One kind after the other, each as a part of what is left (a Dirichlet distribution as beta distributions).
            scale = (1 - icc) / icc if icc else np.inf
            if icc and 0 < rate < expected:
                part = draw.beta(scale * rate, scale * (expected - rate), len(sizes))
            else:
                part = np.full(len(sizes), rate / expected)
            counts.append(draw.binomial(left, part))
            left, expected = left - counts[-1], expected - rate
        yield np.stack([*counts, left], axis=1)


def sizes_of(items: tuple[int, ...], clusters: int) -> Counts:
    return np.resize(np.array(items), clusters)


def clustered(sums: Counts, sizes: Counts, ends: tuple[int, int] = (0, 1)) -> Bounds:
    """Return ninefold's bounds."""
    return bootstrap(sums, sizes, CONFIDENCE, ends)


def t_interval(sums: Counts, sizes: Counts, ends: tuple[int, int] = (0, 1)) -> Bounds:
    """Return the t interval from clustered standard errors (Miller 2024), the usual alternative."""
    mean, count = sums.sum() / sizes.sum(), len(sums)
    error = np.sqrt(count / (count - 1) * ((sums - mean * sizes) ** 2).sum()) / sizes.sum()
    half = error * special.stdtrit(count - 1, (1 + CONFIDENCE) / 2)
    return max(mean - half, ends[0]), min(mean + half, ends[1])


def korn_graubard(sums: Counts, sizes: Counts) -> Bounds:
    """Return the interval of Korn and Graubard 1998 with a design effect of at least 1, the standard of surveys."""
    mean, count, items = sums.sum() / sizes.sum(), len(sums), sizes.sum()
    effective = items**2 / (sizes**2).sum()
    tail = (1 - CONFIDENCE) / 2
    if 0 < mean < 1:
        variance = count / (count - 1) * ((sums - mean * sizes) ** 2).sum() / items**2
        effective = items / max(1, variance * items / (mean * (1 - mean)))
        effective *= (special.stdtrit(items - 1, tail) / special.stdtrit(count - 1, tail)) ** 2
    right = mean * effective
    low = special.betaincinv(right, effective - right + 1, tail) if mean > 0 else 0.0
    return low, special.betaincinv(right + 1, effective - right, 1 - tail) if mean < 1 else 1.0


METHODS: dict[str, Callable[[Counts, Counts], Bounds]] = {
    "Bayesian bootstrap (ninefold)": clustered,
    "clustered t": t_interval,
    "Korn-Graubard": korn_graubard,
}


def wilson_table(plan: Plan) -> Iterator[str]:
    yield from heading("items", *(f"accuracy {accuracy:g}" for accuracy in ACCURACIES))
    for n in plan.clusters:
        right = np.arange(n + 1)
        low, high = wilson(right, n)
        covered = [(stats.binom.pmf(right, n, p) * ((low <= p) & (p <= high))).sum() for p in ACCURACIES]
        yield row(f"{n:,}", *(f"{value:.3f}" for value in covered))


def proportion_tables(plan: Plan) -> Iterator[str]:
    summary: dict[tuple[int, str], list[tuple[float, float]]] = {}
    yield from heading("clusters", "items", "ICC", *(f"accuracy {accuracy:g}" for accuracy in ACCURACIES))
    for clusters, (items, numbers), icc in product(plan.clusters, ITEMS.items(), plan.correlations):
        sizes, cells = sizes_of(numbers, clusters), []
        for accuracy in ACCURACIES:
            samples = [counts[:, 0] for counts in rows_of_samples(sizes, (accuracy,), icc, plan.samples)]
            error = np.sqrt(accuracy * (1 - accuracy) * (sizes * (1 + (sizes - 1) * icc)).sum()) / sizes.sum()
            for name, method in METHODS.items():
                low, high = np.array([method(sums, sizes) for sums in samples]).T
                covered = float(((low <= accuracy) & (accuracy <= high)).mean())
                width = float((high - low).mean() / (2 * 1.96 * error))
                summary.setdefault((clusters, name), []).append((covered, width))
                if method is clustered:
                    cells.append(f"{covered:.3f} ({width:.1f})")
        yield row(f"{clusters:,}", items, f"{icc:g}", *cells)
    yield ""
    yield from heading("clusters", *METHODS)
    for clusters in plan.clusters:
        found = [np.array(summary[clusters, name]) for name in METHODS]
        yield row(f"{clusters:,}", *(f"{each[:, 0].min():.3f} ({each[:, 1].mean():.1f})" for each in found))


def paired_tables(plan: Plan) -> Iterator[str]:
    rates = [f"+{100 * gained:g} % −{100 * lost:g} %" for gained, lost in CHANGES]
    yield from heading("clusters", "items", "ICC", *rates)
    alone = replace(plan, correlations=(0.0,))
    for each, items in ((alone, {"1 each": (1,)}), (plan, ITEMS)):
        for clusters, (name, numbers), icc in product(each.clusters, items.items(), each.correlations):
            sizes = sizes_of(numbers, clusters)
            cells = [compared(sizes, change, icc, plan.samples) for change in CHANGES]
            yield row(f"{clusters:,}", name, f"{icc:g}", *cells)


def compared(sizes: Counts, change: tuple[float, float], icc: float, samples: int) -> str:
    """Return the coverage of the difference, and how often the test, and the test with the interval, find a change."""
    true, found = change[0] - change[1], []
    for counts in rows_of_samples(sizes, change, icc, samples):
        if sizes.max() == 1:
            low, high, p = alone(*counts.sum(axis=0).tolist())
        else:
            net = counts[:, 0] - counts[:, 1]
            (low, high), p = clustered(net, sizes, (-1, 1)), sign_flip(net)
        found.append((low <= true <= high, p < SIGNIFICANCE, p < SIGNIFICANCE and not low <= 0 <= high))
    return " / ".join(f"{rate:.3f}" for rate in np.mean(found, axis=0))


@cache
def alone(gained: int, lost: int, same: int) -> tuple[float, float, float]:
    """Return the bounds and p-value of items without clusters, of which three in five that stay are right."""
    kinds = np.array([gained, lost, same - same * 2 // 5, same * 2 // 5])
    result = paired(np.repeat([0, 1, 1, 0], kinds), np.repeat([1, 0, 1, 0], kinds))
    return result.difference.low, result.difference.high, result.p


def heading(*names: str) -> Iterator[str]:
    yield row(*names)
    yield row(*("---" for _ in names))


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def print_tables(about: str, tables: Mapping[str, Callable[[Any], Iterable[str]]], plan: Any, quick: Any) -> None:
    """Print the tables of a script by title, made with its plan, or with the quick one if `--quick` is given."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer samples and settings")
    chosen = quick if parser.parse_args().quick else plan
    for title, table in tables.items():
        print(f"\n**{title}**\n", flush=True)
        for line in table(chosen):
            print(line, flush=True)


def main() -> None:
    tables = {
        "Accuracy of separate items, Wilson: coverage (exact)": wilson_table,
        "Accuracy of clustered items: coverage (width over that of an interval that knows the variance);"
        " then the smallest coverage (mean width) by method": proportion_tables,
        "Difference: coverage of the interval / rate of p < 0.05 / rate of a verdict": paired_tables,
    }
    print_tables(__doc__, tables, Plan(), QUICK)


if __name__ == "__main__":
    main()
