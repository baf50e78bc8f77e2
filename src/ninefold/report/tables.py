"""Tables: base against tuned, by region, what is taken for what, and answers that name no label."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scipy.stats import binomtest

from ninefold.report.runs import Column, TestSet
from ninefold.report.wording import NARROW_SPACE, count, p_value, percent, points, span


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


@dataclass(frozen=True, slots=True)
class Change:
    """What fine-tuning changed on the very same examples."""

    before: float
    """Accuracy of the base."""
    after: float
    """Accuracy of the tuned model."""
    interval: tuple[float, float] | None
    """95 % interval of the difference; None where the examples are too few."""
    lost: int
    """Examples the base had right and the tuned model has wrong."""
    won: int
    """Examples the base had wrong and the tuned model has right."""
    p: float
    """Exact two-sided McNemar test of ``lost`` against ``won``."""

    @property
    def points(self) -> float:
        """The difference in accuracy, as a fraction."""
        return self.after - self.before

    @property
    def verdict(self) -> str:
        """What can be said of it: "rose", "fell" or "unclear"."""
        if self.p >= 0.05:
            return "unclear"
        return "rose" if self.points > 0 else "fell"


def change(base: Column, tuned: Column) -> Change:
    """Compare a tuned run with its base, item by item."""
    before = base.run.scores["correct"].astype(bool)
    after = tuned.run.scores["correct"].reindex(before.index).astype(bool)
    lost, won = int((before & ~after).sum()), int((~before & after).sum())
    p = float(binomtest(lost, lost + won).pvalue) if lost + won else 1.0
    return Change(float(before.mean()), float(after.mean()), None, lost, won, p)


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
    labels = list(table)
    given = [*labels, *sorted({name for row in table.values() for name in row} - set(labels))]
    given = [name for name in given if any(row.get(name) for row in table.values()) or name in labels]
    rows = []
    for answer, counts in table.items():
        total = sum(counts.values()) or 1
        entries = [
            Entry(count(seen) if (seen := counts.get(name, 0)) else "", "", seen / total, name == answer)
            for name in given
        ]
        rows.append((answer, tuple(entries)))
    return Table(
        column.name.capitalize(), f"{percent(column.run.metrics['accuracy'], 1)} right.", ("truth", *given), tuple(rows)
    )


def _change_entries(change: Change) -> list[Entry]:
    bounds = change.interval
    detail = f"95{NARROW_SPACE}%: {points(bounds[0], 1)} to {points(bounds[1], 1)}" if bounds else ""
    return [
        Entry(points(change.points, 1), detail),
        Entry(count(change.won)),
        Entry(count(change.lost)),
        Entry(p_value(change.p)),
    ]


def _rate(measured: Mapping[str, Any]) -> Entry:
    return Entry(percent(measured["accuracy"], 1), span(measured["ci95"]))


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> Entry:
    if before["accuracy"] is None or after["accuracy"] is None:
        return Entry("")
    return Entry(points(after["accuracy"] - before["accuracy"], 1))
