"""What must hold of every row of a data set by itself: of its text, its answer, its scene and its pixels.

Nothing here knows how rows are made; each fact is checked on the columns of the shipped files. A fact applies wherever
its columns exist, so that rows of any source are held to all that their columns claim.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ninefold.errors import DataError
from ninefold.questions.catalog import FORMATS, unknown
from ninefold.scenes.vocabulary import COLORS
from ninefold.space import GRID, LABELS, Box, Cell, border_distance, cell_of_box, cell_of_point, label_of_cell

Columns = dict[str, list[Any]]
"""A table by column; every list has one value per row."""


class Fact(NamedTuple):
    """Something that holds of every row."""

    sentence: str
    """The fact in words, as the certificate states it."""
    columns: tuple[str, ...]
    """What it is about; where one of them is missing, it does not apply."""
    holds: Callable[..., bool]
    """Whether it holds of one row's values."""


def _labels_once(options: Sequence[str]) -> bool:
    return not options or sorted(options) == sorted(LABELS)


def _asked_then_offered(prompt: str, question: str, options: Sequence[str]) -> bool:
    _, found, rest = prompt.partition(question)
    return bool(found) and ", ".join(options) in rest


def _is_target(things: list[dict[str, Any]], *claimed: str | int) -> bool:
    return tuple(things[0][key] for key in ("shape", "color", "size", "row", "col")) == claimed


FACTS = (
    Fact("the answer is one of the options", ("answer", "options"), lambda answer, o: not o or answer in o),
    Fact("the options are the labels of the question, each once", ("options",), _labels_once),
    Fact(
        "the prompt holds the question and after it the options, in their order",
        ("prompt", "question", "options"),
        _asked_then_offered,
    ),
    Fact("slot is the place of the answer among the options", ("slot", "answer", "options"),
         lambda slot, answer, options: options.index(answer) == slot),
    Fact("rows of one order number list their options alike", ("options", "order's options"),
         lambda options, first: options == first),
    Fact("region is the one that the cell lies in", ("region", "cell_row", "cell_col", "grid"),
         lambda region, row, col, grid: label_of_cell(Cell(row, col), grid) == region),
    Fact("the answer is the region", ("answer", "region"), lambda answer, region: answer == region),
    Fact("the question names the object, by color and shape", ("question", "object", "color", "shape"),
         lambda question, look, color, shape: look == f"{color} {shape}" and look in question),
    Fact("the question names the category", ("question", "category"),
         lambda question, category: category in question),
    Fact("the scene has colors of the vocabulary only", ("drawing",),
         lambda drawing: {drawing["background"], *(thing["color"] for thing in drawing["things"])} <= COLORS.keys()),
    Fact("the first thing of the scene is the one asked for, in the cell claimed",
         ("things", "shape", "color", "size", "cell_row", "cell_col"), _is_target),
    Fact("no two things of a scene share a cell", ("things",),
         lambda things: len({(thing["row"], thing["col"]) for thing in things}) == len(things)),
    Fact("nothing else in the scene looks like the thing asked for", ("things",),
         lambda things: not any(_look(thing) == _look(things[0]) for thing in things[1:])),
    Fact("distractors counts the other things of the scene", ("things", "distractors"),
         lambda things, distractors: len(things) - 1 == distractors),
    Fact("canvas and grid are those of the scene", ("canvas", "grid", "drawing"),
         lambda canvas, grid, drawing: (drawing["canvas"], drawing["grid"]) == (canvas, grid)),
    Fact("the group is the picture's id", ("group", "image_id"), lambda group, image_id: group == str(image_id)),
    Fact("border_distance is that of the box's center",
         ("border_distance", "box_x", "box_y", "box_w", "box_h", "image_width", "image_height"),
         lambda distance, x, y, w, h, width, height:
             abs(border_distance(Box(x, y, w, h), width, height) - distance) < 1e-9),
)  # fmt: skip
"""All that holds of a row's columns."""

_BOX = ("cell_row", "cell_col", "box_x", "box_y", "box_w", "box_h", "image_width", "image_height")
EXACT_BOX = Fact(
    "the cell is that of the box's center, computed exactly from the box's own numbers",
    _BOX,
    lambda row, col, x, y, w, h, width, height: cell_of_box(Box(x, y, w, h), width, height) == (row, col),
)
TRUNCATED_BOX = Fact(
    "the cell is that of the box's center, the box's numbers cut to integers as the paper's authors do", _BOX,
    lambda row, col, x, y, w, h, width, height:
        cell_of_box(Box(int(x), int(y), int(w), int(h)), width, height) == (row, col),
)  # fmt: skip
"""How cells follow from boxes: the first rule, or the second where only that one holds of every row."""

LISTED = "the decoded picture is the one of the manifest"
SIZED = "the decoded picture is as large as the row says"
COLORED = "every pixel that is not background lies in the cell of a thing of the scene and has that thing's color"
CENTERED = "the center of the target's pixels lies in the claimed cell of the picture"
ALIKE = "things of one shape and size have one silhouette, and no others have it"
"""What is claimed of decoded pixels. Where edges are anti-aliased, colors may be mixed with that of the background."""

DRAWN_BY = ("scene", "image_width", "image_height")
"""Columns that say what a picture shows."""


