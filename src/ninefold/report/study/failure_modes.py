"""Failure modes of a study: how the answers of each entry end, as stacked bars with their numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

from ninefold.analysis.failures import Failures
from ninefold.report.study.entries import Entry
from ninefold.report.study.results import StudyResults
from ninefold.web.wording import percent

LEGEND = (
    ("right", "right", ("right",)),
    ("wrong", "wrong label", ("wrong: center", "wrong: neighbor", "wrong: opposite", "wrong: far", "wrong: other")),
    ("several", "several labels", ("several labels",)),
    ("none", "no label", ("no label", "refused")),
    ("empty", "empty", ("empty",)),
    ("cut", "truncated", ("truncated",)),
)
"""The parts of a bar: class in the style sheet, name, and modes (see `ninefold.analysis.failures.Mode`)."""


@dataclass(frozen=True, slots=True)
class Bar:
    """The outcomes of all answers of an entry."""

    parts: tuple[tuple[str, float], ...]
    """Class and fraction of each part that is not empty."""
    invalid: str
    """Fraction of answers without a label, as text; empty if there are none."""
    words: str
    """All outcomes in words, wrong labels by their place."""


@dataclass(frozen=True, slots=True)
class BarRow:
    """A row of bars: a model under a condition, one bar for each test."""

    model: str
    """Title of the model."""
    condition: str
    """Title of the condition."""
    bars: tuple[Bar | None, ...]
    """One bar for each test; None where no run is done."""


def tables(results: StudyResults, entries: Sequence[Entry]) -> list[tuple[str, list[BarRow]]]:
    """Return the rows of bars by title of the model."""
    by_key = {entry.key: entry.failures for entry in entries}
    found = []
    for model in results.record.models:
        rows = []
        for condition in results.record.conditions:
            each = [by_key[model.name, condition.name, test.name] for test in results.record.tests]
            if any(each):
                bars = tuple(None if one is None else _bar(one) for one in each)
                rows.append(BarRow(model.title, condition.title, bars))
        if rows:
            found.append((model.title, rows))
    return found


def _bar(found: Failures) -> Bar:
    counts = {"right": found.right, **{str(mode): number for mode, number in found.modes.items()}}
    parts = [(name, sum(counts[mode] for mode in modes) / found.n) for name, _, modes in LEGEND]
    told = [f"{mode} {percent(number / found.n, 1)}" for mode, number in counts.items() if number]
    return Bar(
        tuple((name, share) for name, share in parts if share),
        percent(found.invalid / found.n, 1) if found.invalid else "",
        ", ".join(told),
    )
