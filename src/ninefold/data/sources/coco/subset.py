"""A subset of targets, balanced over answer and category as far as the photos allow."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import coo_array

from ninefold.data.sources.coco.annotations import Instance
from ninefold.data.sources.coco.entries import Photo
from ninefold.errors import DataError
from ninefold.seeding import rng
from ninefold.space import LABELS, label_of_cell

Counts = NDArray[np.int64]


class Answers(NamedTuple):
    """The answers of a question, over which a subset is balanced."""

    name: str
    """What they are called, e.g. "region"."""
    labels: Sequence[str]
    """All answers."""
    of: Callable[[Instance], str]
    """A function of a target: its answer."""


class Weights(NamedTuple):
    """The shares of a choice that is not even, in proportion."""

    categories: Mapping[str, float]
    """Of each category."""
    answers: Mapping[str, float]
    """Of each answer."""


class TooFewError(DataError):
    """Fewer usable targets than are to be chosen."""

    def __init__(self, usable: int) -> None:
        super().__init__(f"{usable} targets can be used")
        self.usable = usable
        """Number of targets that can be used."""


REGIONS = Answers("region", LABELS, lambda target: label_of_cell(target.cell))
"""The answers about absolute position."""


def sound_subset(
    targets: Sequence[Instance],
    size: int,
    seed: int,
    answers: Answers,
    is_sound: Callable[[Photo], bool],
    *,
    weights: Weights | None = None,
) -> tuple[list[Instance], dict[str, Any]]:
    """Choose a balanced subset of targets in usable photos, opening only the photos needed.

    Args:
        targets: All targets.
        size: Number of targets to choose.
        seed: The same as in `balanced`.
        answers: The answers to balance.
        is_sound: A function: whether a photo can be used; called once for each photo.
        weights: The shares of categories and answers; None for even ones.

    Returns:
        The chosen targets, and their balance (see `balance`).

    Raises:
        TooFewError: If there are fewer usable targets, or ``size`` is none.
    """
    known: set[Photo] = set()
    while True:
        if not 0 < size <= len(targets):
            raise TooFewError(len(targets))
        chosen = balanced(targets, size, seed, answers, weights)
        new = dict.fromkeys(target.photo for target in chosen if target.photo not in known)
        broken = {photo for photo in new if not is_sound(photo)}
        if not broken:
            return chosen, balance(chosen, targets, answers)
        known.update(photo for photo in new if photo not in broken)
        targets = [target for target in targets if target.photo not in broken]


def balanced(
    targets: Sequence[Instance], size: int, seed: int, answers: Answers = REGIONS, weights: Weights | None = None
) -> list[Instance]:
    """Choose targets as evenly, or as near to given shares, as `most_even_table` finds possible.

    Args:
        targets: All targets.
        size: Number of targets to choose, at most all.
        seed: Seed of the choice among the targets of one category and answer.
        answers: The answers to balance.
        weights: The shares of categories and answers; None for even ones.

    Returns:
        The chosen targets, in their given order.
    """
    names = sorted({target.category for target in targets})
    row_of = {name: row for row, name in enumerate(names)}
    stock: dict[tuple[int, int], list[int]] = defaultdict(list)
    for index in rng(seed, "coco subset").permutation(len(targets)).tolist():
        target = targets[index]
        stock[row_of[target.category], answers.labels.index(answers.of(target))].append(index)
    supply = np.zeros((len(names), len(answers.labels)), np.int64)
    for pair, indices in stock.items():
        supply[pair] = len(indices)
    proportions = None
    if weights is not None:
        of_answers = [weights.answers[label] for label in answers.labels]
        proportions = np.array([weights.categories[name] for name in names]), np.array(of_answers)
    wanted = most_even_table(supply, size, proportions)
    chosen = [index for pair, indices in stock.items() for index in indices[: wanted[pair]]]
    return [targets[index] for index in sorted(chosen)]


def most_even_table(
    supply: Counts, size: int, proportions: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
) -> Counts:
    """Distribute a number over a table: evenly over columns first, then over rows, then over entries.

    Columns get the most even shares that their supply allows. Among all tables with these columns, the sum of squared
    row totals is minimal, and after that the sum of squared entries. This is a minimum-cost flow with convex costs:
    unit k of an entry costs 2k + 1, and the linear program has integer solutions. With other proportions than even
    ones, each square is divided by its share: what is minimal then is nearest to them (Sainte-Laguë's method).

    Args:
        supply: (R, C) maximum of each entry.
        size: The number to distribute, at most the sum of supply.
        proportions: (R,) of rows and (C,) of columns; None for even ones.

    Returns:
        (R, C) the entries.
    """
    rows, columns = supply.shape
    row_share, column_share = np.ones(rows), np.ones(columns)
    if proportions is None:
        shares = most_even(supply.sum(axis=0), size)
    else:
        row_share, column_share = (share / share.mean() for share in proportions)
        shares = nearest(supply.sum(axis=0), size, column_share)
    entry, entry_unit = _units(np.minimum(supply, shares).ravel())
    row, row_unit = _units(np.minimum(supply.sum(axis=1), size))
    # One variable per unit, 1 if it is taken: first the entries' units, then the rows'. Constraints: a row's entries
    # add up to the row, and a column's entries add up to its share.
    unit = np.arange(len(entry) + len(row))
    constraint = np.concatenate([entry // columns, row, rows + entry % columns])
    sign = np.concatenate([np.ones(len(entry)), -np.ones(len(row)), np.ones(len(entry))])
    sums = coo_array(
        (sign, (constraint, np.concatenate([unit, unit[: len(entry)]]))), shape=(rows + columns, len(unit))
    ).tocsr()
    # Entries have so little weight that they decide only between tables with equally even rows.
    entry_share = np.outer(row_share, column_share).ravel()
    cost = np.concatenate([0.001 * (2 * entry_unit + 1) / entry_share[entry], (2 * row_unit + 1) / row_share[row]])
    solved = linprog(cost, A_eq=sums, b_eq=np.concatenate([np.zeros(rows), shares]), bounds=(0, 1), method="highs-ds")
    taken = np.rint(solved.x[: len(entry)]).astype(np.int64)
    return np.bincount(entry[taken == 1], minlength=rows * columns).reshape(rows, columns)


def most_even(supply: Counts, size: int) -> Counts:
    """Distribute ``size`` over levels as evenly as their supply allows; the remainder goes to the largest supplies."""
    shares = np.zeros_like(supply)
    for done, level in enumerate(np.argsort(supply, kind="stable")):
        shares[level] = min(supply[level], (size - shares.sum()) // (len(supply) - done))
    return shares


def nearest(supply: Counts, size: int, proportions: NDArray[np.float64]) -> Counts:
    """Distribute ``size`` over levels as near to their proportions as their supply allows (Sainte-Laguë's method)."""
    level, unit = _units(np.minimum(supply, size))
    cheapest = np.argsort((2 * unit + 1) / proportions[level], kind="stable")[:size]
    return np.bincount(level[cheapest], minlength=len(supply))


def balance(chosen: Sequence[Instance], targets: Sequence[Instance], answers: Answers = REGIONS) -> dict[str, Any]:
    """Return the balance of a choice, beside the best possible balance.

    Returns:
        For the answers (by their name, e.g. "region"), "category" and "category x region": ``reached``, the [fewest,
        most] questions of any level that has targets. For the first two also ``possible``: the same if nothing else
        had to be balanced.
    """
    views: dict[str, Callable[[Instance], Hashable]] = {
        answers.name: answers.of,
        "category": lambda target: target.category,
        f"category x {answers.name}": lambda target: (target.category, answers.of(target)),
    }
    report: dict[str, Any] = {}
    for name, view in views.items():
        supply, reached = Counter(map(view, targets)), Counter(map(view, chosen))
        report[name] = {"reached": _range(np.array([reached[level] for level in supply]))}
        if " x " not in name:
            report[name]["possible"] = _range(most_even(np.array(list(supply.values())), len(chosen)))
    return report


def balance_table(balance: Mapping[str, Any]) -> str:
    """Return the result of `balance` as a table in Markdown."""
    rows = "\n".join(
        f"| {name} | {_span(found['reached'])} | {_span(found['possible']) if 'possible' in found else ''} |"
        for name, found in balance.items()
    )
    return f"""| questions for each | reached | possible, were nothing else balanced |
| --- | --- | --- |
{rows}"""


def _span(counts: Sequence[int]) -> str:
    return " to ".join(str(count) for count in dict.fromkeys(counts))


def _units(counts: Counts) -> tuple[Counts, Counts]:
    """Return the level of every unit of the counts, and its index within the level, from 0."""
    level = np.repeat(np.arange(len(counts)), counts)
    return level, np.arange(len(level)) - np.repeat(np.cumsum(counts) - counts, counts)


def _range(counts: Counts) -> list[int]:
    return [int(counts.min()), int(counts.max())]
