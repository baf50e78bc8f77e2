"""Pure combinatorics: factorial designs crossed with Williams option orders, and hold-outs that keep the balance.

A design enumerates; it never samples and repairs. Objects, sizes, question texts, answers and options are numbers
here; their meaning is assigned elsewhere. Regions are numbered row-major, the top left one being 0.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from itertools import product
from typing import Literal, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from ninefold.errors import DesignError
from ninefold.seeding import rng
from ninefold.space import REGIONS, Cell, region_of_cell

T = TypeVar("T")
Integers = NDArray[np.int64]
Holdout = Literal["object", "block", "random"]
"""The unit that validation holds out: whole objects, whole blocks, or single items (which proves nothing)."""

Ask = Callable[[int, int, Cell], tuple[int, int]]
"""A question as a function from (object, size, cell) to the number of its text and the number of its answer."""


class Combination(NamedTuple):
    """One item of a design: what is shown, what is asked, and the order of the options."""

    object: int
    """Index of the object, within the whole design."""
    size: int
    """Index of the size."""
    cell: Cell
    """Cell of the object."""
    text: int
    """Index of the question's text."""
    answer: int
    """Index of the answer among the labels."""
    order: int
    """Index of the option order."""
    block: int
    """Index of the block within its text and order. Block k holds the k-th item of each answer: every answer occurs
    once in a block, and the text gives no information about the answer."""


def williams(n: int) -> Integers:
    """Return the orders of a Williams design: every option meets every slot, and every neighbor, equally often.

    The first order takes the lowest and the highest unused option in turn after 0; adding 1, 2, ... modulo ``n`` gives
    a Latin square, and for odd ``n`` the reversed square is needed too (E. J. Williams, 1949).

    Returns:
        (n, n) array for even ``n``, (2n, n) for odd: one order a row, options numbered from 0.

    Examples:
        >>> williams(4)[0].tolist(), williams(9).shape
        ([0, 1, 3, 2], (18, 9))
    """
    low, high = iter(range(1, n)), iter(range(n - 1, 0, -1))
    first = [0, *(next(high) if slot % 2 else next(low) for slot in range(n - 1))]
    square = (np.array(first) + np.arange(n)[:, None]) % n
    return square if n % 2 == 0 else np.concatenate([square, square[:, ::-1]])


def relabeling(seed: int, n: int = REGIONS**2) -> Integers:
    """Return a seed's permutation p of ``n`` options: where the table of orders says x, option p(x) is shown."""
    return rng(seed, "orders").permutation(n)


def option_orders(seed: int, n: int) -> list[list[int]]:
    """Return a seed's option orders of a question with ``n`` labels: the Williams design, relabeled."""
    orders: list[list[int]] = relabeling(seed, n)[williams(n)].tolist()
    return orders


