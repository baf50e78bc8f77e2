"""The layouts of Tables 1 to 7 of Rizzoli et al. 2025: what each row and column shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ninefold.runs.study import BASE

Shown = Literal["deviation", "change", "change alone"]
"""What a cell shows beside the mean: the deviation over seeds or the change against the base; or the change alone."""


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    condition: str | None
    """Name of the condition; None if that of the row."""
    test: str
    """Name of the test; "synthetic-N" stands for the one with as many distractors as the condition."""
    shown: Shown = "deviation"
    """What its cells show."""
    head: str | None = None
    """Head; None for the title of the test."""


@dataclass(frozen=True)
class Layout:
    """A table's rows and columns. Each model has one row, or one for each condition."""

    number: int | None
    """Number in the paper; None for a table that it does not have."""
    title: str
    """First sentence of the caption; "{synthetic}" is that condition's title, "{test synthetic}" that test's."""
    columns: Sequence[Column]
    """Columns."""
    conditions: Sequence[str] = ()
    """Names of the conditions that each have a row; empty for one row a model."""


WITH_N = "synthetic-N"
"""The test with as many distractors as the training set."""

_N = {f"distractors-{n}": f"synthetic-{n}" for n in (1, 3, 5)}

CONDITIONS = {
    "base": "base",
    "synthetic": "Synthetic",
    **{f"distractors-{n}": f"+ {n} distractor{'s' if n > 1 else ''}" for n in (1, 3, 5)},
    "coco-complete": "COCO Complete",
    "coco-subset": "COCO Subset",
}
"""Titles of the paper's conditions, where a study has none."""

TESTS = {
    "synthetic": "Synthetic",
    WITH_N: "Synthetic + N",
    **{f"synthetic-{n}": f"Synthetic + {n}" for n in (1, 3, 5)},
    "coco": "COCO",
}
"""Titles of the paper's tests, where a study has none."""


def test_of(column: Column, condition: str) -> str | None:
    """Return the name of the test of a cell; None if the condition has none."""
    return _N.get(condition) if column.test == WITH_N else column.test


def _on_both(*conditions: str, shown: Shown) -> tuple[Column, ...]:
    return tuple(Column(condition, test, shown) for condition in conditions for test in ("synthetic", "coco"))


LAYOUTS = (
    Layout(
        1,
        "Accuracy on “{test synthetic}” after fine-tuning on “{synthetic}”",
        (
            Column("synthetic", "synthetic", head="accuracy"),
            Column("synthetic", "synthetic", "change alone", "gain"),
        ),
    ),
    Layout(
        2,
        "Accuracy after fine-tuning on “{synthetic}” or “{coco-complete}”, with the change against the base",
        _on_both("synthetic", "coco-complete", shown="change"),
    ),
    Layout(
        3,
        "Accuracy after fine-tuning on “{coco-subset}”, with the change against the base",
        _on_both("coco-subset", shown="change"),
    ),
    Layout(
        4,
        "Accuracy after fine-tuning on scenes with distractors, with the change against the base",
        _on_both("synthetic", "distractors-3", "distractors-5", shown="change"),
    ),
    Layout(
        5,
        "Accuracy before and after fine-tuning on “{synthetic}” or “{coco-complete}”",
        _on_both(BASE, "synthetic", "coco-complete", shown="deviation"),
    ),
    Layout(
        6,
        "Accuracy after fine-tuning on “{coco-subset}”",
        _on_both("coco-subset", shown="deviation"),
    ),
    Layout(
        7,
        "Accuracy by number of distractors in the training set (N) and in the test",
        tuple(Column(None, test) for test in ("synthetic", WITH_N, "synthetic-5", "coco")),
        (BASE, "synthetic", "distractors-1", "distractors-3", "distractors-5"),
    ),
)
"""The seven tables."""
