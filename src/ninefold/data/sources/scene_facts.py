"""Facts of sources whose images are drawn scenes: a row, its scene and its pixels must agree."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ninefold.data.checks.facts import Columns, Fact, need
from ninefold.errors import DataError
from ninefold.questions.asking import ask
from ninefold.scenes.vocabulary import COLORS
from ninefold.space import Cell, cell_of_point, label_of_cell
from ninefold.store import canonical_json
from ninefold.types import Question, Scene, Thing

SCENE_COLUMNS = {
    "object": "look of the thing asked for: its color and shape",
    "shape": "its shape",
    "color": "its color",
    "size": "its size: large, or small with half the height and width",
    "region": "the region it stands in, of nine",
    "cell_row": "row of its cell, downward from 0",
    "cell_col": "column of its cell, rightward from 0",
    "distractors": "how many other things there are",
    "canvas": "side of the image in pixels",
    "grid": "cells along each side",
    "scene": "everything in the image as JSON, the thing asked for first",
}
"""Meaning of the factors that these facts concern."""


def scene_json(scene: Scene) -> str:
    """Return a scene as JSON, for a column of text."""
    things = [
        {"shape": thing.shape, "color": thing.color, "size": thing.size, "row": thing.cell.row, "col": thing.cell.col}
        for thing in scene.things
    ]
    plain = {"canvas": scene.canvas, "grid": scene.grid, "background": scene.background, "antialias": scene.antialias}
    return canonical_json({**plain, "things": things})


def with_scenes(columns: Columns, where: str) -> Columns:
    """Add to a split's columns their parsed scenes: the whole ``drawing``, and the ``things`` in it.

    Raises:
        DataError: If the column ``scene`` is missing, or a scene is not JSON; the message names the row.
    """
    need(columns, ("scene",), where)
    drawings = [_parse(*row, where) for row in zip(columns["id"], columns["scene"], strict=True)]
    return columns | {"drawing": drawings, "things": [drawing["things"] for drawing in drawings]}


def _parse(row_id: str, scene: str, where: str) -> dict[str, Any]:
    try:
        drawing: dict[str, Any] = json.loads(scene)
        if drawing["things"]:
            return drawing
    except (ValueError, TypeError, KeyError):
        pass
    raise DataError(f"{where}: row {row_id}: its scene is not readable as JSON with things in it")


def scene_facts(question: Question) -> tuple[Fact, ...]:
    """Return the facts of rows that ask a question of a scene; they need the columns of `with_scenes`."""
    return (
        Fact("region is the one that the cell lies in", ("region", "cell_row", "cell_col", "grid"),
             lambda region, row, col, grid: label_of_cell(Cell(row, col), grid) == region),
        Fact("object is color and shape", ("object", "color", "shape"),
             lambda look, color, shape: look == f"{color} {shape}"),
        Fact("the scene has colors of the vocabulary only", ("drawing",),
             lambda drawing:
                 {drawing["background"], *(thing["color"] for thing in drawing["things"])} <= COLORS.keys()),
        Fact("the first thing of the scene is the one asked for, in the cell claimed",
             ("things", "shape", "color", "size", "cell_row", "cell_col"), _is_target),
        Fact(f"question and answer are those of {question.name} for the scene", ("question", "answer", "drawing"),
             lambda asked, answer, drawing: ask(question, _scene(drawing)) == (asked, answer)),
        Fact("no two things of a scene share a cell", ("things",),
             lambda things: len({(thing["row"], thing["col"]) for thing in things}) == len(things)),
        Fact("nothing else in the scene looks like the thing asked for", ("things",),
             lambda things: not any(_look(thing) == _look(things[0]) for thing in things[1:])),
        Fact("distractors counts the other things of the scene", ("things", "distractors"),
             lambda things, distractors: len(things) - 1 == distractors),
        Fact("canvas and grid are those of the scene", ("canvas", "grid", "drawing"),
             lambda canvas, grid, drawing: (drawing["canvas"], drawing["grid"]) == (canvas, grid)),
    )  # fmt: skip


def _is_target(things: list[dict[str, Any]], *claimed: str | int) -> bool:
    return tuple(things[0][key] for key in ("shape", "color", "size", "row", "col")) == claimed


def _look(thing: Mapping[str, Any]) -> tuple[str, str]:
    return thing["color"], thing["shape"]


def _scene(drawing: Mapping[str, Any]) -> Scene:
    things = tuple(
        Thing(thing["shape"], thing["color"], thing["size"], Cell(thing["row"], thing["col"]))
        for thing in drawing["things"]
    )
    return Scene(things, canvas=drawing["canvas"], grid=drawing["grid"])


SIZED = "the decoded image is as large as the row says"
COLORED = "every pixel that is not background lies in the cell of a thing of the scene and has that thing's color"
CENTERED = "the center of the target's pixels lies in the claimed cell of the image"
ALIKE = "things of one shape and size have one silhouette, and no others have it"
"""The claims about a drawn image. With anti-aliased edges, colors may be mixed with the background's."""


class SceneCheck:
    """The check that an image shows its scene: cells are ``canvas // grid`` pixels wide, centered in the image."""

    columns: tuple[str, ...] = ("scene",)
    sentences: tuple[str, ...] = (SIZED, COLORED, CENTERED, ALIKE)

    def __init__(self) -> None:
        self._silhouettes: dict[bytes, tuple[str, str, int]] = {}
        """Shape, size and a cell's side in pixels, by silhouette seen so far."""

    def broken(self, rgb: NDArray[np.uint8], row: Mapping[str, Any]) -> str:
        """Return the claim that an image breaks, or ""."""
        scene = json.loads(row["scene"])
        canvas, grid, things = scene["canvas"], scene["grid"], scene["things"]
        if rgb.shape != (canvas, canvas, 3):
            return SIZED
        background = np.array(COLORS[scene["background"]], np.uint8)
        red, green, blue = (rgb[:, :, channel] != background[channel] for channel in range(3))
        ink = red | green | blue  # an order of magnitude faster than any(axis=2)
        side = canvas // grid
        start = round((canvas - side * grid) / 2)
        seen = 0
        for number, thing in enumerate(things):
            top, left = start + thing["row"] * side, start + thing["col"] * side
            area = np.s_[top : top + side, left : left + side]
            shape = ink[area]
            seen += int(np.count_nonzero(shape))
            if not shape.any() or not _colored(rgb[area][shape], background, thing["color"], scene["antialias"]):
                return COLORED
            rows, cols = np.flatnonzero(shape.any(axis=1)), np.flatnonzero(shape.any(axis=0))
            middle = (left + (cols[0] + cols[-1] + 1) / 2, top + (rows[0] + rows[-1] + 1) / 2)
            if number == 0 and cell_of_point(*middle, canvas, canvas, grid) != (thing["row"], thing["col"]):
                return CENTERED
            drawn = (thing["shape"], thing["size"], side)
            if self._silhouettes.setdefault(np.packbits(shape).tobytes(), drawn) != drawn:
                return ALIKE
        if seen != np.count_nonzero(ink):
            return COLORED
        return "" if len(self._silhouettes) == len(set(self._silhouettes.values())) else ALIKE


def _colored(pixels: NDArray[np.uint8], background: NDArray[np.uint8], color: str, antialias: bool) -> bool:
    full = np.array(COLORS[color], float)
    if not antialias:
        return bool((pixels == full).all())
    span = full - background
    share = ((pixels - background.astype(float)) @ span / (span @ span))[:, None]
    return bool((abs(background + share * span - pixels) <= 1).all() and (share <= 1.01).all())
