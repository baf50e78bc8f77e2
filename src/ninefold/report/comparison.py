"""Paired comparisons: a tuned run against its base, example by example."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ninefold.analysis import cells, statistics
from ninefold.report.test_sets import Result

SIGNIFICANCE = 1 - statistics.CONFIDENCE
"""Significance level: smaller p-values count as a change."""


@dataclass(frozen=True, slots=True)
class Change:
    """The comparison of a tuned run with its base on the same examples."""

    paired: statistics.Paired
    """Paired statistics; if examples share a group, such as an image, interval and test are clustered by it."""
    mcnemar: float
    """P-value of McNemar's exact test of gained against lost examples, as if all were independent."""

    @property
    def verdict(self) -> str:
        """Return the direction of a significant change: "rose" or "fell"; "unclear" otherwise."""
        if self.paired.p >= SIGNIFICANCE:
            return "unclear"
        return "rose" if self.paired.difference.value > 0 else "fell"


def change(base: Result, tuned: Result) -> Change:
    """Compare a tuned run with its base."""
    before, after = _answers(base, tuned)
    paired = statistics.paired(
        before, after, statistics.clusters(base.run.scores, base.run.spec["data"].get("clustering", "group"))
    )
    return Change(paired, float(statistics.mcnemar(paired.gained, paired.lost).exact))


def sure_cells(base: Result, tuned: Result) -> NDArray[np.bool_]:
    """Return the cells with a significant change, shape (grid, grid): exact McNemar tests, adjusted by Holm."""
    before, after = _answers(base, tuned)
    table = base.run.scores
    grid = len(base.run.metrics["by_cell"])
    adjusted = cells.change_map(table["cell_row"], table["cell_col"], before, after, grid)
    return np.nan_to_num(adjusted, nan=1.0) < SIGNIFICANCE


def _answers(base: Result, tuned: Result) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    before = base.run.scores["correct"]
    return before.to_numpy(bool), tuned.run.scores["correct"].reindex(before.index).to_numpy(bool)
