"""Facts of COCO rows: a row, its box and its photo must agree."""

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ninefold.data.checks.facts import Columns, Fact, SourceFacts, need
from ninefold.data.sources.coco.annotations import plain_id, truncated
from ninefold.data.sources.coco.boxes import box_problem
from ninefold.data.sources.coco.entries import is_category, is_name, is_size, stays_below
from ninefold.data.sources.coco.ids import id_of, rank
from ninefold.data.sources.option_facts import listed_orders, of_question, option_facts
from ninefold.space import Box, Cell, border_distance, cell_of_box, label_of_cell
from ninefold.types import BoxQuestion

BOX_COLUMNS = {
    "image_id": "the photo's id in the annotation file",
    "file_name": "the photo's file name",
    "category": "the category asked for, by its raw name",
    "box_x": "left edge of its box in pixels, as the annotation file gives it",
    "box_y": "top edge of its box in pixels",
    "box_w": "width of its box in pixels",
    "box_h": "height of its box in pixels",
    "border_distance": "distance of the box's center to the nearest border between regions; 1 is a side of the photo",
    "image_width": "width of the photo in pixels",
    "image_height": "height of the photo in pixels",
    "region": "the region that the box's center lies in, of nine",
    "cell_row": "row of its cell of 9 x 9, downward from 0",
    "cell_col": "column of its cell, rightward from 0",
}
"""Meaning of the factors that these facts concern."""

_BOX = ("box_x", "box_y", "box_w", "box_h", "image_width", "image_height")
_RULES = {
    False: "computed exactly from the box's own numbers",
    True: "the box's numbers cut to integers as the paper's authors do",
}


def facts_of(question: BoxQuestion, *, seed: int, truncate: bool, truth: str = "answer") -> SourceFacts:
    """Return the facts of any set that asks a question of boxes; see `box_facts`.

    Args:
        question: The question.
        seed: Seed of the option orders.
        truncate: Whether cells and answers follow from boxes truncated to integers.
        truth: The column that holds the right answer.
    """
    return SourceFacts(
        rows=(
            *option_facts(question, listed_orders(question, seed)),
            *box_facts(question, truncate=truncate, truth=truth),
        ),
        manifest={**of_question(question), "clustering": "group"},
        images=SizeCheck,
        prepare=with_things,
    )


def box_facts(question: BoxQuestion, *, truncate: bool, truth: str = "answer") -> tuple[Fact, ...]:
    """Return the facts of rows that ask a question of a box.

    Args:
        question: The question.
        truncate: Whether cells and answers follow from boxes truncated to integers, or from their exact numbers.
        truth: The column that holds the right answer.
    """
    rule = truncated if truncate else (lambda box: box)
    return (
        Fact("the image id is one that an annotation file can have", ("image_id",),
             lambda image: str(id_of(image)) == str(image)),
        Fact("the category is a name in printable letters", ("category",), is_category),
        Fact("the id is that of image and category, with a number if it was taken", ("id", "image_id", "category"),
             lambda name, image, category: _is_id(name, plain_id(image, category))),
        Fact("file_name stays below the folder of photos", ("file_name",),
             lambda name: is_name(name) and stays_below(name)),
        Fact("all rows of its image id show one picture", ("pictures of this image id",), lambda count: count == 1),
        Fact("all rows of its picture have one image id", ("image ids of this picture",), lambda count: count == 1),
        Fact("rows are in the order of image ids", ("follows by image id",), bool),
        Fact("rows of one image are in one order of categories in all images", ("follows by category",), bool),
        Fact("the photo has a size", ("image_width", "image_height"), is_size),
        Fact("the box has an area, and its center is in the photo", _BOX,
             lambda x, y, w, h, width, height: not box_problem(Box(x, y, w, h), width, height)),
        Fact("no other row asks for the same category in the same image", ("rows of this thing",),
             lambda rows: rows == 1),
        Fact("the group is the image's id", ("group", "image_id"), lambda group, image: group == str(image)),
        Fact(f"the cell is that of the box's center, {_RULES[truncate]}", ("cell_row", "cell_col", *_BOX),
             lambda row, col, x, y, w, h, width, height:
                 cell_of_box(rule(Box(x, y, w, h)), width, height) == (row, col)),
        Fact("region is the one that the cell lies in", ("region", "cell_row", "cell_col"),
             lambda region, row, col: label_of_cell(Cell(row, col)) == region),
        Fact("the question names the category", ("question", "category"),
             lambda asked, category: category in asked),
        Fact(f"question and {truth} are those of {question.name} for the box", ("question", truth, "category", *_BOX),
             lambda asked, answer, category, x, y, w, h, width, height:
                 question.ask_box(category, rule(Box(x, y, w, h)), width, height) == (asked, answer)),
        Fact("border_distance is that of the box's center", ("border_distance", *_BOX),
             lambda distance, x, y, w, h, width, height:
                 abs(border_distance(Box(x, y, w, h), width, height) - distance) < 1e-9),
    )  # fmt: skip


def with_things(columns: Columns, where: str) -> Columns:
    """Add to a split's columns what its rows are together: how often things and pictures occur, and their order.

    Raises:
        DataError: If a column is missing.
    """
    need(columns, ("image_id", "category"), where)
    images, pictures = columns["image_id"], columns["manifest pixels"]
    things = list(zip(columns["image_id"], columns["category"], strict=True))
    counts = Counter(things)
    return columns | {
        "rows of this thing": [counts[thing] for thing in things],
        "pictures of this image id": _different(images, pictures),
        "image ids of this picture": _different(pictures, images),
        "follows by image id": _rise([rank("" if (key := id_of(image)) is None else key) for image in images]),
        "follows by category": _in_one_order(things),
    }


def _is_id(name: str, plain: str) -> bool:
    return name == plain or (
        name.startswith(plain) and bool(re.fullmatch(r"~([2-9]|[1-9]\d+)", name[len(plain) :], re.ASCII))
    )


def _different(keys: Iterable[Hashable], values: Iterable[Hashable]) -> list[int]:
    """Return for each key how many different values it occurs with."""
    keys = list(keys)
    counts = Counter(key for key, _ in set(zip(keys, values, strict=True)))
    return [counts[key] for key in keys]


def _rise(ranks: Sequence[Any]) -> list[bool]:
    """Return for each rank whether it is no lower than the one before."""
    return [True, *(before <= rank for before, rank in pairwise(ranks))][: len(ranks)]


def _in_one_order(things: Sequence[tuple[Any, str]]) -> list[bool]:
    """Return for each image and category whether some order of all categories puts it behind the row before."""
    steps: list[tuple[str, str] | None] = [
        (one[1], other[1]) if one[0] == other[0] else None for one, other in pairwise(things)
    ]
    before: dict[str, set[str]] = {}
    for one, other in filter(None, steps):
        before.setdefault(other, set()).add(one)
    broken: set[tuple[str, str]] = set()
    try:
        TopologicalSorter(before).prepare()
    except CycleError as error:
        broken = set(pairwise(error.args[1]))
    return [True, *(step not in broken for step in steps)][: len(things)]


class SizeCheck:
    """The check that a photo has the size in its row."""

    columns: tuple[str, ...] = ("image_width", "image_height")
    sentences: tuple[str, ...] = ("the decoded image is as large as the row says",)

    def broken(self, rgb: NDArray[np.uint8], row: Mapping[str, Any]) -> str:
        """Return the claim that an image breaks, or ""."""
        height, width = rgb.shape[:2]
        return "" if (row["image_width"], row["image_height"]) == (width, height) else self.sentences[0]
