"""Pure combinatorics: factorial designs crossed with Williams option orders, and hold-outs that keep their balance.

A design enumerates; it never samples and repairs. Objects, regions, sizes and options are numbers here; what they stand
for is given to them elsewhere. Regions and options are numbered row-major, the top left one being 0.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Literal, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from ninefold.errors import DesignError
from ninefold.seeding import rng
from ninefold.space import REGIONS, Cell

T = TypeVar("T")
Integers = NDArray[np.int64]
Holdout = Literal["object", "block", "random"]
"""What validation holds out: whole objects, whole (object, order) blocks, or single items, which proves nothing."""


class Combination(NamedTuple):
    """One combination of a design."""

    object: int
    """Which object, counted through the whole design."""
    size: int
    """Which size."""
    cell: Cell
    """Where it stands."""
    order: int
    """Which of the option orders it is asked with."""


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


def relabeling(seed: int) -> Integers:
    """Return a seed's permutation p of the nine options: where the table of orders says x, option p(x) is shown."""
    return rng(seed, "orders").permutation(REGIONS**2)


def factorial(objects: Sequence[int], sizes: int, grid: int, relabeled: Integers) -> Iterator[Combination]:
    """Yield every combination of object, size and cell once, each with one of the 18 orders of nine options.

    Every pair of object and order meets all nine regions equally often, so that the text of a question cannot tell its
    answer. With nine cells in a region and two sizes, each pair of object and region also meets each order exactly
    once, and rows, columns and cells are as even over the slots as numbers allow.

    Args:
        objects: The objects; the first counts as 0 in the formulas, whatever its number.
        sizes: How many sizes.
        grid: Cells along each side.
        relabeled: A permutation of the options (see `relabeling`).

    Raises:
        DesignError: If regions do not hold whole cells.
    """
    if grid < REGIONS or grid % REGIONS:
        raise DesignError(f"grid of {grid}: regions must hold whole cells; use a multiple of {REGIONS}")
    width = grid // REGIONS
    inner_cells = width**2
    place = np.argsort(relabeled).tolist()
    for (o, number), region, c, size in product(
        enumerate(objects), range(REGIONS**2), range(inner_cells), range(sizes)
    ):
        (top, left), (row, col) = divmod(region, REGIONS), divmod(c, width)
        # Nine inner cells in turn take every order once. Cells left over take one order in all regions alike.
        left_over = c >= inner_cells // 9 * 9
        # The transposed region number f, and the sign of c in the second square, keep rows, columns and cells even.
        u, f = (0, 0) if left_over else (place[region], REGIONS * left + top)
        order = (u + o + c + f) % 9 if (size + o) % 2 == 0 else 9 + (u + o + 5 - c - f) % 9
        yield Combination(number, size, Cell(width * top + row, width * left + col), order)


def held_out(
    objects: int, sizes: int, grid: int, relabeled: Integers, *, by: Holdout, seed: int
) -> dict[str, list[Combination]]:
    """Split a factorial design into four fifths to train on and one fifth for validation.

    By object, each part is a design of its own, with its own numbers in the formulas, and all that is exact about one
    design is exact about both. By block, the nine items of an (object, order) pair stay together, so that text still
    tells nothing. By item at random, text tells a lot: the regions that a text lacks in training are those it has in
    validation.

    Returns:
        The items of "train" and of "validation".
    """
    draw = rng(seed, "holdout", by)
    if by == "object":
        chosen = set(_fifth(range(objects), draw))
        kept = [number for number in range(objects) if number not in chosen]
        return {
            "train": list(factorial(kept, sizes, grid, relabeled)),
            "validation": list(factorial(sorted(chosen), sizes, grid, relabeled)),
        }
    pool = list(factorial(range(objects), sizes, grid, relabeled))
    unit_of = {item: (item.object, item.order) if by == "block" else item for item in pool}
    out = set(_fifth(list(dict.fromkeys(unit_of.values())), draw))
    return {
        "train": [item for item in pool if unit_of[item] not in out],
        "validation": [item for item in pool if unit_of[item] in out],
    }


def _fifth(levels: Sequence[T], draw: np.random.Generator) -> list[T]:
    return [levels[index] for index in draw.permutation(len(levels))[: len(levels) // 5]]
