"""Paired comparisons: a tuned run against its base, example by example."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ninefold.analysis import cells, statistics
from ninefold.errors import RunError
from ninefold.report.test_sets import Result


@dataclass(frozen=True, slots=True)
class Change:
    """The comparison of a tuned run with its base on the same examples."""

    paired: statistics.Paired
    """Paired statistics; if examples share a group, such as an image, interval and test are clustered by it."""

    @property
    def verdict(self) -> str:
        """Return the direction of a change that test and interval both show: "rose" or "fell"; "unclear" otherwise."""
        return self.paired.direction


def change(base: Result, tuned: Result) -> Change:
    """Compare a tuned run with its base."""
    return Change(statistics.paired(*_answers(base, tuned), _clusters(base)))


def changes(base: Result, tuned: Result) -> cells.ChangeMap:
    """Return the change of each cell, with tests and intervals that hold for all cells together."""
    before, after = _answers(base, tuned)
    table = base.run.scores
    grid = len(base.run.metrics["by_cell"])
    return cells.change_map(table["cell_row"], table["cell_col"], before, after, grid=grid, groups=_clusters(base))


def _clusters(result: Result) -> NDArray[np.object_] | None:
    return statistics.clusters(result.run.scores, result.run.spec["data"].get("clustering", "group"))


def _answers(base: Result, tuned: Result) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    before, after = (result.run.scores["correct"] for result in (base, tuned))
    if len(before) != len(after) or not before.index.isin(after.index).all():
        raise RunError(
            f"{tuned.run.folder}: its scores are of other examples than those of {base.run.folder};"
            f" run: ninefold score {tuned.run.folder} {base.run.folder}"
        )
    return before.to_numpy(bool), after.loc[before.index].to_numpy(bool)
