"""Facts of sources that ask one question and list its labels in the orders of a design."""

from collections.abc import Sequence
from typing import Any

from ninefold.data.checks.facts import Fact
from ninefold.design import option_orders
from ninefold.questions.prompt import prompt
from ninefold.types import Question

OPTION_COLUMNS = {
    "order": "number of the option order that is used",
    "slot": "position of the answer among the options, from 0",
}
"""Meaning of the factors that these facts concern."""


def option_facts(question: Question, orders: Sequence[Sequence[str]]) -> tuple[Fact, ...]:
    """Return the facts of a question's options.

    Args:
        question: The question of all rows.
        orders: The options of each order, by number.
    """
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
            "the options are listed in the order of that number, for the seed of the specification",
            ("options", "order"), lambda options, order: order >= 0 and tuple(options) == tuple(orders[order]),
        ),
        Fact(
            "the answers are read in the question's format", ("answer_format",),
            lambda name: name == question.answer_format,
        ),
    )  # fmt: skip


def of_question(question: Question) -> dict[str, Any]:
    """Return the values in the manifest that follow from the question that all rows ask."""
    return {"labels": tuple(question.labels), "answer_format": question.answer_format}


def listed_orders(question: Question, seed: int) -> list[tuple[str, ...]]:
    """Return the options of each order of a seed, by number."""
    return [tuple(question.labels[label] for label in order) for order in option_orders(seed, len(question.labels))]
