"""Tables: base against tuned, accuracy by region, confusion matrices, and invalid answers."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ninefold.analysis import statistics
from ninefold.report.comparison import Change, change
from ninefold.report.test_sets import Result, TestSet
from ninefold.web.wording import count, p_value, percent, points, span

CONFIDENCE = percent(statistics.CONFIDENCE)
"""Confidence level of all intervals, as text."""

MOST_LABELS = 24
"""Largest number of labels with a confusion matrix and a map of answers; larger ones would be unreadable."""

COLUMNS = 10
"""Largest number of columns of a table, which a printed page holds; a wider one is divided."""


@dataclass(frozen=True, slots=True)
class TableCell:
    """One cell of a table."""

    text: str
    """Its text."""
    detail: str = ""
    """Its text in small print."""
    weight: float = 0.0
    """Strength of its tint, in [0, 1]."""
    is_right: bool = False
    """Whether it counts right answers."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table, ready to draw."""

    title: str
    """Its caption."""
    note: str
    """Explanation, in one sentence."""
    head: tuple[str, ...]
    """Heads of the columns, the first above the names of the rows."""
    rows: tuple[tuple[str, tuple[TableCell, ...]], ...]
    """Name and cells of each row."""


def numbers(test_set: TestSet) -> tuple[Table, ...]:
    """Return all tables that compare the runs of a set."""
    return (summary(test_set), *([regions(test_set)] if test_set.grid else []), invalid(test_set))


def summary(test_set: TestSet) -> Table:
    """Return the table of accuracies, intervals and invalid answers; one row per run."""
    changes = {tuned.name: change(base, tuned) for base, tuned in test_set.pairs}
    rows = []
    for result in test_set.results:
        metrics, moved = result.run.metrics, changes.get(result.name)
        cells = [
            TableCell(percent(metrics["accuracy"], 1), f"{CONFIDENCE}: {span(metrics['ci95'])}"),
            TableCell(percent(metrics["valid_accuracy"], 1)),
            TableCell(count(metrics["invalid"]), percent(metrics["invalid"] / metrics["n"], 1)),
        ]
        if changes:
            cells += _change_cells(moved) if moved else [TableCell("")] * 4
        rows.append((result.name, tuple(cells)))
    head: tuple[str, ...] = ("run", "accuracy", "of valid", "invalid")
    head += ("change", "newly right", "newly wrong", "p-value") if changes else ()
    note = "Invalid answers count as wrong; “of valid” leaves them out. Changes are in percentage points."
    return Table("Accuracy", note, head, tuple(rows))


def regions(test_set: TestSet) -> Table:
    """Return the table of accuracies by region; one column per run and one per change."""
    by_region = [result.run.metrics["by_region"] for result in test_set.results]
    heads: list[str] = []
    for result in test_set.results:
        heads += [result.name] + (["change"] if result.base else [])
    rows = []
    for label, first in by_region[0].items():
        cells = [TableCell(count(first["n"]))]
        for result, regions_of in zip(test_set.results, by_region, strict=True):
            cells.append(_rate(regions_of[label]))
            if result.base:
                cells.append(_difference(result.base.metrics["by_region"][label], regions_of[label]))
        rows.append((label, tuple(cells)))
    note = f"By the region of the object; the {CONFIDENCE} interval in small print, changes in percentage points."
    return Table("By region", note, ("region", "questions", *heads), tuple(rows))


def invalid(test_set: TestSet) -> Table:
    """Return the table of invalid answers by kind; one column per run."""
    classes = [result.run.metrics["invalid_by_class"] for result in test_set.results]
    kinds = dict.fromkeys(kind for counts in classes for kind in counts)
    rows = [(kind, tuple(TableCell(count(counts.get(kind, 0))) for counts in classes)) for kind in kinds]
    note = "An answer is valid if it names exactly one label; all others are counted here by kind."
    return Table("Invalid answers", note, ("kind", *(result.name for result in test_set.results)), tuple(rows))


def confusion(result: Result) -> Table:
    """Return the confusion matrix of one run: one row per right answer, one column per given answer."""
    table: dict[str, dict[str, int]] = result.run.metrics["confusion"]
    found = dict.fromkeys([*table, *(name for row in table.values() for name in row)])
    labels = result.run.labels
    given = [name for name in labels if name in found] + [name for name in found if name not in labels]
    rows = []
    for answer in (label for label in labels if label in table):
        counts = table[answer]
        total = sum(counts.values()) or 1
        cells = [
            TableCell(count(seen) if (seen := counts.get(name, 0)) else "", "", seen / total, name == answer)
            for name in given
        ]
        rows.append((answer, tuple(cells)))
    note = f"{percent(result.run.metrics['accuracy'], 1)} right."
    return Table(result.name, note, ("right answer", *given), tuple(rows))


def divided(table: Table) -> list[Table]:
    """Return a table with many columns as several, each with the names of the rows."""
    step = COLUMNS - 1
    starts = range(1, len(table.head), step)
    if len(starts) < 2:
        return [table]
    return [
        replace(
            table,
            title=f"{table.title} ({number} of {len(starts)})",
            head=(table.head[0], *table.head[start : start + step]),
            rows=tuple((name, cells[start - 1 : start - 1 + step]) for name, cells in table.rows),
        )
        for number, start in enumerate(starts, start=1)
    ]


def _change_cells(change: Change) -> list[TableCell]:
    paired = change.paired
    low, high = paired.difference.low, paired.difference.high
    return [
        TableCell(points(paired.difference.value, 1), f"{CONFIDENCE}: {points(low, 1)} to {points(high, 1)}"),
        TableCell(count(paired.gained)),
        TableCell(count(paired.lost)),
        TableCell(p_value(paired.p), paired.test),
    ]


def _rate(measured: Mapping[str, Any]) -> TableCell:
    return TableCell(percent(measured["accuracy"], 1), span(measured["ci95"]))


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> TableCell:
    if before["accuracy"] is None or after["accuracy"] is None:
        return TableCell("")
    return TableCell(points(after["accuracy"] - before["accuracy"], 1))
