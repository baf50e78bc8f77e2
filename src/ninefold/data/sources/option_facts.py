"""Facts of sources that ask one question and list its labels in the orders of a design."""

from typing import Any

from ninefold.data.checks.facts import Columns, Fact, need
from ninefold.questions.prompt import prompt
from ninefold.types import Question

OPTION_COLUMNS = {
    "order": "number of the option order that is used",
    "slot": "position of the answer among the options, from 0",
}
"""Meaning of the factors that these facts concern."""


def option_facts(question: Question) -> tuple[Fact, ...]:
    """Return the facts of a question's options; they need the columns of `with_orders`."""
    labels = sorted(question.labels)
    return (
        Fact("the options are the labels of the question, each once", ("options",), lambda o: sorted(o) == labels),
        Fact(
            "the prompt is the instruction, the question and the options in one line",
            ("prompt", "question", "options"),
            lambda text, asked, options: text == prompt(asked, options),
        ),
        Fact(
            "slot is the position of the answer among the options", ("slot", "answer", "options"),
            lambda slot, answer, options: options.index(answer) == slot,
        ),
        Fact(
            "rows of one order number list their options alike", ("options", "options of this order"),
            lambda options, first: options == first,
        ),
        Fact(
            "the answers are read in the question's format", ("answer_format",),
            lambda name: name == question.answer_format,
        ),
    )  # fmt: skip


def with_orders(columns: Columns, where: str) -> Columns:
    """Add to a split's columns the options of the first row that has the same ``order``.

    Raises:
        DataError: If the column ``order`` is missing.
    """
    need(columns, ("order",), where)
    first: dict[Any, list[str]] = {}
    pairs = zip(columns["order"], columns["options"], strict=True)
    return columns | {"options of this order": [first.setdefault(order, options) for order, options in pairs]}
