"""Majority votes: the label that a model gives most often in each cell."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ninefold.space import GRID


def majority_map(
    rows: ArrayLike, cols: ArrayLike, said: Sequence[str | None], labels: Sequence[str], grid: int = GRID
) -> list[list[str | None]]:
    """Return the most frequent label of every cell (Rizzoli et al. 2025, figures 2B and 5).

    Args:
        rows: Cell rows, shape (items,).
        cols: Cell columns, shape (items,).
        said: The label of each answer, shape (items,); an invalid answer is None and does not vote.
        labels: All labels; of several with the same number of votes, the first here wins.
        grid: Cells along each side.

    Returns:
        ``grid`` rows of ``grid`` labels, None if a cell has no valid answer.
    """
    codes = pd.Categorical(said, categories=labels).codes
    votes = codes >= 0
    cells = (np.asarray(rows, int) * grid + np.asarray(cols, int))[votes]
    counts = np.bincount(cells * len(labels) + codes[votes], minlength=grid * grid * len(labels))
    table = counts.reshape(grid, grid, len(labels))
    return [[labels[cell.argmax()] if cell.any() else None for cell in row] for row in table]
