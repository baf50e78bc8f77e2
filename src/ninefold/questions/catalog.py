"""The kinds of question, by name; a new kind is one file of this room and one line here."""

from ninefold.questions.absolute_position import AbsolutePosition
from ninefold.types import Question

QUESTIONS: dict[str, Question] = {
    "absolute_position": AbsolutePosition(),
}
"""Every kind of question; the key is the ``answer_format`` stored with its examples."""