def prepare(columns: Columns, where: str) -> Columns:
    """Add to a table what facts are about but no column says: parsed scenes, the usual grid, each order's options.

    Raises:
        DataError: If an answer format is unknown or a scene is no JSON.
    """
    rows = len(columns["id"])
    for position, name in enumerate(columns["answer_format"]):
        if name not in FORMATS:
            raise DataError(f"{where}: row {columns['id'][position]}: {unknown('answer format', name, FORMATS)}")
    added: Columns = {"grid": [GRID] * rows} if "cell_row" in columns and "grid" not in columns else {}
    if "order" in columns:
        first: dict[Any, list[str]] = {}
        pairs = zip(columns["order"], columns["options"], strict=True)
        added["order's options"] = [first.setdefault(order, options) for order, options in pairs]
    if "scene" in columns:
        added["drawing"] = [_parse(*row, where) for row in zip(columns["id"], columns["scene"], strict=True)]
        added["things"] = [drawing["things"] for drawing in added["drawing"]]
    return columns | added


def _parse(row_id: str, scene: str, where: str) -> dict[str, Any]:
    try:
        drawing: dict[str, Any] = json.loads(scene)
        if drawing["things"]:
            return drawing
    except (ValueError, TypeError, KeyError):
        pass
    raise DataError(f"{where}: row {row_id}: its scene is not readable as JSON with things in it")


def check_rows(columns: Columns, where: str) -> list[dict[str, Any]]:
    """Check every fact on every row.

    Args:
        columns: A prepared table (see `prepare`).
        where: What to call the table in an error.

    Returns:
        The facts that apply, with the number of rows each was checked on.

    Raises:
        DataError: If a fact does not hold; the message names the fact and the row.
    """
    stated = []
    for fact in (*FACTS, EXACT_BOX):
        if not all(name in columns for name in fact.columns):
            continue
        broken, sentence = _first_broken(fact, columns), fact.sentence
        if broken is not None and fact is EXACT_BOX and _first_broken(TRUNCATED_BOX, columns) is None:
            broken, sentence = None, TRUNCATED_BOX.sentence
        if broken is not None:
            raise DataError(f"{where}: row {broken}: broken: {sentence}")
        stated.append({"fact": sentence, "rows": len(columns["id"])})
    return stated


def _first_broken(fact: Fact, columns: Columns) -> str | None:
    values = zip(*(columns[name] for name in fact.columns), strict=True)
    return next((row_id for row_id, row in zip(columns["id"], values, strict=True) if not _holds(fact, row)), None)


def _holds(fact: Fact, row: Sequence[Any]) -> bool:
    try:
        return fact.holds(*row)
    except (ValueError, KeyError, IndexError, TypeError, ZeroDivisionError):
        return False  # a value of another kind than the column promises is a broken row like any other


def pixel_facts(columns: Columns) -> list[str]:
    """Return what is claimed of the pictures of a table."""
    if "scene" in columns:
        return [LISTED, SIZED, COLORED, CENTERED, ALIKE]
    return [LISTED, SIZED] if "image_width" in columns else [LISTED]


def check_pixels(rgb: NDArray[np.uint8], row: Mapping[str, Any], silhouettes: dict[bytes, tuple[str, str, int]]) -> str:
    """Check a decoded picture against what its row says of it.

    Args:
        rgb: (H, W, 3) pixels.
        row: The columns `DRAWN_BY` that the row has.
        silhouettes: Shape, size and pixels of a cell's side by silhouette, as seen so far; what is new is added.

    Returns:
        The fact that is broken, or "".
    """
    if "scene" in row:
        return _check_scene(rgb, json.loads(row["scene"]), silhouettes)
    height, width = rgb.shape[:2]
    return "" if (row.get("image_width", width), row.get("image_height", height)) == (width, height) else SIZED


def _check_scene(
    rgb: NDArray[np.uint8], scene: Mapping[str, Any], silhouettes: dict[bytes, tuple[str, str, int]]
) -> str:
    """Check a drawn picture: the paper's cells are ``canvas // grid`` pixels wide, in its middle (section 3)."""
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
        if not shape.any() or not _colored(rgb[area][shape], background, thing["color"], scene.get("antialias", False)):
            return COLORED
        rows, cols = np.flatnonzero(shape.any(axis=1)), np.flatnonzero(shape.any(axis=0))
        middle = (left + (cols[0] + cols[-1] + 1) / 2, top + (rows[0] + rows[-1] + 1) / 2)
        if number == 0 and cell_of_point(*middle, canvas, canvas, grid) != (thing["row"], thing["col"]):
            return CENTERED
        drawn = (thing["shape"], thing["size"], side)
        if silhouettes.setdefault(np.packbits(shape).tobytes(), drawn) != drawn:
            return ALIKE
    if seen != np.count_nonzero(ink):
        return COLORED
    return "" if len(silhouettes) == len(set(silhouettes.values())) else ALIKE


def _colored(pixels: NDArray[np.uint8], background: NDArray[np.uint8], color: str, antialias: bool) -> bool:
    full = np.array(COLORS[color], float)
    if not antialias:
        return bool((pixels == full).all())
    span = full - background
    share = ((pixels - background.astype(float)) @ span / (span @ span))[:, None]
    return bool((abs(background + share * span - pixels) <= 1).all() and (share <= 1.01).all())


def _look(thing: Mapping[str, Any]) -> tuple[str, str]:
    return thing["color"], thing["shape"]
