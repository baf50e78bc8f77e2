"""Examples with the answers of runs, ready to show: what galleries are made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ninefold.space import Cell
from ninefold.web.wording import excerpt

LONG = 16
"""Largest number of characters of a run's name that stands beside its answer; a longer one stands above it."""

TEXT = 1000
"""Largest number of characters shown of a text."""


@dataclass(frozen=True, slots=True)
class ShownAnswer:
    """The answer of one run."""

    name: str
    """The run's name."""
    text: str
    """The exact text of the answer, its first `TEXT` characters."""
    is_right: bool
    """Whether it is right."""
    kind: str
    """The outcome of reading it (see `ninefold.types.AnswerKind`)."""
    note: str = ""
    """What else is known of it, such as the option that a letter stands for; empty for nothing."""

    @classmethod
    def of(cls, name: str, row: Mapping[str, Any], note: str = "") -> "ShownAnswer":
        """Return the answer in a row of a score table.

        Args:
            name: The run's name.
            row: Its text, kind and label, and whether it is correct.
            note: What else is known of it.
        """
        label = row["label"] if row["kind"] == "label" else None
        stands_for = label if label and label.casefold() not in row["text"].casefold() else ""
        notes = [excerpt(stands_for, TEXT), note]
        return cls(name, excerpt(row["text"], TEXT), bool(row["correct"]), row["kind"], ", ".join(filter(None, notes)))


@dataclass(frozen=True, slots=True)
class ShownExample:
    """One example, ready to show."""

    id: str
    """The example's id."""
    question: str
    """The question alone."""
    answer: str
    """The right answer."""
    cell: Cell | None
    """The target's cell, if the set has positions."""
    answers: tuple[ShownAnswer, ...]
    """The answers of the runs."""
    picture: int | None
    """Index of its thumbnail among the page's pictures; None if the data set cannot be read."""
    frame: tuple[float, float, float, float] | None
    """Left, top, width and height of the target's box, or of its cell, as percentages of the image."""

    @property
    def has_long_names(self) -> bool:
        """Return whether a run's name is too long to stand beside its answer."""
        return any(len(answer.name) > LONG for answer in self.answers)
