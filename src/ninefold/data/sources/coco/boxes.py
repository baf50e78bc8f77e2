"""Boxes of an annotation file: their unit, and why one cannot be used."""

import math
from collections.abc import Iterable
from typing import Literal

from ninefold.data.sources.coco.entries import Photo
from ninefold.space import Box

Unit = Literal["pixels", "fraction"]
"""Unit of a file's boxes: pixels, as COCO has it, or fractions of the photo's width and height."""

OTHER_UNIT: dict[Unit, str] = {
    "pixels": "bbox given as fractions of the photo (numbers up to 1), not in pixels",
    "fraction": "bbox given in pixels (numbers above 2), not as fractions of the photo",
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
    if unit == "fraction":
        box = _scaled(box, photo)
    return _problem(box, photo) or box


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


def _four(numbers: object) -> Box | None:
    match numbers:
        case [int() | float(), int() | float(), int() | float(), int() | float()] if bool not in map(type, numbers):
            return Box(*numbers)
    return None


def _has_other_unit(box: Box, photo: Photo, unit: Unit) -> bool:
    if unit == "fraction":
        return any(2 < abs(number) < _LARGEST for number in box)
    # Of a photo of one pixel, the box [0, 0, 1, 1] means the same in both units.
    small = 0 < box.w <= 1 and 0 < box.h <= 1 and abs(box.x) <= 1 and abs(box.y) <= 1
    return small and photo.width * photo.height > 1


def _problem(box: Box, photo: Photo) -> str:
    x, y, w, h = box
    if not (abs(x) < _LARGEST and abs(y) < _LARGEST and abs(w) < _LARGEST and abs(h) < _LARGEST):
        return _NOT_FOUR
    if w <= 0 or h <= 0:
        return "bbox without an area"
    inside = 0 <= x + w / 2 <= photo.width and 0 <= y + h / 2 <= photo.height
    return "" if inside else "bbox centered outside its image"


def _scaled(box: Box, photo: Photo) -> Box:
    sides = (photo.width, photo.height, photo.width, photo.height)
    # A whole number too large for floats is as wrong as infinity.
    return Box(*(float(n) * side if abs(n) < _LARGEST else math.inf for n, side in zip(box, sides, strict=True)))
