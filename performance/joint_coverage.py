"""Coverage of intervals over seeds, and errors and power of tests of all cells of a map; prints Markdown tables.

Answers are drawn with a known truth. Over seeds: each item, image and training seed has an effect of its own on a
normal scale, so that the true accuracy is known. Maps: 81 cells, with a stated change in some of them.

    python performance/joint_coverage.py            # about fifteen minutes on one core
    python performance/joint_coverage.py --quick    # seconds, with fewer samples and settings
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np
from interval_coverage import heading, print_tables, row
from numpy.typing import NDArray
from scipy import special

from ninefold.analysis.cells import change_map
from ninefold.analysis.clustered import sign_flip, sign_flips
from ninefold.analysis.seeds import mean_accuracy, mean_difference, summary
from ninefold.analysis.statistics import CONFIDENCE, SIGNIFICANCE, holm, proportion
from ninefold.seeding import rng
from ninefold.space import GRID

CELLS = GRID * GRID
TESTS = {"400 items": (400, 1), "200 images of 2": (400, 2)}
"""Number of items, and of those of a cluster."""
SETS = {"48 items a cell": None, "photos": 4109}
"""Number of clusters whose items lie in random cells; None for separate items."""


class Change(NamedTuple):
    """What happens to the cells of a map."""

    cells: int
    """Number of cells that change."""
    raised: float
    """Their rate of newly right items."""
    others: float
    """That of the other cells."""
    lost: float
    """Rate of newly wrong items of all cells."""


CHANGES = {
    "none; +10 % −10 % everywhere": Change(0, 0.1, 0.1, 0.1),
    "none; +1 % −1 % everywhere": Change(0, 0.1, 0.01, 0.01),
    "10 cells +35 % −10 %, others +10 % −10 %": Change(10, 0.35, 0.1, 0.1),
    "5 cells +20 % −1 %, others +1 % −1 %": Change(5, 0.2, 0.01, 0.01),
    "all +20 % −5 %": Change(CELLS, 0.2, 0.05, 0.05),
}

Answers = NDArray[np.bool_]
Bounds = tuple[float, float]


@dataclass(frozen=True)
class Plan:
    """What is simulated."""

    samples: int = 200
    """Samples per setting."""
    maps: int = 100
    """Samples of maps whose intervals are computed, which take longest."""
    seeds: tuple[int, ...] = (3, 5)
    """Numbers of seeds."""
    spreads: tuple[float, ...] = (0.0, 0.02, 0.08)
    """Standard deviations of accuracy over seeds, about."""
    sets: tuple[str, ...] = tuple(SETS)
    """Names of sets of items."""
    changes: tuple[str, ...] = tuple(CHANGES)
    """Names of changes."""


QUICK = Plan(samples=40, maps=3, seeds=(3,), spreads=(0.02,), changes=tuple(CHANGES)[2:3])


def trained(
    random: np.random.Generator, shape: tuple[int, int], size: int, *, spread: float, accuracy: float
) -> Answers:
    """Return answers of this shape, (seeds, items), in clusters of one size, with a known expected accuracy."""
    items = shape[1]
    # Half of the variance is of items, the same for all seeds; a fifth of images; the rest is of single answers.
    scale = spread / np.exp(-(special.ndtri(accuracy) ** 2) / 2) * np.sqrt(2 * np.pi)
    middle = special.ndtri(accuracy) * np.sqrt(1 + scale**2)
    shared = np.sqrt(0.5) * random.standard_normal(items)
    shared += np.sqrt(0.2) * np.repeat(random.standard_normal(items // size), size)
    own = np.sqrt(0.3) * random.standard_normal(shape)
    return middle + shared + own + scale * random.standard_normal((shape[0], 1)) > 0


def resampled(answers: Answers, groups: NDArray[np.int64], random: np.random.Generator, draws: int = 400) -> Bounds:
    """Return the percentile interval of the usual bootstrap: seeds and clusters drawn with replacement."""
    seeds, clusters = len(answers), int(groups.max()) + 1
    sums = np.stack([np.bincount(groups, one) for one in answers])
    sizes = np.bincount(groups)
    times = random.multinomial(clusters, np.full(clusters, 1 / clusters), draws)
    weights = random.multinomial(seeds, np.full(seeds, 1 / seeds), draws) / seeds
    means = ((times @ sums.T) * weights).sum(axis=1) / (times @ sizes)
    tail = (1 - CONFIDENCE) / 2
    return float(np.quantile(means, tail)), float(np.quantile(means, 1 - tail))


def pooled(answers: Answers, groups: NDArray[np.int64], random: np.random.Generator) -> Bounds:
    """Return the interval that takes the answers of n seeds as n times as many images."""
    several = (groups + (groups.max() + 1) * np.arange(len(answers))[:, None]).ravel()
    return proportion(answers.ravel(), several)[1:3]


METHODS: dict[str, Callable[[Answers, NDArray[np.int64], np.random.Generator], Bounds]] = {
    "seed x cluster (ninefold)": lambda answers, groups, random: mean_accuracy(answers, groups)[1:3],
    "t over seeds": lambda answers, groups, random: summary(answers.mean(axis=1).tolist()).interval[1:3],
    "drawn with replacement": resampled,
    "pooled items": pooled,
}


def seeds_table(plan: Plan) -> Iterator[str]:
    yield from heading("seeds", "test", "sd over seeds", "accuracy", *METHODS, "change from the base (ninefold)")
    for seeds, (name, (items, size)), spread, accuracy in product(plan.seeds, TESTS.items(), plan.spreads, (0.7, 0.95)):
        random = rng(0, "coverage over seeds", seeds, size, round(100 * spread), round(100 * accuracy))
        groups, found = np.arange(items) // size, []
        for _ in range(plan.samples):
            answers = trained(random, (seeds, items), size, spread=spread, accuracy=accuracy)
            base = trained(random, (1, items), size, spread=0, accuracy=0.5)[0]
            all_bounds = [(accuracy, *method(answers, groups, random)) for method in METHODS.values()]
            all_bounds.append((accuracy - 0.5, *mean_difference(base, answers, groups)[1:3]))
            found.append([(low <= true <= high, high - low) for true, low, high in all_bounds])
        cells = [f"{covered:.3f} ({width:.2f})" for covered, width in np.mean(found, axis=0)]
        yield row(str(seeds), name, f"{100 * spread:g}", f"{accuracy:g}", *cells)


def maps_table(plan: Plan) -> Iterator[str]:
    names = ("wrong cell, max-T", "wrong cell, Holm", "found, max-T", "found, Holm", "all cells covered (width)")
    yield from heading("test", "changes", *names)
    for name, change in product(plan.sets, plan.changes):
        random, clusters = rng(0, "maps", name, change), SETS[name]
        found = [compared(random, clusters, CHANGES[change]) for _ in range(plan.samples)]
        covered = [contained(random, clusters, CHANGES[change]) for _ in range(plan.maps)]
        rates = [f"{rate:.3f}" if not np.isnan(rate) else "–" for rate in np.mean(found, axis=0)]
        inside, width = np.mean(covered, axis=0)
        yield row(name, change, *rates, f"{inside:.2f} ({width:.2f})")


def drawn(
    random: np.random.Generator, clusters: int | None, change: Change
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the cell, cluster and change of each item, and the true change of each cell."""
    if clusters is None:
        cell = np.repeat(np.arange(CELLS), 48)
        group = np.arange(len(cell))
    else:
        # Two questions a photo, whose changes are correlated; some cells have four times as many as others.
        cell = random.choice(CELLS, 2 * clusters, p=np.resize([0.4, 1, 1.6], CELLS) / CELLS)
        group = np.repeat(np.arange(clusters), 2)
    gained = np.where(np.arange(CELLS) < change.cells, change.raised, change.others)
    common = random.random(len(cell)) < 0.5
    chance = np.where(common, random.random(len(cell))[group], random.random(len(cell)))
    changes = np.where(chance < gained[cell], 1, np.where(chance > 1 - change.lost, -1, 0))
    return cell, group, changes, gained - change.lost


