"""The allotment of targets to splits, and of option orders to questions."""

from collections import Counter
from collections.abc import Sequence

from ninefold.data.sources.coco.annotations import Instance
from ninefold.errors import DataError


def held_out(targets: Sequence[Instance], seed: int) -> dict[str, list[Instance]]:
    """Return the splits "train", of four fifths of the photos, and "validation".

    They are split by photo, because questions about one photo are not independent.

    Raises:
        DataError: If there are fewer than five photos.
    """
    from ninefold.seeding import rng

    photos = sorted({target.photo for target in targets})
    if len(photos) < 5:
        raise DataError(f"{len(photos)} photos to ask about; --split train needs at least 5")
    draw = rng(seed, "coco holdout")
    held = {photos[index] for index in draw.permutation(len(photos))[: len(photos) // 5].tolist()}
    return {
        "train": [target for target in targets if target.photo not in held],
        "validation": [target for target in targets if target.photo in held],
    }


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
