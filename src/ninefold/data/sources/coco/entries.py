"""Images and categories of an annotation file: what is the same file is one photo, and equal names are one category."""

import unicodedata
from collections.abc import Callable, Hashable
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import Any, NamedTuple
from urllib.parse import unquote

from ninefold.data.sources.coco.ids import Id, id_of, whole_number
from ninefold.data.sources.protocol import Skips
from ninefold.errors import DataError

_LARGEST = 1_000_000
"""Upper limit of a photo's side in pixels."""


class Photo(NamedTuple):
    """A photo of an annotation file."""

    id: Id
    """Id in the file."""
    file_name: str
    """Path of its file, relative to the folder of images."""
    width: int
    """Width in pixels."""
    height: int
    """Height in pixels."""


class Category(NamedTuple):
    """A category of an annotation file."""

    id: Id
    """Id in the file; the first one, if several categories have this name."""
    name: str
    """Its name as written first, e.g. "dining table", without spaces around it."""


def read_photos(path: Path, rows: list[Any], skips: Skips, same: Callable[[str], Hashable]) -> dict[Id, Photo]:
    """Return the photo of each image id; ids of one file have the same photo, that of the first of them.

    Args:
        path: The annotation file, for errors.
        rows: Its list of images.
        skips: Collects entries that cannot be used, and those of a file that an earlier entry names.
        same: A function of a file name: a value that is equal for names of the same file.

    Raises:
        DataError: If an id is used twice.
    """
    photos: dict[Id, Photo] = {}
    first: dict[Hashable, Photo] = {}
    for number, row in enumerate(rows):
        photo = _photo(row)
        if photo is None:
            reason = "image entry without a usable id, file_name, width and height"
            skips.add(reason, entry_name("image", row, number))
            continue
        if photo.id in photos:
            raise DataError(f"{path}: image id {photo.id} is listed twice; give each image its own id")
        known = first.setdefault(same(photo.file_name), photo)
        photos[photo.id] = known
        if known is not photo:
            reason = (
                "image entry of the same file as an earlier one, or of a copy; annotations of both are counted together"
            )
            skips.add(reason, f"{photo.file_name} as image {photo.id}, earlier {known.id}")
    return photos


def _photo(row: object) -> Photo | None:
    if not isinstance(row, dict):
        return None
    key, name = id_of(row.get("id")), row.get("file_name")
    width, height = whole_number(row.get("width")), whole_number(row.get("height"))
    if key is None or width is None or height is None or not isinstance(name, str):
        return None
    return Photo(key, name, width, height) if is_name(name) and is_size(width, height) else None


def is_name(name: str) -> bool:
    """Whether a text can be the name of a photo's file."""
    return bool(name.strip()) and "\0" not in name and not any("\ud800" <= letter <= "\udfff" for letter in name)


def is_size(width: int, height: int) -> bool:
    """Whether two numbers can be the width and height of a photo."""
    return 0 < width < _LARGEST and 0 < height < _LARGEST


def stays_below(name: str) -> bool:
    """Whether a file name, as written and without escapes, stays below the folder that it is relative to."""
    paths = (PurePosixPath(name), PurePosixPath(normpath(unescaped(name))))
    return not any(path.is_absolute() or ".." in path.parts for path in paths)


def unescaped(name: str) -> str:
    """Return a file name without percent escapes, its back slashes as slashes."""
    return unquote(name, errors="surrogateescape").replace("\\", "/")


def read_categories(path: Path, rows: list[Any], skips: Skips) -> dict[Id, Category]:
    """Return the category of each category id; ids of equal names have the same category, that of the first of them.

    Names that differ only in case, in spaces around words or in their Unicode form are equal: a question cannot tell
    them apart. An export's root category with the name of a class is thereby no category of its own.

    Raises:
        DataError: If an id has two names.
    """
    categories: dict[Id, Category] = {}
    first: dict[str, Category] = {}
    for number, row in enumerate(rows):
        key = id_of(row.get("id")) if isinstance(row, dict) else None
        name = row.get("name") if isinstance(row, dict) else None
        name = " ".join(name.split()) if isinstance(name, str) else ""
        if key is None or not is_category(name):
            skips.add("category without a usable id and a readable name", entry_name("category", row, number))
            continue
        category = first.setdefault(unicodedata.normalize("NFC", name).casefold(), Category(key, name))
        if categories.setdefault(key, category) is not category:
            raise DataError(
                f"{path}: category {key} is listed twice, as {categories[key].name!r} and {name!r}; "
                "give each its own id"
            )
    return categories


def is_category(name: str) -> bool:
    """Whether a text can be the name of a category: printable, with single spaces between its words."""
    return bool(name) and name.isprintable() and name == " ".join(name.split())


def entry_name(kind: str, row: object, number: int) -> str:
    """Return the name of an entry in messages: its id, or its place in the file."""
    key = id_of(row.get("id")) if isinstance(row, dict) else None
    return f"{kind} number {number + 1} of the file" if key is None else f"{kind} {key}"
