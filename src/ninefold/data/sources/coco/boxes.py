"""Boxes of an annotation file: their unit, and why one cannot be used."""

import math
from collections.abc import Iterable
from typing import Literal

from ninefold.data.sources.coco.entries import Photo
from ninefold.space import Box

Unit = Literal["pixels", "fraction", "percent"]
"""Unit of a file's boxes: pixels, as COCO has it, or fractions or percent of the photo's width and height."""

WHOLE: dict[Unit, float] = {"fraction": 1, "percent": 100}
"""The number that stands for the photo's whole width or height, in each unit but pixels."""

OTHER_UNIT: dict[Unit, str] = {
    "pixels": "bbox given as fractions of the photo (numbers up to 1), not in pixels",
    "fraction": "bbox given in pixels (numbers above 2), not as fractions of the photo",
    "percent": "bbox given in pixels (numbers above 200), not in percent of the photo",
}
"""The problem of a box in the other unit than its file, by the unit of the file."""

_NOT_FOUR = "bbox is not four finite numbers"
_LARGEST = 1e6
"""Upper limit of a coordinate in pixels; a larger number is an error, like NaN and infinity."""


def read_box(numbers: object, photo: Photo, unit: Unit = "pixels") -> Box | str:
    """Return a box in pixels, or why it cannot be used; a box given in pixels keeps its exact numbers."""
    if numbers is None:
        return "no bbox"
    box = _four(numbers)
    if box is None:
        return _NOT_FOUR
    if _has_other_unit(box, photo, unit):
        return OTHER_UNIT[unit]
    if unit != "pixels":
        box = _scaled(box, photo, WHOLE[unit])
    return box_problem(box, photo.width, photo.height) or box


def are_corners(boxes: Iterable[tuple[object, Photo]]) -> bool:
    """Return whether boxes are corners (left, top, right, bottom), where COCO's are left, top, width and height.

    They are if all lie in their photos when read as corners, and a third or more leave them when read as COCO's. A
    correct file fails the former at one of its first boxes; of fewer than five boxes nothing is claimed.
    """
    count = leave = 0
    for numbers, photo in boxes:
        box = _four(numbers)
        if box is None:
            continue
        width, height = photo.width + 1, photo.height + 1
        if not (0 <= box.x < box.w <= width and 0 <= box.y < box.h <= height):
            return False
        count += 1
        leave += box.x + box.w > width or box.y + box.h > height
    return count >= 5 and 3 * leave >= count


def grid_of(boxes: Iterable[tuple[object, Photo]]) -> int | None:
    """Return 100 or 1,000 if boxes are on a grid of that side, as wide and high as each photo; None if in pixels.

    They are if none ends beyond the grid, their centers reach into all four quarters next to its sides, and the grid is
    not the photos' size: each photo is twice as large or larger, or so much smaller that the centers of a third of the
    boxes are outside. Boxes in pixels leave most of large photos free only if all things are in one corner, and then
    do not reach all around it. Of fewer than ten boxes nothing is claimed.
    """
    count = outside = 0
    low, high = [math.inf, math.inf], [-math.inf, -math.inf]
    most, least, side = 0.0, 0.0, math.inf
    for numbers, photo in boxes:
        box = _four(numbers)
        if box is None or not all(abs(number) < _LARGEST for number in box):
            continue
        center = box.x + box.w / 2, box.y + box.h / 2
        low, high = [*map(min, low, center)], [*map(max, high, center)]
        most, least = max(most, box.x + box.w, box.y + box.h), min(least, *box)
        side = min(side, photo.width, photo.height)
        outside += center[0] > photo.width or center[1] > photo.height
        count += 1
        if most > 1000.5 or least < -0.5:
            return None
    grid = 100 if most <= 100.5 else 1000
    all_around = max(low) < grid / 4 and min(high) > 3 * grid / 4
    return grid if count >= 10 and all_around and (side >= 2 * grid or 3 * outside >= count) else None


def _four(numbers: object) -> Box | None:
    match numbers:
        case [int() | float(), int() | float(), int() | float(), int() | float()] if bool not in map(type, numbers):
            return Box(*numbers)
    return None


def _has_other_unit(box: Box, photo: Photo, unit: Unit) -> bool:
    if unit != "pixels":
        return any(2 * WHOLE[unit] < abs(number) < _LARGEST for number in box)
    # Of a photo of one pixel, the box [0, 0, 1, 1] means the same in both units.
    small = 0 < box.w <= 1 and 0 < box.h <= 1 and abs(box.x) <= 1 and abs(box.y) <= 1
    return small and photo.width * photo.height > 1


def box_problem(box: Box, width: int, height: int) -> str:
    """Return why a box in pixels cannot be asked about in a photo of a size, or ""."""
    x, y, w, h = box
    if not (abs(x) < _LARGEST and abs(y) < _LARGEST and abs(w) < _LARGEST and abs(h) < _LARGEST):
        return _NOT_FOUR
    if w <= 0 or h <= 0:
        return "bbox without an area"
    inside = 0 <= x + w / 2 <= width and 0 <= y + h / 2 <= height
    return "" if inside else "bbox centered outside its image"


def _scaled(box: Box, photo: Photo, whole: float) -> Box:
    sides = (photo.width, photo.height, photo.width, photo.height)
    # A whole number too large for floats is as wrong as infinity.
    return Box(
        *(float(n) * side / whole if abs(n) < _LARGEST else math.inf for n, side in zip(box, sides, strict=True))
    )
