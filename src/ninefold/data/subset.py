"""A subset of photos' targets that is as even in region and category as the photos allow."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

import numpy as np

from ninefold.data.instances import Target
from ninefold.seeding import rng
from ninefold.space import LABELS, label_of_cell


def balanced(targets: Sequence[Target], size: int, seed: int) -> list[Target]:
    """Choose targets one by one, each from one of the regions that have fewest so far.

    Regions are thereby as even as their supply allows. Within them, the next target is the one that adds least to the
    sum of the squared counts of categories and of pairs of category and region: categories come out even, and none
    settles in one region. The scarcest category goes first among equals, and what runs out drops out.

    Args:
        targets: What to choose from.
        size: How many to choose, at most all.
        seed: Decides which targets of a region and category are taken.

    Returns:
        The chosen targets, in the order given.
    """
    supply = Counter(target.category for target in targets)
    names = sorted(supply, key=lambda name: (supply[name], name))
    row_of = {name: row for row, name in enumerate(names)}
    stock: dict[tuple[int, int], list[int]] = defaultdict(list)
    for place in rng(seed, "coco subset").permutation(len(targets)).tolist():
        target = targets[place]
        stock[row_of[target.category], LABELS.index(label_of_cell(target.cell))].append(place)
    left = np.zeros((len(names), len(LABELS)), np.int64)
    for pair, places in stock.items():
        left[pair] = len(places)
    taken = np.zeros_like(left)
    chosen = []
    for _ in range(size):
        categories, regions = taken.sum(axis=1, keepdims=True), taken.sum(axis=0)
        # One more adds 2n + 1 to a squared count n. No sum of two counts outweighs a step of the first term.
        cost = regions * (2 * size + 1) + categories + taken
        category, region = divmod(int(np.where(left > 0, cost, np.iinfo(np.int64).max).argmin()), len(LABELS))
        chosen.append(stock[category, region].pop())
        left[category, region] -= 1
        taken[category, region] += 1
    return [targets[place] for place in sorted(chosen)]


def balance(chosen: Sequence[Target], targets: Sequence[Target]) -> dict[str, Any]:
    """Return how even a choice is, beside how even it could be.

    Returns:
        For "region", "category" and "category x region": ``reached``, the [fewest, most] questions of any one that
        there are targets of. For the first two also ``possible``: the same, were nothing else balanced.
    """
    views: dict[str, Callable[[Target], Hashable]] = {
        "region": lambda target: label_of_cell(target.cell),
        "category": lambda target: target.category,
        "category x region": lambda target: (target.category, label_of_cell(target.cell)),
    }
    report: dict[str, Any] = {}
    for name, view in views.items():
        supply, reached = Counter(map(view, targets)), Counter(map(view, chosen))
        report[name] = {"reached": _range(reached[level] for level in supply)}
        if name != "category x region":
            report[name]["possible"] = _range(_most_even(supply.values(), len(chosen)))
    return report


def _range(counts: Iterable[int]) -> list[int]:
    ordered = sorted(counts)
    return [ordered[0], ordered[-1]]


def _most_even(supply: Iterable[int], size: int) -> list[int]:
    """Spread ``size`` as evenly as supplies allow: from the scarcest on, each takes an equal share of what remains."""
    shares: list[int] = []
    ordered = sorted(supply)
    for place, there in enumerate(ordered):
        shares.append(min(there, (size - sum(shares)) // (len(ordered) - place)))
    return shares
