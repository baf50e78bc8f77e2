"""Tables: base against tuned, by region, what is taken for what, and answers that name no label."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ninefold.report.comparison import Change, change
from ninefold.report.test_sets import Column, TestSet
from ninefold.report.wording import NARROW_SPACE, count, p_value, percent, points, span
from ninefold.space import LABELS


@dataclass(frozen=True, slots=True)
class Entry:
    """One cell of a table."""

    text: str
    """What it says."""
    detail: str = ""
    """What it says in small print."""
    weight: float = 0.0
    """How strongly it is tinted, in [0, 1]."""
    is_right: bool = False
    """Whether it counts right answers."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table, ready to draw."""

    title: str
    """Its caption."""
    note: str
    """How to read it, in one sentence."""
    head: tuple[str, ...]
    """Heads of the columns, the first above the names of the rows."""
    rows: tuple[tuple[str, tuple[Entry, ...]], ...]
    """Name and cells of each row."""


def numbers(test_set: TestSet) -> tuple[Table, ...]:
    """Return all tables that set the runs of a set side by side."""
    return (summary(test_set), *([regions(test_set)] if test_set.grid else []), invalid(test_set))


def summary(test_set: TestSet) -> Table:
    """Return the table of accuracies, intervals and invalid answers; one row a run."""
    changes = {tuned.name: change(base, tuned) for base, tuned in test_set.pairs}
    rows = []
    for column in test_set.columns:
        metrics, moved = column.run.metrics, changes.get(column.name)
        entries = [
            Entry(percent(metrics["accuracy"], 1), f"95{NARROW_SPACE}%: {span(metrics['ci95'])}"),
            Entry(percent(metrics["valid_accuracy"], 1)),
            Entry(count(metrics["invalid"]), percent(metrics["invalid"] / metrics["n"], 1)),
        ]
        if changes:
            entries += _change_entries(moved) if moved else [Entry("")] * 4
        rows.append((column.name, tuple(entries)))
    head: tuple[str, ...] = ("run", "accuracy", "of valid", "invalid")
    head += ("change", "newly right", "newly wrong", "exact McNemar") if changes else ()
    note = "Invalid answers count as wrong; “of valid” leaves them out. Changes are in percentage points."
    return Table("Accuracy", note, head, tuple(rows))


def regions(test_set: TestSet) -> Table:
    """Return the table of accuracies in each region; one column a run, and one for each change."""
    by_region = [column.run.metrics["by_region"] for column in test_set.columns]
    heads: list[str] = []
    for column in test_set.columns:
        heads += [column.name] + (["change"] if column.base else [])
    rows = []
    for label, first in by_region[0].items():
        entries = [Entry(count(first["n"]))]
        for column, regions_of in zip(test_set.columns, by_region, strict=True):
            entries.append(_rate(regions_of[label]))
            if column.base:
                entries.append(_difference(column.base.metrics["by_region"][label], regions_of[label]))
        rows.append((label, tuple(entries)))
    note = "By the region the thing is in; small print gives the 95 % interval, changes are in percentage points."
    return Table("By region", note, ("region", "questions", *heads), tuple(rows))


def invalid(test_set: TestSet) -> Table:
    """Return the table of answers that name no single label, by why; one column a run."""
    classes = [column.run.metrics["invalid_by_class"] for column in test_set.columns]
    rows = [(kind, tuple(Entry(count(counts.get(kind, 0))) for counts in classes)) for kind in classes[0]]
    note = "An answer counts only if it names exactly one of the labels; what does not is kept apart by kind."
    return Table("Invalid answers", note, ("kind", *(column.name for column in test_set.columns)), tuple(rows))


def confusion(column: Column) -> Table:
    """Return the table of what is taken for what, by one run."""
    table: dict[str, dict[str, int]] = column.run.metrics["confusion"]
    names = dict.fromkeys([*table, *(name for row in table.values() for name in row)])
    given = sorted(names, key=lambda name: LABELS.index(name) if name in LABELS else len(LABELS))
    rows = []
    for answer, counts in table.items():
        total = sum(counts.values()) or 1
        entries = [
            Entry(count(seen) if (seen := counts.get(name, 0)) else "", "", seen / total, name == answer)
            for name in given
        ]
        rows.append((answer, tuple(entries)))
    note = f"{percent(column.run.metrics['accuracy'], 1)} right."
    return Table(column.name, note, ("truth", *given), tuple(rows))


def _change_entries(change: Change) -> list[Entry]:
    paired = change.paired
    low, high = paired.difference.low, paired.difference.high
    return [
        Entry(points(paired.difference.value, 1), f"95{NARROW_SPACE}%: {points(low, 1)} to {points(high, 1)}"),
        Entry(count(paired.gained)),
        Entry(count(paired.lost)),
        Entry(p_value(change.mcnemar), "" if paired.mid_p is not None else f"{p_value(paired.p)} by {paired.test}"),
    ]


def _rate(measured: Mapping[str, Any]) -> Entry:
    return Entry(percent(measured["accuracy"], 1), span(measured["ci95"]))


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> Entry:
    if before["accuracy"] is None or after["accuracy"] is None:
        return Entry("")
    return Entry(points(after["accuracy"] - before["accuracy"], 1))