def compared(random: np.random.Generator, clusters: int | None, change: Change) -> tuple[float, ...]:
    """Return whether an unchanged cell is called changed, and the fraction of changed cells found, by both methods."""
    cell, group, changes, _ = drawn(random, clusters, change)
    sums = np.zeros((group.max() + 1, CELLS), np.int64)
    np.add.at(sums, (group, cell), changes)
    is_changed = np.arange(CELLS) < change.cells
    both = sign_flips(sums, flips=1000), holm([sign_flip(one) for one in sums.T])
    found = [p < SIGNIFICANCE for p in both]
    wrong = [float(each[~is_changed].any()) if not is_changed.all() else np.nan for each in found]
    right = [float(each[is_changed].mean()) if is_changed.any() else np.nan for each in found]
    return *wrong, *right


def contained(random: np.random.Generator, clusters: int | None, change: Change) -> tuple[float, float]:
    """Return whether all intervals of a map contain the true changes, and their mean width."""
    cell, group, changes, true = drawn(random, clusters, change)
    maps = change_map(cell // GRID, cell % GRID, changes < 0, changes > 0, groups=group, flips=1)
    low, high = maps.low.ravel(), maps.high.ravel()
    return float(((low <= true) & (true <= high)).all()), float((high - low).mean())


def main() -> None:
    tables = {
        "Over seeds: coverage (mean width) of the mean accuracy's interval by method, and of a change's": seeds_table,
        "Maps of 81 cells: rate of maps with a wrong cell, fraction of changed cells found, coverage of all intervals"
        " at once (mean width)": maps_table,
    }
    print_tables(__doc__, tables, Plan(), QUICK)


if __name__ == "__main__":
    main()
