"""The description of a COCO set in its card."""

from collections.abc import Mapping
from typing import Any

from ninefold.data.sources.coco.boxes import Unit
from ninefold.types import Question

_UNITS: dict[Unit, str] = {"fraction": "fractions", "percent": "percent"}


def description(
    question: Question, unit: Unit, balance: Mapping[str, Any] | None, *, size: int | None, truncate: bool
) -> str:
    """Return the text of a set's card.

    Args:
        question: The question asked.
        unit: Unit of the annotation file's boxes.
        balance: The balance of a subset (see `subset.balance`); None without a subset.
        size: Number of questions of the subset.
        truncate: Whether boxes are truncated to integers.
    """
    numbers = "exactly as written" if unit == "pixels" else f"scaled from {_UNITS[unit]} of the photo to pixels"
    if truncate:
        cut = "cut to integers, as the paper's authors do"
        numbers = cut if unit == "pixels" else f"{numbers} and {cut}"
    text = (
        "Where in the photo is it? Each question asks for the only thing of its category in a COCO photo: all "
        "annotations of a category are counted, crowds included, and a category with exactly one is kept (Rizzoli et "
        f"al. 2025). The answer is one of {len(question.labels)} labels: {', '.join(question.labels)}. It is the one "
        f"for the center of the thing's box, its numbers {numbers}; a center on a border belongs to what is on its "
        "right or below it."
    )
    if balance is None or size is None:
        return text
    from ninefold.data.sources.coco.subset import balance_table

    answers = next(iter(balance))
    return f"""{text}

These {size:,} questions are chosen to be even in {answers} and category, as nearly as the photos allow:

{balance_table(balance)}"""
