"""Majority votes: the label that a model gives most often in each cell, or the labels that tie."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ninefold.space import GRID

Vote = str | Sequence[str] | None
"""The vote of a cell: a label; the labels that tie, in canonical order; or None if no answer has a label."""


def majority_map(
    rows: ArrayLike, cols: ArrayLike, said: Sequence[str | None], labels: Sequence[str], grid: int = GRID
) -> list[list[Vote]]:
    """Return the most frequent label of every cell (Rizzoli et al. 2025, figures 2B and 5).

    Every answer is one vote, over the objects of a cell and over training seeds alike: give the answers of all seeds,
    one after the other. A vote of seeds, each with its own majority, would count 13 to 11 like 24 to 0, and five seeds
    with nine labels often tie.

    Args:
        rows: Cell rows, shape (answers,).
        cols: Cell columns, shape (answers,).
        said: The label of each answer, shape (answers,); an invalid answer is None and does not vote.
        labels: All labels, in canonical order.
        grid: Cells along each side.

    Returns:
        ``grid`` rows of ``grid`` votes.
    """
    return majority(count_votes(rows, cols, said, labels, grid), labels)


def count_votes(
    rows: ArrayLike,
    cols: ArrayLike,
    said: Sequence[str | None] | NDArray[np.object_],
    labels: Sequence[str],
    grid: int = GRID,
) -> NDArray[np.int64]:
    """Return the number of votes for each label in each cell, shape (grid, grid, labels); see `majority_map`.

    Counts of several seeds add up to those of all their answers.
    """
    codes = pd.Categorical(said, categories=labels).codes
    votes = codes >= 0
    cells = (np.asarray(rows, int) * grid + np.asarray(cols, int))[votes]
    counts = np.bincount(cells * len(labels) + codes[votes], minlength=grid * grid * len(labels))
    return counts.reshape(grid, grid, len(labels))


def majority(counts: NDArray[np.int64], labels: Sequence[str]) -> list[list[Vote]]:
    """Return the vote of every cell, given the counts of `count_votes`."""
    leads = (counts == counts.max(axis=2, keepdims=True)) & (counts > 0)
    return [[_vote([labels[index] for index in np.flatnonzero(cell).tolist()]) for cell in row] for row in leads]


def leaders(vote: Vote) -> tuple[str, ...]:
    """Return the labels of a vote: none, one, or those that tie."""
    return () if vote is None else (vote,) if isinstance(vote, str) else tuple(vote)


def _vote(leading: list[str]) -> Vote:
    return tuple(leading) if len(leading) > 1 else next(iter(leading), None)
