"""Maps over the cells of the image: accuracy, its change, and the right answer if a cell has just one.

The tests of a map of changes hold together: under no change anywhere, the chance of a significant cell is at most 5 %,
and the intervals of all cells contain their true changes at once with a chance of 95 %.

Sources: Westfall and Young 1993 (step-down max-T); Šidák 1967 (simultaneous intervals).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ninefold.analysis.clustered import FLIPS, bootstrap, sign_flips
from ninefold.analysis.statistics import CONFIDENCE, SIGNIFICANCE, codes_of, proportion
from ninefold.space import GRID

Floats = NDArray[np.float64]


class CellMap(NamedTuple):
    """Accuracy by cell; all arrays are (grid, grid), rows downward, with nan where a cell has no items."""

    accuracy: Floats
    """Fraction of right answers."""
    n: NDArray[np.int64]
    """Number of items."""
    low: Floats
    """Lower bound of the cell's own 95 % interval (see `ninefold.analysis.statistics.proportion`)."""
    high: Floats
    """Upper bound."""


class ChangeMap(NamedTuple):
    """Change in accuracy by cell; arrays are (grid, grid), with nan where a cell has no items."""

    before: Floats
    """Accuracy before, as a fraction."""
    after: Floats
    """Accuracy after."""
    value: Floats
    """Change, after minus before, in [-1, 1]."""
    low: Floats
    """Lower bounds of simultaneous 95 % intervals: those of all cells contain the true changes at once."""
    high: Floats
    """Upper bounds."""
    p: Floats
    """P-values of no change in the cell, adjusted for the number of cells: any p below 0.05 is a 5 % chance in total.
    The smallest possible one is 1 / (flips + 1)."""
    n: NDArray[np.int64]
    """Number of items."""
    flips: int
    """Number of random sign flips of whole clusters behind the p-values."""

    @property
    def sure(self) -> NDArray[np.bool_]:
        """Return the cells with a significant change, shape (grid, grid).

        The interval of such a cell can contain 0: tests step down from the clearest cell to the next, intervals do not.
        """
        return np.nan_to_num(self.p, nan=1.0) < SIGNIFICANCE


def accuracy_map(
    rows: ArrayLike, cols: ArrayLike, correct: ArrayLike, grid: int = GRID, groups: ArrayLike | None = None
) -> CellMap:
    """Return the accuracy of each cell.

    Args:
        rows: Cell rows, shape (items,).
        cols: Cell columns, shape (items,).
        correct: Right or wrong, shape (items,).
        grid: Cells along each side.
        groups: Groups of items with correlated errors, shape (items,); None if items count separately.
    """
    cells, right = _cells(rows, cols, grid), np.asarray(correct, bool)
    names = None if groups is None else np.asarray(groups)
    values = np.full((3, grid * grid), np.nan)
    for cell in np.unique(cells):
        here = cells == cell
        values[:, cell] = proportion(right[here], None if names is None else names[here])[:3]
    accuracy, low, high = values.reshape(3, grid, grid)
    return CellMap(accuracy, _counts(cells, grid), low, high)


def change_map(
    rows: ArrayLike,
    cols: ArrayLike,
    before: ArrayLike,
    after: ArrayLike,
    *,
    grid: int = GRID,
    groups: ArrayLike | None = None,
    flips: int = FLIPS,
    seed: int = 0,
    intervals: bool = True,
) -> ChangeMap:
    """Compare two sets of answers to the same items, cell by cell.

    P-values are those of `ninefold.analysis.clustered.sign_flips`: step-down max-T by joint sign flips of whole groups,
    which may lie in several cells. It finds more changes than Holm's rule, which must expect the worst of each cell:
    one with few differing answers cannot reach a large statistic by chance. Intervals are those of
    `ninefold.analysis.clustered.bootstrap` at Šidák's level for this number of cells.

    Args:
        rows: Cell rows, shape (items,).
        cols: Cell columns, shape (items,).
        before: Right or wrong, shape (items,).
        after: The same items in the same order, shape (items,), or (seeds, items) for the mean over these trained
            models; the variation of training is then not part of p-values and intervals.
        grid: Cells along each side.
        groups: Groups of items with correlated errors, shape (items,); None if items count separately.
        flips: Number of sign flips.
        seed: Seed of the flips.
        intervals: Whether the intervals are computed, which takes most of the time; their bounds are nan otherwise.

    Raises:
        ValueError: If there are no items.
    """
    cells, old, new = _cells(rows, cols, grid), np.asarray(before, bool), np.atleast_2d(np.asarray(after, bool))
    codes = codes_of(groups, len(cells))
    change = new.sum(axis=0) - len(new) * old.astype(np.int64)
    shape = (codes.max() + 1, grid * grid)
    # The sum of the changes, and the number of items, of each cluster in each cell.
    sums, sizes = (
        np.bincount(codes * grid * grid + cells, weights, minlength=shape[0] * shape[1]).reshape(shape)
        for weights in (change, None)
    )
    found = np.full((3, grid * grid), np.nan)
    seen = np.flatnonzero(sizes.any(axis=0))
    found[0, seen] = sign_flips(sums[:, seen], flips=flips, seed=seed)
    level = CONFIDENCE ** (1 / len(seen))
    for cell in seen if intervals else ():
        here = sizes[:, cell] > 0
        found[1:, cell] = bootstrap(sums[here, cell] / len(new), sizes[here, cell], level, (-1, 1))
    n = _counts(cells, grid)
    with np.errstate(invalid="ignore"):
        was, now, value = (
            np.bincount(cells, each, minlength=grid * grid).reshape(grid, grid) / n
            for each in (old, new.mean(axis=0), change / len(new))
        )
    p, low, high = found.reshape(3, grid, grid)
    return ChangeMap(was, now, value, low, high, p, n, flips)


def only_answer_map(
    rows: ArrayLike, cols: ArrayLike, answers: Sequence[str], grid: int = GRID
) -> list[list[str | None]]:
    """Return the right answer of every cell whose items all share one, None elsewhere.

    Args:
        rows: Cell rows, shape (items,).
        cols: Cell columns, shape (items,).
        answers: The right answer of each item.
        grid: Cells along each side.
    """
    found: list[list[set[str]]] = [[set() for _ in range(grid)] for _ in range(grid)]
    for row, col, answer in zip(np.asarray(rows, int), np.asarray(cols, int), answers, strict=True):
        found[row][col].add(answer)
    return [[next(iter(cell)) if len(cell) == 1 else None for cell in row] for row in found]


def _cells(rows: ArrayLike, cols: ArrayLike, grid: int) -> NDArray[np.int64]:
    return np.asarray(rows, np.int64) * grid + np.asarray(cols, np.int64)


def _counts(cells: NDArray[np.int64], grid: int) -> NDArray[np.int64]:
    return np.bincount(cells, minlength=grid * grid).reshape(grid, grid)
