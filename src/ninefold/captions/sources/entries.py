"""The rows of files as captions: each one a `Caption`, or a `LeftOut` with its reason; images are not looked at."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ninefold import console
from ninefold.captions.caption import Caption, LeftOut
from ninefold.captions.sources.corpora import image_file
from ninefold.captions.sources.fields import Fields, fields_of
from ninefold.captions.sources.objects import OBJECTS, description_id, objects_in
from ninefold.captions.sources.rows import BrokenRow, Row, Table, open_table, value_at
from ninefold.captions.sources.seen import Seen, UniqueIds
from ninefold.captions.sources.sharing import Shard
from ninefold.captions.sources.text import cleaned, name_of, one_line
from ninefold.captions.spec import CaptionsIn
from ninefold.errors import DataError

BROKEN, NO_TEXT, EMPTY, DUPLICATE = "broken row", "no text", "empty", "duplicate caption"
"""Reasons of captions that are left out before their images are looked at."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A caption, or what is left out, with the row that it comes from."""

    item: Caption | LeftOut
    """The caption, or what is left out."""
    row: Mapping[str, Any]
    """The row's values; empty if the row is broken."""
    row_id: str
    """The id of the row, which exclusion lists may name; the caption of an object has an id of its own."""
    image: str
    """The image as the row names it; "" if it names none."""
    folder: Path
    """The folder of the file."""


def entries(spec: CaptionsIn) -> Iterator[Entry]:
    """Yield the captions of files in the order of their rows, and in between what is left out, each with its row.

    Reading takes constant memory, apart from 22 to 43 bytes a row, by which ids and duplicates are known again.
    Duplicates are captions of one image with the same text; where the image is unknown, the text alone decides.

    Raises:
        DataError: If a file cannot be read, has not the named fields, is of no known form, or no file has a usable row.
    """
    shard = Shard.of(spec.shard)
    tables = [open_table(path) for path in spec.files]
    if not tables:
        raise DataError("no file of captions; name at least one")
    found = _Found()
    for table in tables:
        for entry in _of_table(table, spec, found):
            if shard.count == 1 or shard.holds(entry.image or entry.row_id):
                yield entry
    found.check(spec.files)


@dataclass
class _Found:
    """What was found in all files so far."""

    ids: UniqueIds = field(default_factory=UniqueIds)
    texts: Seen = field(default_factory=Seen)
    rows: int = 0
    broken: int = 0
    first_fault: str = ""
    empty: list[Path] = field(default_factory=list)

    def check(self, files: Sequence[Path]) -> None:
        """Refuse files without a row that can be read, which are of another form, or none; warn of empty ones."""
        names = ", ".join(map(str, files[:3])) + (", ..." if len(files) > 3 else "")
        if not self.rows:
            raise DataError(f"{names}: no rows; name files of captions (jsonl, parquet or csv)")
        if self.broken == self.rows:
            raise DataError(f"{names}: none of {self.rows:,} rows can be read; the first: {self.first_fault}")
        for path in self.empty:
            console.warn(f"{path}: holds no rows")


def _of_table(table: Table, spec: CaptionsIn, found: _Found) -> Iterator[Entry]:
    fields, before, folder = fields_of(table, spec), found.rows, table.path.parent
    for row in table.rows(fields.wanted if fields else ()):
        found.rows += 1
        if isinstance(row, BrokenRow):
            found.broken += 1
            found.first_fault = found.first_fault or f"{row.place}: {row.why}"
            yield Entry(LeftOut(row.place, BROKEN, row.why), {}, row.place, "", folder)
        elif fields is None:
            yield Entry(LeftOut(row.place, NO_TEXT, "the row has no fields"), {}, row.place, "", folder)
        else:
            yield from _of_row(row, fields, table.path, spec.descriptions, found)
    if found.rows == before:
        found.empty.append(table.path)


def _of_row(row: Row, fields: Fields, path: Path, descriptions: bool, found: _Found) -> Iterator[Entry]:
    """Yield the caption of a row, then those of its objects."""
    parts = [name_of(value_at(row.values, part)) for part in fields.id]
    row_id = "/".join(parts) if parts and all(parts) else f"{one_line(path.name)}:{row.number}"
    image = name_of(value_at(row.values, fields.image)) if fields.image else ""
    if fields.corpus and fields.image == fields.corpus.image:
        image = image_file(image, row.values) if image else ""
    corpus = fields.corpus.name if fields.corpus else ""
    text = _text(value_at(row.values, fields.text), fields.text)
    item: Caption | LeftOut
    if isinstance(text, LeftOut):
        item = LeftOut(row_id, text.reason, text.detail)
    elif not found.texts.add(image, text):
        item = LeftOut(row_id, DUPLICATE, row.place)
    else:
        item = Caption(found.ids.unique(row_id), text, image, corpus=corpus)
    yield Entry(item, row.values, row_id, image, path.parent)
    if descriptions:
        base = item.id
        for index, label, described in _objects(objects_in(row.values)):
            id_ = description_id(base, index)
            if isinstance(described, LeftOut):
                part: Caption | LeftOut = LeftOut(id_, described.reason, described.detail)
            elif not found.texts.add(image or row_id, described, str(index)):
                part = LeftOut(id_, DUPLICATE, row.place)
            else:
                part = Caption(found.ids.unique(id_), described, image, corpus=corpus, label=label, described=index)
            yield Entry(part, row.values, row_id, image, path.parent)


def _objects(value: Any) -> Iterator[tuple[int, str, str | LeftOut]]:
    """Yield index, label and description of each object of a row, or why it has no description."""
    if value is None:
        return
    if not isinstance(value, list):
        yield 0, "", LeftOut("", BROKEN, f"field {OBJECTS!r} holds no list")
        return
    for index, each in enumerate(value):
        if isinstance(each, Mapping):
            yield index, name_of(each.get("label")), _text(each.get("description"), "description")
        else:
            yield index, "", LeftOut("", BROKEN, "the object is none of JSON")


def _text(value: Any, name: str) -> str | LeftOut:
    if value is None:
        return LeftOut("", NO_TEXT, f"no field {name!r}, or null")
    if not isinstance(value, str):
        return LeftOut("", NO_TEXT, f"field {name!r} holds {type(value).__name__}, not text")
    return cleaned(value) or LeftOut("", EMPTY, f"field {name!r} has no letters")
