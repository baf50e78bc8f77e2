"""Boxes of an annotation file: their unit, and why one cannot be used."""

import math
from collections.abc import Sequence
from typing import Any, Literal

from ninefold.data.sources.coco.entries import Photo
from ninefold.space import Box

Unit = Literal["pixels", "fraction"]
"""Unit of a file's boxes: pixels, as COCO has it, or fractions of the photo's width and height."""

FRACTION = "bbox of numbers up to 1, as fractions of the photo, not pixels"
"""The problem of a box that is a fraction in a file of pixels."""

_NOT_FOUR = "bbox is not four finite numbers"
_LARGEST = 1e6
"""Upper limit of a coordinate in pixels; a larger number is an error, like NaN and infinity."""


def read_box(numbers: object, photo: Photo, unit: Unit = "pixels") -> Box | str:
    """Return a box in pixels, or why it cannot be used; a box given in pixels keeps its exact numbers."""
    match numbers:
        case None:
            return "no bbox"
        case [int() | float(), int() | float(), int() | float(), int() | float()] if bool not in map(type, numbers):
            box = Box(*numbers) if unit == "pixels" else _scaled(numbers, photo)
            # Of a photo of one pixel, the box [0, 0, 1, 1] means the same in both units.
            if unit == "pixels" and _is_small(box) and photo.width * photo.height > 1:
                return FRACTION
            return _problem(box, photo) or box
    return _NOT_FOUR


def _is_small(box: Box) -> bool:
    return 0 < box.w <= 1 and 0 < box.h <= 1 and abs(box.x) <= 1 and abs(box.y) <= 1


def _problem(box: Box, photo: Photo) -> str:
    x, y, w, h = box
    if not (abs(x) < _LARGEST and abs(y) < _LARGEST and abs(w) < _LARGEST and abs(h) < _LARGEST):
        return _NOT_FOUR
    if w <= 0 or h <= 0:
        return "bbox without an area"
    inside = 0 <= x + w / 2 <= photo.width and 0 <= y + h / 2 <= photo.height
    return "" if inside else "bbox centered outside its image"


def _scaled(numbers: Sequence[Any], photo: Photo) -> Box:
    sides = (photo.width, photo.height, photo.width, photo.height)
    # A whole number too large for floats is as wrong as infinity.
    return Box(*(float(n) * side if abs(n) < _LARGEST else math.inf for n, side in zip(numbers, sides, strict=True)))