def factorial(
    objects: Sequence[int], sizes: int, grid: int, ask: Ask, labels: int, *, relabeled: Integers, shift: int
) -> list[Combination]:
    """Return every combination of object, size and cell once, each with one of the option orders.

    Every pair of a text and an order meets all answers equally often, if all answers of a text are equally often
    right. The text then gives no information about the answer.

    Args:
        objects: Numbers of the objects; the formulas count them from 0.
        sizes: Number of sizes.
        grid: Cells along each side.
        ask: The question, asked of each combination.
        labels: Number of labels of the question.
        relabeled: A permutation of the options (see `relabeling`).
        shift: A constant from 0 to ``labels`` - 1: with another one, no item's answer keeps its slot.

    Raises:
        DesignError: If the grid does not divide into regions of whole cells.
    """
    check_grid(grid)
    side = grid // REGIONS
    shown = [
        (number, size, Cell(side * (region // REGIONS) + c // side, side * (region % REGIONS) + c % side))
        for number, region, c, size in product(objects, range(REGIONS**2), range(side**2), range(sizes))
    ]
    asked = [ask(*item) for item in shown]
    texts = {text: index for index, text in enumerate(dict.fromkeys(text for text, _ in asked))}
    peers: Counter[tuple[object, ...]] = Counter()
    items = []
    for (_, size, cell), (text, answer) in zip(shown, asked, strict=True):
        # Objects differ by their text, or by their index among those of one text and answer.
        o = texts[text] + peers[text, answer, size, cell]
        peers[text, answer, size, cell] += 1
        items.append(_Item(o, size, cell, answer))
    orders = _by_rule(items, grid, labels, np.argsort(relabeled).tolist())
    if not evenly_answered(
        [(text, order, answer) for (text, answer), order in zip(asked, orders, strict=True)], labels
    ):
        orders = _in_turn(asked, len(williams(labels)))
    seen: Counter[tuple[int, int, int]] = Counter()
    design = []
    for (number, size, cell), (text, answer), order in zip(shown, asked, orders, strict=True):
        block = seen[text, order, answer]
        seen[text, order, answer] += 1
        design.append(Combination(number, size, cell, text, answer, _shifted(order, labels, shift), block))
    return design


def check_grid(grid: int) -> None:
    """Raise a `DesignError` if the grid does not divide into regions of whole cells."""
    if grid < REGIONS or grid % REGIONS:
        raise DesignError(f"grid of {grid}: regions must hold whole cells; use a multiple of {REGIONS}")


class _Item(NamedTuple):
    """An item in the numbers that the formulas use."""

    o: int
    size: int
    cell: Cell
    answer: int


def _by_rule(items: Sequence[_Item], grid: int, n: int, index_of: Sequence[int]) -> list[int]:
    """Return each item's order by the rule for ``n`` labels; all rules are linear modulo ``n``.

    The order minus the answer's index decides the answer's slot. If the index cancels out of that difference, as in the
    first square of nine regions, the cell must vary the slot instead.
    """
    pairs = {(region_of_cell(item.cell, grid), item.answer) for item in items}
    if n == 9 == REGIONS**2 and len(pairs) == n == len({answer for _, answer in pairs}):
        return [_nine_regions(item, index_of[item.answer], grid) for item in items]
    if n % 2:
        return [_odd_labels(item, index_of[item.answer], n) for item in items]
    return [_even_labels(item, n) for item in items]


def _nine_regions(item: _Item, u: int, grid: int) -> int:
    """Return the order of an item whose answer is one of nine regions.

    With nine cells in a region and two sizes, each pair of object and region meets each order exactly once. The
    transposed region number f, and the sign of c in the second square, balance rows, columns and cells over slots.
    """
    side = grid // REGIONS
    top, left = item.cell.row // side, item.cell.col // side
    c = item.cell.row % side * side + item.cell.col % side
    f = REGIONS * left + top
    # Nine inner cells, one after another, take every order once. Cells left over take the same order in all regions.
    if c >= side**2 // 9 * 9:
        u = f = 0
    if (item.size + item.o) % 2 == 0:
        return (u + item.o + c + f) % 9
    return 9 + (u + item.o + 5 - c - f) % 9


def _odd_labels(item: _Item, u: int, n: int) -> int:
    """Return the order of an item of a question with an odd number of labels, in one of the two squares.

    With three labels along an axis of the grid, everything is exact except cells. Their answers are spread over slots
    as evenly as the numbers allow; the answer's index u in the second square serves this.
    """
    row, col = item.cell
    if (item.size + item.o) % 2 == 0:
        return (row + col + item.o) % n
    return n + (item.o - 1 - row - col - u) % n


def _even_labels(item: _Item, n: int) -> int:
    """Return the order of an item of a question with an even number of labels, whose design is a single square.

    The order does not depend on the answer: items that differ only in the answer have different slots.
    """
    row, col = item.cell
    return (row + (n // 2 - 1) * col + n // 2 * item.size + item.o) % n


def evenly_answered(rows: Sequence[tuple[int, int, int]], labels: int) -> bool:
    """Return whether every pair of a text and an order meets every answer equally often.

    Args:
        rows: Numbers of text, order and answer of each item.
        labels: Number of labels of the question.
    """
    counts = Counter(rows)
    return all(
        len({counts[text, order, answer] for answer in range(labels)}) == 1 for text, order in {row[:2] for row in rows}
    )


def _in_turn(asked: Sequence[tuple[int, int]], orders: int) -> list[int]:
    """Return orders assigned cyclically to the items of each text and answer.

    Answers that are right equally often meet each order equally often, for any cells and sizes.
    """
    dealt: Counter[tuple[int, int]] = Counter()
    chosen = []
    for stratum in asked:
        chosen.append(dealt[stratum] % orders)
        dealt[stratum] += 1
    return chosen


def _shifted(order: int, n: int, shift: int) -> int:
    """Return the order ``shift`` positions later in the first square, or as many earlier in the second."""
    return (order + shift) % n if order < n else n + (order - n - shift) % n


def spread(answers: Sequence[Hashable], count: int) -> Integers:
    """Choose rows evenly spread over the answers: each answer has its share, up to one row.

    Every n/count-th row is taken, of the rows sorted by answer and, for each answer, in a fixed random order: the rows
    of a design lie in a regular grid, of which regular steps would meet a few levels only.

    Args:
        answers: The answer of each of n rows.
        count: Number of rows to choose, at most n.

    Returns:
        (count,) their indices, rising.
    """
    number = {answer: index for index, answer in enumerate(dict.fromkeys(answers))}
    codes = np.array([number[answer] for answer in answers])
    shuffled = rng(0, "spread").permutation(len(codes))
    by_answer = np.lexsort((shuffled, codes))
    return np.sort(by_answer[(2 * np.arange(count) + 1) * len(codes) // (2 * count)])


def whole_groups(groups: Sequence[Hashable], count: int) -> Integers:
    """Choose rows by whole groups: in a fixed random order of the groups, as many as have at most ``count`` rows.

    Args:
        groups: The group of each of n rows.
        count: Largest number of rows to choose; the first group is chosen even if it has more.

    Returns:
        Their indices, rising.
    """
    number: dict[Hashable, int] = {}
    codes = np.array([number.setdefault(group, len(number)) for group in groups])
    order = rng(0, "whole groups").permutation(len(number))
    rows = np.cumsum(np.bincount(codes)[order])
    return np.flatnonzero(np.isin(codes, order[: max(1, np.searchsorted(rows, count, side="right"))]))


def held_out(
    objects: Sequence[int], design: Callable[[Sequence[int]], list[Combination]], *, by: Holdout, seed: int
) -> dict[str, list[Combination]]:
    """Split a design into four fifths to train on and one fifth for validation.

    By object, each part is a design of its own, numbered anew in the formulas; all exact properties of a design hold
    for both. By block, the items of a block stay together, and the text still gives no information. By single items at
    random, the text gives much away: the answers that a text lacks in training are those it has in validation.

    Args:
        objects: All objects.
        design: A function that makes the design of some objects (see `factorial`).
        by: The unit that is held out.
        seed: Seed of the choice of units.

    Returns:
        The items of "train" and the items of "validation".
    """
    draw = rng(seed, "holdout", by)
    if by == "object":
        chosen = set(_fifth(objects, draw))
        kept = [number for number in objects if number not in chosen]
        return {"train": design(kept), "validation": design(sorted(chosen))}
    pool = design(objects)
    unit_of = {item: (item.text, item.order, item.block) if by == "block" else item for item in pool}
    out = set(_fifth(list(dict.fromkeys(unit_of.values())), draw))
    return {
        "train": [item for item in pool if unit_of[item] not in out],
        "validation": [item for item in pool if unit_of[item] in out],
    }


def _fifth(levels: Sequence[T], draw: np.random.Generator) -> list[T]:
    return [levels[index] for index in draw.permutation(len(levels))[: len(levels) // 5]]
