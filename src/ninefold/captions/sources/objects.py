"""The objects of an image in its row: the field that lists them, and the ids of the captions that describe them."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

OBJECTS = "objects"
"""The field of the objects of an image, each with its own description."""

_DESCRIPTION = re.compile(r"(?s)(.*)#object-(\d+)")


def objects_in(values: Mapping[str, Any]) -> Any:
    """Return the field of objects of a row, whatever it holds; text that is JSON, as CSV files have it, is decoded."""
    value = values.get(OBJECTS)
    if isinstance(value, str):
        with suppress(ValueError, RecursionError):
            return json.loads(value) if value.strip() else None
    return value


def description_id(row: str, index: int) -> str:
    """Return the id of the description of an object: the id of its row, and its place among the row's objects."""
    return f"{row}#object-{index}"


def row_of(caption: str) -> tuple[str, int | None]:
    """Return the id of a caption's row, and the index of the object that it describes; None for a whole image's."""
    found = _DESCRIPTION.fullmatch(caption)
    return (found[1], int(found[2])) if found else (caption, None)
