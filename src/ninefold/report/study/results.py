"""The results of a study, by model, condition, seed and test, as far as its runs are done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ninefold.analysis import scaling
from ninefold.analysis.votes import Vote, majority_map
from ninefold.report.study.finished import Absent, Finished, Probing, by_place, read_runs
from ninefold.report.test_sets import Evaluation, Training
from ninefold.runs.study import BASE, StudiedCondition, StudiedModel, StudiedTest, StudyRecord
from ninefold.runs.tables import read_scores
from ninefold.space import LABELS
from ninefold.types import AnswerKind

INVALID: tuple[AnswerKind, ...] = tuple(kind for kind in get_args(AnswerKind) if kind != "label")
"""The kinds of invalid answers."""

WHOLE = "synthetic"
"""Name of the condition that ends a scaling curve."""

WRONG = "wrong label"
"""Answers that give one label, and not the right one."""

FAILURES = (*INVALID, WRONG)
"""All the ways in which an answer fails, each a column of `StudyResults.table`."""


class MeanMap(NamedTuple):
    """Accuracy by cell, mean over seeds; both arrays are (grid, grid), rows downward."""

    accuracy: NDArray[np.float64]
    """Fraction of right answers; nan if a cell has no examples."""
    n: NDArray[np.int64]
    """Number of examples of the test."""
    seeds: int
    """Number of runs."""


class VoteMap(NamedTuple):
    """Majority votes by cell, of the answers of all seeds; rows of cells, from the top."""

    votes: Sequence[Sequence[Vote]]
    """The vote of each cell; labels with the same number of votes tie."""
    n: Sequence[Sequence[int]]
    """Number of examples of the test."""
    answers: Sequence[Sequence[str | None]]
    """The right answer of each cell whose examples share one; None elsewhere."""


@dataclass(frozen=True)
class StudyResults:
    """The results of a study, as far as its runs are done."""

    folder: Path
    """The study folder."""
    record: StudyRecord
    """Models, conditions, seeds, tests and runs."""
    evaluations: Sequence[Finished[Evaluation]]
    """Finished evaluations, in the record's order."""
    trainings: Sequence[Finished[Training]]
    """Finished trainings, in the record's order."""
    probes: Sequence[Finished[Probing]]
    """Finished probes, in the record's order."""
    absent: Sequence[Absent]
    """All other runs."""

    @classmethod
    def read(cls, folder: Path) -> "StudyResults":
        """Read a study folder and the runs that are done; score tables stay on disk.

        Raises:
            RunError: If the folder is not one of a study, or its record is broken.
        """
        record = StudyRecord.read(folder)
        return cls(folder, record, *read_runs(folder, record))

    @property
    def models(self) -> Sequence[StudiedModel]:
        """Return the models, in order."""
        return self.record.models

    @cached_property
    def planned(self) -> frozenset[tuple[str, str, str | None]]:
        """Return model, condition and test of all evaluations of the study, done or not."""
        return frozenset((of.model, of.condition, of.test) for of in self.record.select("evaluation"))

    @cached_property
    def nano(self) -> tuple[str, ...]:
        """Return the titles of the nano bases, whose scores say nothing about any real model."""
        return tuple(model.title for model in self.record.models if model.nano)

    @cached_property
    def conditions(self) -> Mapping[str, StudiedCondition]:
        """Return the conditions by name, in order; the base first."""
        return {one.name: one for one in self.record.conditions}

    @cached_property
    def tests(self) -> Mapping[str, StudiedTest]:
        """Return the tests by name, in order."""
        return {one.name: one for one in self.record.tests}

    def group(self, name: str) -> list[StudiedCondition]:
        """Return the conditions of a group, in order."""
        return [one for one in self.record.conditions if one.group == name]

    @cached_property
    def table(self) -> pd.DataFrame:
        """Return the table of all evaluations, one row per model, condition, seed and test.

        Columns: model, condition, seed (missing for the base), test, n, accuracy, low and high (its 95 % interval over
        questions), invalid (count), the counts of `FAILURES`, folder (relative to the study folder).
        """
        rows = [
            {
                **{"model": of.model, "condition": of.condition, "seed": of.seed, "test": of.test},
                **{"n": metrics["n"], "accuracy": metrics["accuracy"]},
                **dict(zip(("low", "high"), metrics["ci95"], strict=True)),
                "invalid": metrics["invalid"],
                **{kind: int(metrics["invalid_by_class"].get(kind, 0)) for kind in INVALID},
                WRONG: metrics["n"] - metrics["invalid"] - round(metrics["accuracy"] * metrics["n"]),
                "folder": of.folder,
            }
            for of, metrics in ((one.of, one.run.metrics) for one in self.evaluations)
        ]
        columns = ["model", "condition", "seed", "test", "n", "accuracy", "low", "high", "invalid", *FAILURES, "folder"]
        return pd.DataFrame(rows, columns=columns).astype({"seed": "Int64"})

    def select(self, model: str, condition: str, test: str) -> list[Finished[Evaluation]]:
        """Return the evaluations of a model under a condition on a test, by seed; names, not titles."""
        return self._evaluations.get((model, condition, test), [])

    @cached_property
    def _evaluations(self) -> Mapping[tuple[str, str, str | None], list[Finished[Evaluation]]]:
        return by_place(self.evaluations)

    def accuracies(self, model: str, condition: str, test: str) -> dict[int | None, float]:
        """Return the accuracy by seed; {None: accuracy} for the base, empty if no run is done."""
        return {one.of.seed: float(one.run.metrics["accuracy"]) for one in self.select(model, condition, test)}

    @cached_property
    def sizes(self) -> dict[int, str]:
        """Return the conditions of scaling curves by number of training examples: group "scaling" and the whole."""
        whole = [self.conditions[WHOLE]] if WHOLE in self.conditions else []
        group = self.group("scaling")
        # A subset as large as the whole set has priority.
        return {one.rows: one.name for one in [*whole, *group] if one.rows} if group else {}

    def scaling(self, model: str, test: str) -> scaling.Curve | None:
        """Return the scaling curve of a model on a test; None if no run of a subset is done."""
        runs = {size: self.accuracies(model, name, test) for size, name in self.sizes.items()}
        found = {size: list(runs[size].values()) for size in sorted(runs) if runs[size]}
        is_curve = any(self.sizes[size] != WHOLE for size in found)
        return scaling.curve(found, self.base(model, test)) if is_curve else None

    def base(self, model: str, test: str) -> float | None:
        """Return the accuracy of a base on a test; None if its run is not done."""
        return next(iter(self.accuracies(model, BASE, test).values()), None)

    def accuracy_map(self, model: str, condition: str, test: str) -> MeanMap | None:
        """Return the accuracy by cell, mean over seeds; None if no run is done or the test has no positions."""
        found = [one.run.metrics for one in self.select(model, condition, test) if "by_cell" in one.run.metrics]
        if not found:
            return None
        grids = np.array([metrics["by_cell"] for metrics in found], float)
        return MeanMap(grids.mean(axis=0), np.array(found[0]["n_by_cell"], np.int64), len(found))

    def vote_map(self, model: str, condition: str, test: str) -> VoteMap | None:
        """Return the majority vote of each cell, all seeds together; None if no run is done or there are no positions.

        Score tables are read if there are several seeds.
        """
        runs = [one.run for one in self.select(model, condition, test) if "votes" in one.run.metrics]
        if not runs:
            return None
        metrics = runs[0].metrics
        votes = metrics["votes"]
        if len(runs) > 1:
            table = pd.concat([self.scores(run) for run in runs])
            said = table["label"].where(table["kind"] == "label", None)
            votes = majority_map(table["cell_row"], table["cell_col"], said, self.labels(test), len(votes))
        return VoteMap(votes, metrics["n_by_cell"], metrics["answer_by_cell"])

    def labels(self, test: str) -> list[str]:
        """Return all labels of the answers to a test, in canonical order; empty if no run is done."""
        tables = [one.run.metrics["confusion"] for one in self.evaluations if one.of.test == test]
        given = [name for table in tables for row in table.values() for name in row if name not in INVALID]
        found = list(dict.fromkeys([*(answer for table in tables for answer in table), *given]))
        return [label for label in LABELS if label in found] + [label for label in found if label not in LABELS]

    def scores(self, run: Evaluation) -> pd.DataFrame:
        """Return the score table of a run, one row per example; read now and not kept, for studies have hundreds.

        Raises:
            RunError: If it is not as ninefold wrote it.
        """
        return read_scores(run.folder)

    def probed(self, model: str, condition: str, test: str) -> list[Finished[Probing]]:
        """Return the probes of a model under a condition on the examples of a test, by seed."""
        return self._probes.get((model, condition, test), [])

    @cached_property
    def _probes(self) -> Mapping[tuple[str, str, str | None], list[Finished[Probing]]]:
        return by_place(self.probes)
