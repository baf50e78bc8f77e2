"""The reader of COCO's instance annotations: things that are the only one of their category in a photo."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ninefold.data.sources.protocol import Skips
from ninefold.errors import DataError
from ninefold.space import Box, Cell, cell_of_box

_PARTS = ("images", "annotations", "categories")
_EXPECTED = "expected a file such as COCO's instances_val2017.json"
_LARGEST = 1e6
"""Upper limit of a coordinate in pixels; a larger number is an error, like NaN and infinity."""


class Photo(NamedTuple):
    """A photo of an annotation file."""

    id: int
    """Id in the file."""
    file_name: str
    """Path of its file, relative to the folder of images."""
    width: int
    """Width in pixels."""
    height: int
    """Height in pixels."""


@dataclass(frozen=True, slots=True)
class Instance:
    """A thing that a question can name unambiguously: the only one of its category in its photo."""

    photo: Photo
    """Its photo."""
    category: str
    """The raw name of its category, e.g. "dining table"."""
    box: Box
    """Its box in pixels, with the file's exact numbers."""
    cell: Cell
    """The cell of its box's center."""


def read_instances(path: Path, skips: Skips, *, truncate: bool = False) -> list[Instance]:
    """Read a file of instance annotations and keep the targets by the paper's rule.

    All annotations of a category in a photo are counted, crowds included; a category with exactly one is kept, whatever
    its size (Rizzoli et al. 2025, section 3, and sislab-unitn/Getting-to-the-Point@30271de). A broken annotation is no
    target, but counts as an instance if its photo and category are known: a second person without a box makes "the
    person" as ambiguous as one with a box. A box may extend beyond the edge of its photo, its center may not.

    Args:
        path: A file such as ``instances_val2017.json``.
        skips: Collects broken annotations.
        truncate: Cut the box's numbers to integers before its cell is computed, as the authors' code does.

    Returns:
        The targets, sorted by image id and category id.

    Raises:
        DataError: If the file is missing, not JSON, not COCO's instance annotations, or uses an id of an image or a
            category twice.
    """
    data = _load(path)
    categories = _categories(path, data["categories"])
    photos = _photos(path, data["images"], skips)
    if data["annotations"] and not any(isinstance(row, dict) and "bbox" in row for row in data["annotations"]):
        raise DataError(f"{path}: no annotation has a bbox; {_EXPECTED}")
    boxes = _lone_boxes(data["annotations"], photos, categories, skips)
    return [
        Instance(photos[image_id], categories[category_id], box, _cell(box, photos[image_id], truncate))
        for (image_id, category_id), box in sorted(boxes.items())
    ]


def truncated(box: Box) -> Box:
    """Return a box with its numbers truncated to integers, as in the paper's code."""
    return Box(*map(int, box))


def _load(path: Path) -> dict[str, list[Any]]:
    try:
        # The hook drops each outline once read: train2017 then takes 1.0 GB of memory instead of 2.7. A stream of
        # events (ijson) needs less, but takes longer, with one pass for each of the three lists.
        with path.open(encoding="utf-8-sig") as file:
            data = json.load(file, object_hook=_without_outline)
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file; {_EXPECTED}") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); {_EXPECTED}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not readable as JSON ({error}); {_EXPECTED}") from error
    parts = data if isinstance(data, dict) else {}
    for part in _PARTS:
        if not isinstance(parts.get(part), list):
            raise DataError(f"{path}: not COCO's instance annotations (no list of {part}); {_EXPECTED}")
    return parts


def _without_outline(row: dict[str, Any]) -> dict[str, Any]:
    row.pop("segmentation", None)
    return row


def _categories(path: Path, rows: list[Any]) -> dict[int, str]:
    categories: dict[int, str] = {}
    for row in rows:
        match row:
            case {"id": int(key), "name": str(name)} if name.strip() and name.isprintable():
                if key in categories or name in categories.values():
                    raise DataError(f"{path}: category {key} ({name!r}) is listed twice; give each its own id and name")
                categories[key] = name
            case _:
                raise DataError(
                    f"{path}: a category without a whole-number id and a readable name: {json.dumps(row)[:80]}"
                )
    return categories


def _photos(path: Path, rows: list[Any], skips: Skips) -> dict[int, Photo]:
    photos: dict[int, Photo] = {}
    for number, row in enumerate(rows):
        match row:
            case {"id": int(key), "file_name": str(name), "width": int(width), "height": int(height)} if (
                name.isprintable() and 0 < width < _LARGEST and 0 < height < _LARGEST
            ):
                if key in photos:
                    raise DataError(f"{path}: image id {key} is listed twice; give each image its own id")
                photos[key] = Photo(key, name, width, height)
            case _:
                skips.add("image entry without a usable id, file_name, width and height", _name("image", row, number))
    return photos


def _lone_boxes(
    rows: list[Any], photos: dict[int, Photo], categories: dict[int, str], skips: Skips
) -> dict[tuple[int, int], Box]:
    """Return the box of each (image id, category id) with exactly one annotation, if that box can be used."""
    counts: Counter[tuple[int, int]] = Counter()
    boxes: dict[tuple[int, int], Box] = {}
    seen: set[int] = set()
    for number, row in enumerate(rows):
        row_id, image_id, category_id = _ids(row)
        if image_id not in photos:
            problem = "unknown image_id"
        elif category_id not in categories:
            problem = "unknown category_id"
        else:
            counts[image_id, category_id] += 1
            problem = "id used before" if row_id in seen else _problem(row.get("bbox"), photos[image_id])
            if not problem:
                boxes[image_id, category_id] = Box(*row["bbox"])
        if problem:
            skips.add(f"annotation: {problem}", _name("annotation", row, number))
        if row_id is not None:
            seen.add(row_id)
    return {key: box for key, box in boxes.items() if counts[key] == 1}


def _ids(row: object) -> tuple[Any, Any, Any]:
    match row:
        case {"id": int(row_id), "image_id": int(image_id), "category_id": int(category_id)}:
            return row_id, image_id, category_id
        case {"image_id": int(image_id), "category_id": int(category_id)}:
            return None, image_id, category_id
    return None, None, None


def _problem(numbers: object, photo: Photo) -> str:
    match numbers:
        case None:
            return "no bbox"
        case [int() | float() as x, int() | float() as y, int() | float() as w, int() | float() as h]:
            if not (abs(x) < _LARGEST and abs(y) < _LARGEST and abs(w) < _LARGEST and abs(h) < _LARGEST):
                return "bbox is not four finite numbers"
            if w <= 0 or h <= 0:
                return "bbox without an area"
            if not (0 <= x + w / 2 <= photo.width and 0 <= y + h / 2 <= photo.height):
                return "bbox centered outside its image"
            return ""
    return "bbox is not four finite numbers"


def _cell(box: Box, photo: Photo, truncate: bool) -> Cell:
    return cell_of_box(truncated(box) if truncate else box, photo.width, photo.height)


def _name(kind: str, row: object, number: int) -> str:
    key = row.get("id") if isinstance(row, dict) else None
    return f"{kind} {key}" if isinstance(key, int) else f"{kind} number {number + 1} of the file"
