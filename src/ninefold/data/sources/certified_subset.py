"""Certified subsets of a design: whole blocks in a fixed order, so that smaller subsets are parts of larger ones.

In a block, one text with one option order meets every answer once. Of whole blocks text alone says nothing about the
answer, however many they are; of single items chosen at random it does.
"""

from collections.abc import Callable, Hashable, Sequence
from itertools import chain

import numpy as np

from ninefold.design import Combination
from ninefold.errors import DesignError
from ninefold.seeding import rng

_FACTORS: tuple[Callable[[Combination], int], ...] = (
    lambda item: item.order,
    lambda item: item.size,
    lambda item: item.object,
    lambda item: item.cell.row << 32 | item.cell.col,
)
"""Factors whose levels a subset has as evenly as possible, the most important one first. With each option order
equally often, every answer is in every slot equally often."""


def certified(items: Sequence[Combination], size: int, labels: int, seed: int) -> list[Combination]:
    """Return a subset of whole blocks, in the given order of items.

    Args:
        items: A design in whole blocks: each has every answer once.
        size: Number of items to keep.
        labels: Number of answers.
        seed: Seed of the order in which blocks are added; with one seed, a smaller subset is part of a larger one.

    Raises:
        DesignError: If no number of whole blocks has this size; the message names the nearest sizes that some have.
    """
    if size % labels or not 0 < size <= len(items):
        around = (size // labels * labels, -(-size // labels) * labels)
        nearest = dict.fromkeys(min(max(near, labels), len(items)) for near in around)
        raise DesignError(
            f"--subset {size}: a subset in which text alone tells nothing is made of whole blocks of {labels}, at most "
            f"{len(items):,} examples; nearest: {' or '.join(map(str, nearest))}"
        )
    kept = {item for block in _in_turn(items, size // labels, seed) for item in block}
    return [item for item in items if item in kept]


def _in_turn(items: Sequence[Combination], count: int, seed: int) -> list[list[Combination]]:
    """Return the first blocks of an order whose every beginning has the levels of each factor as evenly as possible.

    The next block is the one whose levels were met least often so far; the seed decides between equal ones.
    """
    by_key: dict[Hashable, list[Combination]] = {}
    for item in items:
        by_key.setdefault((item.text, item.order, item.block), []).append(item)
    blocks = list(by_key.values())
    levels = [np.unique([factor(item) for item in chain(*blocks)], return_inverse=True)[1] for factor in _FACTORS]
    codes = [each.reshape(len(blocks), -1) for each in levels]
    met = [np.zeros(each.max() + 1, int) for each in codes]
    left = rng(seed, "subset").permutation(len(blocks))
    chosen: list[int] = []
    while len(chosen) < count:
        even = left
        for code, often in zip(codes, met, strict=True):
            seen = often[code[even]].sum(axis=1)
            even = even[seen == seen.min()]
        for code, often in zip(codes, met, strict=True):
            np.add.at(often, code[even[0]], 1)
        left = left[left != even[0]]
        chosen.append(int(even[0]))
    return [blocks[index] for index in chosen]
