"""The words of questions about the relation of two things, and the rule that decides it from their boxes."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from ninefold.data.sources.coco.general_questions import lettered
from ninefold.space import Box

Direction = Literal["left", "right", "above", "below"]
"""Where a thing lies, seen from another one."""

DIRECTIONS: tuple[Direction, ...] = ("left", "right", "above", "below")

OPPOSITE: Mapping[Direction, Direction] = {"left": "right", "right": "left", "above": "below", "below": "above"}

Form = Literal["true-false", "letters", "words"]
"""The form of the questions: a statement, as in VSR; four statements with letters, as in What's Up; or which of two."""

FORMATS: Mapping[Form, str] = {"true-false": "true_false", "letters": "letters", "words": "labels"}
"""Name of each form's answer format."""

TEXTS: Mapping[Form, str] = {
    "true-false": (
        'Is it true? Each question is a statement, such as "The dog is left of the bench.", in the form of VSR (Liu '
        "et al. 2023). Each statement is true of as many photos as it is false of, and each photo has as many true as "
        "false ones: neither the text alone nor the photo alone tells the answer."
    ),
    "letters": (
        "Which is true? Each question offers four statements about the same two things, which differ in the relation "
        "alone, in the manner of What's Up (Kamath et al. 2023). Of each two things every relation is true equally "
        "often, and each answer stands at each letter equally often: the text alone does not tell the answer."
    ),
    "words": (
        "Which of two? Each question offers two opposites, as in "
        '"Is the dog to the left or to the right of the bench?". Of each two things both are right equally often: the '
        "text alone does not tell the answer."
    ),
}
"""Description of each form."""

_CHOICE = {
    "left": "to the left or to the right of",
    "right": "to the left or to the right of",
    "above": "above or below",
    "below": "above or below",
}


class Wording(NamedTuple):
    """A question with what is needed to ask it."""

    question: str
    """The question alone."""
    prompt: str
    """The exact text for the model."""
    options: tuple[str, ...]
    """The answers offered."""


def direction(box: Box, other: Box) -> Direction | None:
    """Return where a box lies, seen from another one; None where two directions can be meant.

    The centers are at least twice as far apart on one axis as on the other, and the boxes do not overlap on it.
    """
    across, down = (box.x + box.w / 2) - (other.x + other.w / 2), (box.y + box.h / 2) - (other.y + other.h / 2)
    if abs(across) >= 2 * abs(down) and _apart(box.x, box.w, other.x, other.w):
        return "left" if across < 0 else "right"
    if abs(down) >= 2 * abs(across) and _apart(box.y, box.h, other.y, other.h):
        return "above" if down < 0 else "below"
    return None


def _apart(start: float, length: float, other: float, other_length: float) -> bool:
    return start + length <= other or other + other_length <= start


def statement(subject: str, said: Direction, other: str) -> str:
    """Return the statement of a relation.

    >>> statement("dog", "left", "bench")
    'The dog is left of the bench.'
    """
    return f"The {subject} is {said}{' of' if said in {'left', 'right'} else ''} the {other}."


def true_false(subject: str, said: Direction, other: str) -> Wording:
    """Return a statement with VSR's prompt."""
    text = statement(subject, said, other)
    return Wording(text, f"{text} True or False?", ("True", "False"))


def letters(subject: str, other: str, order: Sequence[int]) -> Wording:
    """Return the choice of four statements, in the order of their numbers in `DIRECTIONS`."""
    options = tuple(statement(subject, DIRECTIONS[number], other) for number in order)
    question = "Which is true of the picture?"
    return Wording(question, "\n".join((question, *lettered(options))), options)


def words(subject: str, true: Direction, other: str) -> Wording:
    """Return the question which of two opposites holds, in the words of the pairs that rules make from captions."""
    question = f"Is the {subject} {_CHOICE[true]} the {other}?"
    return Wording(question, question, ("left", "right") if true in {"left", "right"} else ("above", "below"))
