"""The overview of a report: a matrix of accuracies, models and conditions by tests, over all seeds.

The report of single runs and that of a study share it.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd

from ninefold.analysis import seeds, statistics
from ninefold.types import Clustering
from ninefold.web.wording import percent, points

BOUNDS = 4
"""Digits after the point of fractions in the file of an overview."""

COLUMNS = (
    *(
        "model",
        "condition",
        "training_examples",
        "test",
        "questions",
        "seeds",
        "accuracy",
        "ci95_low",
        "ci95_high",
        "sd",
    ),
    *("change", "change_ci95_low", "change_ci95_high", "values"),
)
"""Columns of the file of an overview."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The accuracy of a model under a condition on a test, over all seeds."""

    runs: tuple[int | None, ...]
    """Seed of each run; None for a base, and where it is not known."""
    accuracy: seeds.Summary
    """Accuracy of all seeds."""
    interval: statistics.Interval
    """Mean accuracy with its interval, over seeds and questions."""
    change: statistics.Interval | None
    """Change of the mean against the base, with its interval; None for a base, or without one."""
    questions: int
    """Number of questions."""

    @property
    def verdict(self) -> str:
        """Return the direction of a change that its interval shows: "better" or "worse"; "" otherwise."""
        if self.change is None or self.change.low <= 0 <= self.change.high:
            return ""
        return "better" if self.change.low > 0 else "worse"

    @property
    def details(self) -> str:
        """Return the values of all seeds, their deviation, and the change with its interval, as text."""
        values = [percent(value, 1) for value in self.accuracy.values]
        if self.runs != (None,):
            named = zip(self.runs, values, strict=True)
            values = [f"seed {seed}: {value}" if seed is not None else value for seed, value in named]
        parts = [", ".join(values)]
        if self.accuracy.sd is not None:
            parts.append(f"standard deviation {100 * self.accuracy.sd:.1f} points")
        if self.change is not None:
            low, high = points(self.change.low, 1), points(self.change.high, 1)
            parts.append(f"change {points(self.change.value, 1)} points ({low} to {high})")
        return "; ".join(parts)


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of an overview."""

    anchor: str
    """Name in links of the maps, or of what else is shown of it; empty for none."""
    measured: Measured | None
    """The accuracy; None if there is none."""
    gap: str = ""
    """Reason for none, such as "not asked"."""
    lacking: str = ""
    """What is still missing of it, such as "of 5"; empty if nothing is."""
    leak: str = ""
    """What the training set shares with the test, in words; empty for nothing."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of an overview: a model under a condition."""

    model: str
    """Title of the model."""
    condition: str
    """Title of the condition."""
    is_base: bool
    """Whether the model was not tuned."""
    examples: int | None
    """Number of training examples; None if there are none, or if it is not known."""
    cells: tuple[Cell, ...]
    """One cell for each test."""


@dataclass(frozen=True, slots=True)
class Overview:
    """A matrix of accuracies, ready to draw."""

    tests: tuple[str, ...]
    """Titles of the tests."""
    rows: tuple[Row, ...]
    """Its rows: each model's base first."""

    @property
    def models(self) -> list[str]:
        """Return the titles of the models, in order."""
        return list(dict.fromkeys(row.model for row in self.rows))

    @property
    def conditions(self) -> list[str]:
        """Return the titles of the conditions, in order of first appearance."""
        return list(dict.fromkeys(row.condition for row in self.rows))

    @property
    def has_examples(self) -> bool:
        """Whether the numbers of training examples are known."""
        return any(row.examples is not None for row in self.rows)

    @property
    def file(self) -> str:
        """Return the matrix as a CSV file, one line per cell with an accuracy, in the form of a data URI."""
        lines = [
            _line(row, test, cell.measured)
            for row in self.rows
            for test, cell in zip(self.tests, row.cells, strict=True)
            if cell.measured is not None
        ]
        return data_uri(COLUMNS, lines)


def measure(
    tables: Sequence[tuple[int | None, pd.DataFrame]], base: pd.DataFrame | None, clustering: Clustering
) -> Measured:
    """Measure the accuracy over seeds, and its change against the base.

    Args:
        tables: The seed and the score table of each run, all of the same examples in the same order.
        base: The base's score table, in this order too; None for a base itself, or without one.
        clustering: Unit of the intervals (see `ninefold.types.Clustering`).
    """
    first = tables[0][1]
    correct = np.stack([table["correct"].to_numpy(bool) for _, table in tables])
    groups = statistics.clusters(first, clustering)
    before = None if base is None else base["correct"].to_numpy(bool)
    if len(correct) == 1:
        # Without seeds there is nothing to draw: these are the intervals of the run itself.
        interval = statistics.proportion(correct[0], groups)
        change = None if before is None else statistics.paired(before, correct[0], groups).difference
    else:
        interval = seeds.mean_accuracy(correct, groups)
        change = None if before is None else seeds.mean_difference(before, correct, groups)
    summary = seeds.summary(correct.mean(axis=1).tolist())
    return Measured(tuple(seed for seed, _ in tables), summary, interval, change, len(first))


def in_order(table: pd.DataFrame, like: pd.DataFrame) -> pd.DataFrame | None:
    """Return a score table, indexed by id, in the order of another one; None if they hold different examples."""
    if table.index.equals(like.index):
        return table
    order = table.index.get_indexer(like.index)
    return None if len(table) != len(like) or (order < 0).any() else table.iloc[order]


def data_uri(head: Sequence[str], lines: Sequence[Sequence[Any]]) -> str:
    """Return a CSV file as a data URI: a link to it needs no script and loads no other file."""
    content = csv_file(head, lines)
    return "data:text/csv;charset=utf-8," + quote(content, safe=",:;/|()+-_.~", errors="backslashreplace")


def csv_file(head: Sequence[str], lines: Sequence[Sequence[Any]]) -> str:
    """Return the content of a CSV file."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(lines)
    return buffer.getvalue()


def _line(row: Row, test: str, measured: Measured) -> list[Any]:
    change = measured.change
    return [
        *(row.model, row.condition, "" if row.examples is None else row.examples, test, measured.questions),
        *(
            len(measured.accuracy.values),
            *_rounded(measured.accuracy.mean, measured.interval.low, measured.interval.high),
        ),
        *_rounded(measured.accuracy.sd),
        *(_rounded(change.value, change.low, change.high) if change else ("", "", "")),
        " ".join(map(str, _rounded(*measured.accuracy.values))),
    ]


def _rounded(*values: float | None) -> list[float | str]:
    return ["" if value is None else round(value, BOUNDS) for value in values]
