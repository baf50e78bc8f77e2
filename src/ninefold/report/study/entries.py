"""The entries of a study: each model under each condition on each test, measured over all seeds from its score tables.

Score tables are read one entry at a time, so that memory does not grow with the study.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ninefold.analysis import cells, failures, statistics, votes
from ninefold.errors import RunError
from ninefold.report.overview import Measured, in_order, measure
from ninefold.report.study.finished import Absent, Finished
from ninefold.report.study.results import StudyResults
from ninefold.report.test_sets import Evaluation
from ninefold.runs.study import BASE, StudiedCondition, StudiedModel, StudiedTest
from ninefold.runs.tables import read_scores

_COLUMNS = ("id", "group", "answer", "kind", "label", "correct", "cell_row", "cell_col", "grid")
"""Columns of score tables that are read."""

FLIPS = 2_000
"""Number of sign flips of each map of changes: a p-value of 0.05 varies by 0.005, and hundreds of maps take seconds."""

Votes = list[list[votes.Vote]]
"""The vote of each cell, row by row."""


@dataclass(frozen=True, slots=True)
class EntryMaps:
    """The maps of an entry, over the cells of the image."""

    n: NDArray[np.int64]
    """Number of examples, shape (grid, grid)."""
    right: NDArray[np.int64]
    """Number of right answers of each seed, shape (seeds, grid, grid)."""
    votes: Votes
    """The vote of all answers of all seeds."""
    votes_of_seeds: tuple[Votes, ...]
    """The vote of the answers of each seed."""
    change: cells.ChangeMap | None
    """The change against the base in each cell; None for a base, or without one."""

    @property
    def accuracy(self) -> NDArray[np.float64]:
        """Return the accuracy, mean over seeds, shape (grid, grid); nan where there are no examples."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.right.mean(axis=0) / self.n, np.float64)


@dataclass(frozen=True, slots=True)
class Entry:
    """A model under a condition on a test, over all seeds."""

    model: StudiedModel
    """The model."""
    condition: StudiedCondition
    """The condition."""
    test: StudiedTest
    """The test."""
    measured: Measured | None
    """Its accuracy; None if no run is done."""
    failures: failures.Failures | None
    """The failures of all its answers; None if no run is done."""
    maps: EntryMaps | None
    """Its maps; None if no run is done, or the test has no positions."""
    labels: tuple[str, ...]
    """All answers, in canonical order."""
    folders: tuple[str, ...]
    """Run folder of each seed, relative to the study folder."""
    planned: int
    """Number of its runs, done or not; 0 if the study does not ask it."""
    broken: tuple[Absent, ...]
    """Runs whose score tables cannot be used, with the reason."""

    @property
    def key(self) -> tuple[str, str, str]:
        """Return the names of its model, condition and test."""
        return self.model.name, self.condition.name, self.test.name


@dataclass(frozen=True)
class _Answers:
    """The score tables of an entry."""

    runs: Mapping[int | None, Finished[Evaluation]]
    """The evaluation of each seed."""
    tables: Mapping[int | None, pd.DataFrame]
    """Its score table, indexed by id; all hold the same examples in the same order."""
    broken: tuple[Absent, ...]
    """Runs that cannot be used."""


def entries(results: StudyResults) -> Iterator[Entry]:
    """Yield all entries, by model and test, the base of each first; those that are not asked too."""
    planned: dict[tuple[str, str, str | None], int] = {}
    for of in results.record.select("evaluation"):
        place = (of.model, of.condition, of.test)
        planned[place] = planned.get(place, 0) + 1
    for model in results.record.models:
        for test in results.record.tests:
            base = None
            for condition in results.record.conditions:
                answers = _answers(results.select(model.name, condition.name, test.name))
                base = answers if condition.name == BASE else base
                asked = planned.get((model.name, condition.name, test.name), 0)
                entry = Entry(model, condition, test, None, None, None, (), (), asked, answers.broken)
                yield _measured(entry, answers, base if base is not answers else None)


def _answers(runs: list[Finished[Evaluation]]) -> _Answers:
    evaluations: dict[int | None, Finished[Evaluation]] = {}
    tables: dict[int | None, pd.DataFrame] = {}
    broken = []
    for one in runs:
        try:
            table = read_scores(one.run.folder, _COLUMNS).set_index("id")
            table = in_order(table, next(iter(tables.values()), table))
            if table is None:
                raise RunError(f"{one.run.folder}: answers other examples than the other seeds; evaluate it again")
        except RunError as error:
            broken.append(Absent(one.of, "unreadable", str(error)))
            continue
        evaluations[one.of.seed], tables[one.of.seed] = one, table
    return _Answers(evaluations, tables, tuple(broken))


def _measured(entry: Entry, answers: _Answers, base: _Answers | None) -> Entry:
    """Return an entry with everything that its score tables say; the entry itself if there are none."""
    tables = answers.tables
    if not tables:
        return entry
    first, run = next(iter(tables.values())), next(iter(answers.runs.values())).run
    before = next(iter(base.tables.values()), None) if base else None
    before = None if before is None else in_order(before, first)
    clustering = run.spec["data"].get("clustering", "group")
    groups, labels = statistics.clusters(first, clustering), tuple(run.labels_in(first))
    together = pd.concat([table[["kind", "label", "answer", "correct"]] for table in tables.values()])
    return replace(
        entry,
        measured=measure(list(tables.items()), before, clustering),
        failures=failures.failures(together),
        maps=_maps(tables, before, groups, labels, len(run.metrics["by_cell"])) if "by_cell" in run.metrics else None,
        labels=labels,
        folders=tuple(one.of.folder for one in answers.runs.values()),
    )


def _maps(
    tables: Mapping[int | None, pd.DataFrame],
    base: pd.DataFrame | None,
    groups: NDArray[np.object_] | None,
    labels: tuple[str, ...],
    grid: int,
) -> EntryMaps:
    first = next(iter(tables.values()))
    rows, cols = (first[name].to_numpy(int) for name in ("cell_row", "cell_col"))
    correct = np.stack([table["correct"].to_numpy(bool) for table in tables.values()])
    places = rows * grid + cols
    n, *right = (np.bincount(places[chosen], minlength=grid * grid).reshape(grid, grid) for chosen in (..., *correct))
    counts = [votes.count_votes(rows, cols, _said(table), labels, grid) for table in tables.values()]
    each = tuple(votes.majority(one, labels) for one in counts)
    together = votes.majority(np.sum(counts, axis=0), labels)
    change = None
    if base is not None:
        before = base["correct"].to_numpy(bool)
        change = cells.change_map(rows, cols, before, correct, grid=grid, groups=groups, flips=FLIPS, intervals=False)
    return EntryMaps(n, np.stack(right), together, each, change)


def _said(table: pd.DataFrame) -> NDArray[np.object_]:
    """Return the label of each answer, None where it has none."""
    said: NDArray[np.object_] = table["label"].to_numpy(object, copy=True)
    said[table["kind"].to_numpy(object) != "label"] = None
    return said
