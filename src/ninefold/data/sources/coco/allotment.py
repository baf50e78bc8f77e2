"""The allotment of targets to splits, and of option orders to questions."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

from ninefold.data.sources.coco.annotations import Instance
from ninefold.errors import DataError

Holdout = Literal["image", "question"]
"""The unit that validation holds out: whole photos, or single questions, of which one photo has several."""


def held_out(targets: Sequence[Instance], seed: int, by: Holdout = "image") -> dict[str, list[Instance]]:
    """Return the splits "train", of four fifths, and "validation", of the rest.

    Args:
        targets: All targets.
        seed: Seed of the choice.
        by: The unit held out: photos, because questions about one photo are not independent, or single questions.

    Raises:
        DataError: If there are fewer than five photos, or questions.
    """
    from ninefold.seeding import rng

    units: list[Any] = [target.photo for target in targets] if by == "image" else list(range(len(targets)))
    order = sorted(set(units))
    if len(order) < 5:
        named = "photos to ask about" if by == "image" else "questions"
        raise DataError(f"{len(order)} {named}; --split train needs at least 5")
    draw = rng(seed, "coco holdout") if by == "image" else rng(seed, "coco holdout", by)
    # Questions as the paper counts them: 161,086 of 201,358 are four fifths, rounded down.
    count = len(order) // 5 if by == "image" else len(order) - 4 * len(order) // 5
    held = {order[index] for index in draw.permutation(len(order))[:count].tolist()}
    parts: dict[str, list[Instance]] = {"train": [], "validation": []}
    for target, unit in zip(targets, units, strict=True):
        parts["validation" if unit in held else "train"].append(target)
    return parts


def deal(categories: Sequence[str], answers: Sequence[str], orders: int) -> list[int]:
    """Return each question's option order.

    Orders are assigned cyclically within each answer, one category after another. Each answer then meets each order,
    and with it each slot, equally often; each pair of answer and category does as far as the numbers allow. All answers
    begin with the same order: a category then meets an order with many answers, and its text gives less away.
    """
    dealt: Counter[str] = Counter()
    chosen = [0] * len(answers)
    for index in sorted(range(len(answers)), key=lambda index: categories[index]):
        chosen[index] = dealt[answers[index]] % orders
        dealt[answers[index]] += 1
    return chosen
