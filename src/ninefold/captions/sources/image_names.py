"""The names of images in a file: a table, a JSON file, or a text with one a line."""

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ninefold import console
from ninefold.captions.sources.rows import Row, check_file, form_of, open_table
from ninefold.captions.sources.text import one_line
from ninefold.errors import DataError

FIELDS = (
    "image", "image_id", "image_file", "image_name", "image_path", "image/key", "file_name", "filename", "img",
    "image_url", "coco_url", "image_link",
)  # fmt: skip
"""Fields that name images; a file's are all used."""

IDS = ("caption_id", "example_id", "id")
"""Fields of ids, which are used where no field names images."""

_LONGEST_NAME = 1000


def names_in(path: Path) -> Iterator[str]:
    """Yield the names of images in a file; a table's are those of its fields `FIELDS`, or else of one of `IDS`.

    Raises:
        DataError: If it is missing or cannot be read, or no field names images.
    """
    check_file(path)
    if path.suffix.lower() == ".json":
        with suppress(ValueError, RecursionError), path.open(encoding="utf-8-sig") as file:
            yield from _in_json(json.load(file))
            return
    if form_of(path) is None:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            for line in file:
                name = line.split(" #")[0].strip()
                if name and not name.startswith("#"):
                    yield one_line(name)
        return
    table = open_table(path)
    kinds = table.fields()
    # In the TSV files of evaluation kits this field holds images, or numbers of rows.
    of_kit = form_of(path) == "delimited" and {"index", "image"} <= kinds.keys()
    wanted = _used([name for name in kinds if not (of_kit and name == "image")])
    if kinds and not wanted:
        raise DataError(f"{path}: no field names images; expected one of {', '.join(FIELDS)}, found {', '.join(kinds)}")
    # Of an embedded image, only the name is read.
    read = [f"{name}.path" if f"{name}.path" in kinds else name for name in wanted]
    rows = broken = 0
    for row in table.rows(read):
        rows += 1
        if isinstance(row, Row):
            for name in wanted:
                yield from _name(row.values.get(name))
        else:
            broken += 1
    if broken and broken == rows:
        raise DataError(f"{path}: none of {rows:,} rows can be read; fetch or make it again")
    if broken:
        console.warn(f"{path}: {broken:,} rows cannot be read; their images are not excluded")


def _used(fields: Collection[str]) -> list[str]:
    return [name for name in FIELDS if name in fields] or [name for name in IDS if name in fields][:1]


def _in_json(tree: Any) -> Iterator[str]:
    """Yield the names in a JSON file: COCO's images, or a list of objects, of names, or of lists with a name first."""
    rows = tree.get("images", tree.get("annotations", list(tree))) if isinstance(tree, Mapping) else tree
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, Mapping):
            for field_name in _used(row):
                yield from _name(row[field_name])
        else:
            yield from _name(row[0] if isinstance(row, list) and row else row)


def _name(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        value = value.get("path")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str | int) and not isinstance(value, bool) and 0 < len(str(value)) <= _LONGEST_NAME:
        yield one_line(str(value))
