"""Ids of an annotation file: whole numbers and texts, equal however they are written."""

import re

Id = int | str
"""An id: a whole number of any size, or any other text."""

_WHOLE = re.compile(r"[+-]?\d{1,4000}(\.0*)?", re.ASCII)
"""A whole number as text; Python converts no longer ones."""

_PHOTO = re.compile(r"(?:.*_)?(\d{12})(?:\.\w+)?", re.ASCII)
"""A photo's file name as COCO has it: 12 digits, in COCO 2014 with the name of its split in front."""


def photo_id(name: str) -> int | None:
    """Return the id of the photo whose file COCO names so, such as ``COCO_val2014_000000000139.jpg``, or ``None``."""
    found = _PHOTO.fullmatch(name)
    return int(found[1]) if found else None


def id_of(value: object) -> Id | None:
    """Return the id that a value of the file stands for, or ``None`` if it is none.

    ``1``, ``1.0``, ``"1"`` and ``"0001"`` are the same id: exports and tables of pandas mix them within one file.
    """
    if type(value) is int:
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, str):
        text = value.strip()
        if _WHOLE.fullmatch(text):
            return int(text.partition(".")[0])
        return text if text and text.isprintable() else None
    return None


def whole_number(value: object) -> int | None:
    """Return the whole number that a value of the file stands for, or ``None`` if it is none."""
    number = id_of(value)
    return number if isinstance(number, int) else None


def rank(key: Id) -> tuple[bool, Id]:
    """Return the sort key of an id: numbers by size, then texts."""
    return isinstance(key, str), key
