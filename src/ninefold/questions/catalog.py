"""The catalog of questions and answer formats by name: a new one is a file of this room and a line here.

Users add their own with `register_question` and `register_format`, from any file.
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from ninefold.errors import DesignError
from ninefold.questions.absolute_position import AbsolutePosition
from ninefold.questions.attribute import COLOR, SHAPE
from ninefold.questions.axis_position import HORIZONTAL, VERTICAL
from ninefold.questions.formats.labels import Labels
from ninefold.questions.formats.letters import Letters
from ninefold.questions.formats.short_text import ShortText
from ninefold.questions.formats.true_false import TrueFalse
from ninefold.types import AnswerFormat, Question

_SHIPPED_FORMATS: tuple[AnswerFormat, ...] = (Labels(), TrueFalse(), Letters(), ShortText())
_SHIPPED_QUESTIONS: tuple[Question, ...] = (AbsolutePosition(), HORIZONTAL, VERTICAL, COLOR, SHAPE)

FORMATS: dict[str, AnswerFormat] = {format.name: format for format in _SHIPPED_FORMATS}
"""The answer formats by the name that examples store in ``answer_format``."""

QUESTIONS: dict[str, Question] = {question.name: question for question in _SHIPPED_QUESTIONS}
"""The questions by the name that ``--question`` takes."""


def find_question(name: str) -> Question:
    """Return a question by name.

    Raises:
        DesignError: If there is none; the message lists similar names.
    """
    if name not in QUESTIONS:
        raise DesignError(unknown("question", name, QUESTIONS))
    return QUESTIONS[name]


def find_format(name: str) -> AnswerFormat:
    """Return an answer format by name.

    Raises:
        DesignError: If there is none; the message lists similar names.
    """
    if name not in FORMATS:
        raise DesignError(unknown("answer format", name, FORMATS))
    return FORMATS[name]


def register_question(question: Question) -> None:
    """Register a question under its name; an earlier registration of that name is replaced.

    Raises:
        DesignError: If ninefold itself has a question of this name, or the labels or the answer format cannot be used.
    """
    if question.name in {shipped.name for shipped in _SHIPPED_QUESTIONS}:
        raise DesignError(f"question {question.name!r}: ninefold has one of this name; choose another")
    labels: object = question.labels
    if not isinstance(labels, tuple | list) or not all(isinstance(label, str) and label.strip() for label in labels):
        raise DesignError(f"question {question.name!r}: its labels must be a tuple of strings, none of them empty")
    if len(labels) < 2 or len(set(labels)) < len(labels):
        raise DesignError(f"question {question.name!r}: its labels must be two or more, and all different")
    wrong = misread(find_format(question.answer_format), tuple(labels))
    if wrong is not None:
        raise DesignError(
            f"question {question.name!r}: the answer format {question.answer_format} does not read the label {wrong!r} "
            "as itself; choose labels that it can tell apart, or another format"
        )
    QUESTIONS[question.name] = question


def register_format(format: AnswerFormat) -> None:
    """Register an answer format under its name; an earlier registration of that name is replaced.

    Raises:
        DesignError: If ninefold itself has a format of this name.
    """
    if format.name in {shipped.name for shipped in _SHIPPED_FORMATS}:
        raise DesignError(f"answer format {format.name!r}: ninefold has one of this name; choose another")
    FORMATS[format.name] = format


def misread(format: AnswerFormat, options: Sequence[str]) -> str | None:
    """Return the first option that a format does not read as itself, or None; no model could answer it."""
    return next((option for option in options if format.read(option, options).label != option), None)


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Return the error message for an unknown name, with similar and all known names."""
    names = list(known)
    near = get_close_matches(name, names, n=2)
    hint = f"; did you mean {' or '.join(near)}?" if near else ";"
    return f"unknown {kind} {name!r}{hint} known: {', '.join(names)} (your own: --plugin FILE)"
