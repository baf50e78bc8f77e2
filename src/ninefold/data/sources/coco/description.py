"""The description of a COCO set in its card."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ninefold.data.sources.coco.boxes import Unit
from ninefold.types import Question

if TYPE_CHECKING:
    from ninefold.data.sources.coco.source import CocoSpec

_UNITS: dict[Unit, str] = {"fraction": "fractions", "percent": "percent"}


def description(question: Question, spec: "CocoSpec", balances: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the text of a set's card.

    Args:
        question: The question asked.
        spec: The specification.
        balances: The balance of each split of a subset (see `subset.balance`); none without a subset.
    """
    numbers = (
        "exactly as written" if spec.boxes == "pixels" else f"scaled from {_UNITS[spec.boxes]} of the photo to pixels"
    )
    if spec.truncate:
        cut = "cut to integers, as the paper's authors do"
        numbers = cut if spec.boxes == "pixels" else f"{numbers} and {cut}"
    text = (
        "Where in the photo is it? Each question asks for the only thing of its category in a COCO photo: all "
        "annotations of a category are counted, crowds included, and a category with exactly one is kept (Rizzoli et "
        f"al. 2025). The answer is one of {len(question.labels)} labels: {', '.join(question.labels)}. It is the one "
        f"for the center of the thing's box, its numbers {numbers}; a center on a border belongs to what is on its "
        "right or below it."
    )
    return "\n\n".join([text, *_held_out(spec), *_balanced(spec, balances)])


def _held_out(spec: "CocoSpec") -> Iterator[str]:
    if spec.split == "train" and spec.holdout == "question":
        yield (
            "Validation holds out single questions, as the paper's counts suggest, and not whole photos: **photos of "
            "the train split are in the validation split too**, as many as `certificate.json` says. A loss on "
            "validation is therefore none on new photos."
        )


def _balanced(spec: "CocoSpec", balances: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    if not balances:
        return
    from ninefold.data.sources.coco.subset import balance_table

    answers = next(iter(next(iter(balances.values()))))
    chosen = f"These {spec.subset:,} questions are"
    if "validation" in balances:
        chosen = f"The {spec.subset:,} questions to train on, and a quarter as many for validation, are"
    yield f"{chosen} chosen to be even in {answers} and category, as nearly as the photos allow:"
    for split, balance in balances.items():
        yield (f"In {split}:\n\n" if len(balances) > 1 else "") + balance_table(balance)
