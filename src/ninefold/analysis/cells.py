"""Maps over the cells of the image: accuracy, significant changes, and the right answer if a cell has just one."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ninefold.analysis.statistics import holm, paired_p
from ninefold.space import GRID


class CellMap(NamedTuple):
    """Accuracy by cell; both arrays are (grid, grid), rows downward."""

    accuracy: NDArray[np.float64]
    """Fraction of right answers, nan if a cell has no items."""
    n: NDArray[np.int64]
    """Number of items."""


def accuracy_map(rows: ArrayLike, cols: ArrayLike, correct: ArrayLike, grid: int = GRID) -> CellMap:
    """Return the accuracy of each cell; all arguments except ``grid`` have shape (items,)."""
    n = _counts(rows, cols, None, grid)
    right = _counts(rows, cols, np.asarray(correct, float), grid)
    with np.errstate(invalid="ignore"):
        return CellMap(right / n, n.astype(np.int64))


def change_map(
    rows: ArrayLike,
    cols: ArrayLike,
    before: ArrayLike,
    after: ArrayLike,
    *,
    grid: int = GRID,
    groups: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Test every cell for a change between two sets of answers to the same items.

    Args:
        rows: Cell rows, shape (items,).
        cols: Cell columns, shape (items,).
        before: Right or wrong, shape (items,).
        after: The same items in the same order.
        grid: Cells along each side.
        groups: Groups of items with correlated errors, shape (items,); None if items count separately.

    Returns:
        (grid, grid) p-values of the test of `ninefold.analysis.statistics.paired` (McNemar's without groups), adjusted
        for multiple tests by Holm's rule; nan if a cell has no items.
    """
    cells = np.asarray(rows, int) * grid + np.asarray(cols, int)
    old, new = np.asarray(before, bool), np.asarray(after, bool)
    names = np.arange(len(cells)) if groups is None else np.asarray(groups)
    p = np.full(grid * grid, np.nan)
    for cell in np.unique(cells):
        here = cells == cell
        p[cell] = paired_p(old[here], new[here], names[here])
    return holm(p.reshape(grid, grid))


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


def _counts(rows: ArrayLike, cols: ArrayLike, weights: ArrayLike | None, grid: int) -> NDArray[np.float64]:
    cells = np.asarray(rows, int) * grid + np.asarray(cols, int)
    return np.bincount(cells, weights, minlength=grid * grid).reshape(grid, grid).astype(float)
