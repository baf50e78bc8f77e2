"""Positions in an image: regions (3x3), cells (9x9), the nine labels, and the functions from a point to each.

Rows count downward and columns rightward from the top left corner, both from 0. A point on a border belongs to the cell
right of it or below it; a point on the far edge of the image belongs to the last cell.
"""

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

GRID = 9
"""Cells along each side of the image, by default."""

REGIONS = 3
"""Regions along each side of the image."""

LABELS = (
    "top left", "top center", "top right",
    "center left", "center", "center right",
    "bottom left", "bottom center", "bottom right",
)  # fmt: skip
"""The nine region labels, row-major (Rizzoli et al. 2025, section 3)."""

PLACES: Mapping[str, tuple[int, int]] = {
    **{label: divmod(index, REGIONS) for index, label in enumerate(LABELS)},
    "left": (1, 0), "right": (1, 2), "top": (0, 1), "bottom": (2, 1),
}  # fmt: skip
"""Row and column, in the 3 x 3 regions, of every label that is a position: the nine, and those along one axis."""


class Cell(NamedTuple):
    """A cell of the grid, by row (downward) and column (rightward)."""

    row: int
    col: int


class Box(NamedTuple):
    """A bounding box in pixels: left, top, width and height, as COCO stores it."""

    x: float
    y: float
    w: float
    h: float


def cell_of_point(x: Fraction | float, y: Fraction | float, width: int, height: int, grid: int = GRID) -> Cell:
    """Return the cell that a point of a ``width`` x ``height`` image lies in; exact for exact numbers."""
    return Cell(_slice(y, height, grid), _slice(x, width, grid))


def cell_of_box(box: Box, width: int, height: int, grid: int = GRID) -> Cell:
    """Return the cell of a box's center, computed exactly from the decimal numbers the box was written with."""
    x, y = box.x + box.w / 2, box.y + box.h / 2
    if _near_border(x * grid / width) or _near_border(y * grid / height):
        left, top, wide, high = (Fraction(repr(float(number))) for number in box)
        return cell_of_point(left + wide / 2, top + high / 2, width, height, grid)
    return cell_of_point(x, y, width, height, grid)


def region_of_cell(cell: Cell, grid: int = GRID) -> int:
    """Return the index into ``LABELS`` of the region that holds a cell."""
    return (cell.row * REGIONS // grid) * REGIONS + cell.col * REGIONS // grid


def label_of_cell(cell: Cell, grid: int = GRID) -> str:
    """Return the label of the region that holds a cell: the true answer to a question about absolute position."""
    return LABELS[region_of_cell(cell, grid)]


def border_distance(box: Box, width: int, height: int) -> float:
    """Return the distance from a box's center to the nearest border between regions.

    The unit is the image's side along the axis of that border: a region is 1/3 wide, and the largest possible value is
    1/3 (a corner of the image).
    """
    u, v = (box.x + box.w / 2) / width, (box.y + box.h / 2) / height
    return min(abs(position - k / REGIONS) for position in (u, v) for k in range(1, REGIONS))


def _near_border(position: float) -> bool:
    # Fractions are slow. The error of floats of an image's size is far below this tolerance: only a position this close
    # to a border can fall on its wrong side.
    return abs(position - round(position)) < 1e-9


def _slice(position: Fraction | float, length: int, parts: int) -> int:
    return min(max(math.floor(position * parts / length), 0), parts - 1)
