"""The labelled objects of a file, found for each caption of a folder by its row's id, or else by its text."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ninefold.captions.geometry.boxes import Labelled, labelled
from ninefold.captions.sources.objects import OBJECTS, objects_in
from ninefold.captions.sources.rows import BrokenRow, open_table, value_at
from ninefold.captions.sources.text import name_of
from ninefold.errors import DataError


@dataclass
class LabelledFile:
    """What a file says of the captions of a folder."""

    objects: dict[str, list[Labelled]] = field(default_factory=dict)
    """The labelled objects of a row, by the row's id as captions have it."""
    boxes: Counter[str] = field(default_factory=Counter)
    """Numbers of all boxes of the file: "all", "repaired", "ambiguous" and "malformed"."""
    missing: int = 0
    """Number of wanted rows that it lacks, or has twice."""
    broken_rows: int = 0
    """Number of rows that cannot be read."""


def read(path: Path, texts: Mapping[str, str], id_field: str | None) -> LabelledFile:
    """Return the labelled objects of the rows of some captions.

    Args:
        path: A file of rows with a field ``objects``.
        texts: The text of each wanted row's caption, by the row's id; "" if it is unknown.
        id_field: The field of the rows' ids; None for the field that holds most of the wanted ids, or else the one that
            holds most of their texts.

    Raises:
        DataError: If the file cannot be read, has no boxes, or has none of the rows.
    """
    result = LabelledFile()
    of_text = {_plain(text): row for row, text in texts.items() if text}
    found: defaultdict[tuple[int, str], dict[str, list[Labelled] | None]] = defaultdict(dict)
    table = open_table(path)
    for row in table.rows(table.fields()):
        if isinstance(row, BrokenRow):
            result.broken_rows += 1
            continue
        objects = list(labelled(objects_in(row.values)))
        _count(objects, result.boxes)
        # Captions of a file without ids are named by the file and the row's number.
        values = row.values if id_field else {**row.values, "": f"{path.name}:{row.number}"}
        for rank, name, wanted in _keys(values, id_field, texts, of_text):
            rows = found[rank, name]
            # Two rows of one id cannot be told apart.
            rows[wanted] = None if wanted in rows else objects
    if not result.boxes["all"]:
        raise DataError(f"{path}: no row has a field {OBJECTS!r}, a list of labels with boxes; name a file that has it")
    if not found:
        advice = "name with --id-field the field of ids that the pairs were made with"
        raise DataError(f"{path}: no row is that of a caption of the folder; {advice}")
    best = min(found, key=lambda key: (key[0], -len(found[key]), key[1]))
    result.objects = {row: objects for row, objects in found[best].items() if objects is not None}
    result.missing = len(texts) - len(result.objects)
    return result


def _keys(
    values: Mapping[str, Any], id_field: str | None, texts: Mapping[str, str], of_text: Mapping[str, str]
) -> Iterator[tuple[int, str, str]]:
    """Yield the wanted rows that this row may be: by which kind of field (0 ids, 1 texts), which field, and its id."""
    fields = values if id_field is None else {id_field: value_at(values, id_field)}
    for name, value in fields.items():
        if id_ := name_of(value):
            if id_ in texts:
                yield 0, name, id_
            elif id_field is None and isinstance(value, str) and _plain(value) in of_text:
                yield 1, name, of_text[_plain(value)]


def _count(objects: Sequence[Labelled], boxes: Counter[str]) -> None:
    for thing in objects:
        boxes["all"] += 1
        if thing.box is None:
            boxes["malformed"] += 1
        else:
            boxes["repaired"] += thing.box.repaired
            boxes["ambiguous"] += thing.box.ambiguous and not thing.box.repaired


def _plain(text: str) -> str:
    return " ".join(text.split())
