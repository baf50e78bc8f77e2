"""What fine-tuning changed: a tuned run against its base, item by item."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ninefold.analysis import cells, statistics
from ninefold.report.test_sets import Column


@dataclass(frozen=True, slots=True)
class Change:
    """A tuned run against its base on the very same examples."""

    paired: statistics.Paired
    """The comparison; where examples share a group, such as a picture, its interval and test are clustered by it."""
    mcnemar: float
    """P-value of McNemar's exact test of the examples gained against those lost, as if all were independent."""

    @property
    def verdict(self) -> str:
        """What can be said of it: "rose", "fell" or "unclear"."""
        if self.paired.p >= 0.05:
            return "unclear"
        return "rose" if self.paired.difference.value > 0 else "fell"


def change(base: Column, tuned: Column) -> Change:
    """Compare a tuned run with its base."""
    before, after = _answers(base, tuned)
    paired = statistics.paired(before, after, statistics.clusters(base.run.scores))
    return Change(paired, float(statistics.mcnemar(paired.gained, paired.lost).exact))


def sure_cells(base: Column, tuned: Column) -> NDArray[np.bool_]:
    """Return which cells changed beyond chance, shape (grid, grid): exact McNemar tests, 5 % over all cells by Holm."""
    before, after = _answers(base, tuned)
    table = base.run.scores
    grid = len(base.run.metrics["by_cell"])
    adjusted = cells.change_map(table["cell_row"], table["cell_col"], before, after, grid)
    return np.nan_to_num(adjusted, nan=1.0) < 0.05


def _answers(base: Column, tuned: Column) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    before = base.run.scores["correct"]
    return before.to_numpy(bool), tuned.run.scores["correct"].reindex(before.index).to_numpy(bool)
