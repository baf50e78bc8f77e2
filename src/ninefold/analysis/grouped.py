"""Figures of answers that count as rows, or as groups in which every row must be right."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ninefold.analysis.statistics import proportion


def rate(correct: ArrayLike, clusters: ArrayLike | None = None) -> dict[str, Any]:
    """Return the fraction of right answers as a figure of a benchmark (see `ninefold.runs.shape.Measure`).

    Args:
        correct: Right or wrong, shape (items,); may be empty.
        clusters: What errs together, such as the image of each item, shape (items,); None if every item errs alone.

    Returns:
        ``n``, ``value`` and ``ci95`` (see `ninefold.analysis.statistics.proportion`); without items, n is 0 and the
        others are None.
    """
    values = np.asarray(correct, bool)
    if not len(values):
        return {"n": 0, "value": None, "ci95": None}
    found = proportion(values, clusters)
    return {"n": len(values), "value": found.value, "ci95": [found.low, found.high]}


def rates(table: pd.DataFrame, factor: str) -> dict[str, dict[str, Any]]:
    """Return the accuracy of each value of a factor, as parts of a benchmark's figures, in the order of the values.

    Args:
        table: A score table: ``correct``, ``group`` (what errs together) and the factor.
        factor: Name of the factor's column.
    """
    parts = table.groupby(factor, sort=True)
    return {str(value): {"accuracy": rate(part["correct"], part["group"])} for value, part in parts}


def all_right(
    correct: ArrayLike, groups: ArrayLike, sizes: ArrayLike, clusters: ArrayLike | None = None
) -> dict[str, Any]:
    """Return the fraction of groups whose rows are all right, as pairs, sets and circular evaluation count.

    A group without all of its rows counts neither as right nor as wrong: one that lacks a row may be right by luck.

    Args:
        correct: Right or wrong, shape (rows,).
        groups: The group of each row, shape (rows,).
        sizes: The number of rows that its group has when complete, shape (rows,) or one number for all.
        clusters: What errs together, shape (rows,); all rows of a group are in one cluster. None if every group errs
            alone.

    Returns:
        ``n`` (complete groups), ``value`` and ``ci95``, as `rate` gives them.
    """
    names = np.asarray(groups, object)
    parts = {"right": np.asarray(correct, bool), "size": np.broadcast_to(np.asarray(sizes), names.shape)}
    if clusters is not None:
        parts["cluster"] = np.asarray(clusters, object)
    rows = pd.DataFrame(parts).groupby(names, sort=False)
    whole = rows.size() == rows["size"].first()
    return rate(rows["right"].all()[whole], None if clusters is None else rows["cluster"].first()[whole])
