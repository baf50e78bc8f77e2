"""A subset of photos' targets that is as even in region and category as the photos allow."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from ninefold.data.instances import Target
from ninefold.seeding import rng
from ninefold.space import label_of_cell


def balanced(targets: Sequence[Target], size: int, seed: int) -> list[Target]:
    """Choose targets one by one: always for the region that has fewest, there from the category that has fewest.

    Regions are thereby as even as possible. Categories are as even as the regions leave them, and among equal
    categories the one rarest in that region goes first, so that a category does not settle in one region. Regions and
    categories whose targets run out simply drop out of the turn.

    Args:
        targets: What to choose from.
        size: How many to choose, at most all.
        seed: Decides which targets of a region and category are taken first.

    Returns:
        The chosen targets, in the order given.
    """
    strata: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for place in rng(seed, "coco subset").permutation(len(targets)).tolist():
        strata[label_of_cell(targets[place].cell)][targets[place].category].append(place)
    regions: Counter[str] = Counter()
    categories: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    chosen: list[int] = []
    while len(chosen) < size:
        region = min(strata, key=lambda region: (regions[region], region))
        category = min(strata[region], key=lambda category: (categories[category], pairs[region, category], category))
        chosen.append(strata[region][category].pop())
        regions[region] += 1
        categories[category] += 1
        pairs[region, category] += 1
        if not strata[region][category]:
            del strata[region][category]
        if not strata[region]:
            del strata[region]
    return [targets[place] for place in sorted(chosen)]


def balance(chosen: Sequence[Target], targets: Sequence[Target]) -> dict[str, Any]:
    """Return how even a choice is, beside how even it could be.

    Returns:
        For "region" and "category": ``reached`` [fewest, most] questions of any one, and ``possible``, the same had
        nothing else been balanced. For "region x category": ``reached``, over the pairs that there are.
    """
    views = {
        "region": lambda target: label_of_cell(target.cell),
        "category": lambda target: target.category,
        "region x category": lambda target: (label_of_cell(target.cell), target.category),
    }
    report: dict[str, Any] = {}
    for name, view in views.items():
        supply, reached = Counter(map(view, targets)), Counter(map(view, chosen))
        report[name] = {"reached": _range(reached[level] for level in supply)}
        if name != "region x category":
            report[name]["possible"] = _range(_most_even(supply, len(chosen)).values())
    return report


def _range(counts: Iterable[int]) -> list[int]:
    counts = list(counts)
    return [min(counts), max(counts)]


def _most_even(supply: Counter[Any], size: int) -> dict[Any, int]:
    """Spread ``size`` over levels as evenly as their supply allows: the scarcest level first, an equal share each."""
    shares: dict[Any, int] = {}
    for place, (level, there) in enumerate(reversed(supply.most_common())):
        shares[level] = min(there, size // (len(supply) - place))
        size -= shares[level]
    return shares
