"""Rows of a file of captions or of images: JSON lines, parquet or CSV, each row with its place in the file."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from ninefold.errors import DataError

TEXT = "text"
"""The type of a field of text, where a file states types."""

LONGEST_ROW = 64 << 20
"""Largest number of bytes of a row that is read; more is no caption, but a file of another form."""

FORMS = {
    ".jsonl": "json", ".jsonlines": "json", ".ndjson": "json", ".json": "json",
    ".parquet": "parquet",
    ".csv": "delimited", ".tsv": "delimited",
}  # fmt: skip
"""The form of a file by its extension; ``.gz`` may follow those of text."""


class Row(NamedTuple):
    """A row that was read."""

    number: int
    """The number of its line, or of the row where a file has no lines; the first is 1."""
    place: str
    """Where it stands in words, such as "captions.jsonl line 12"."""
    values: Mapping[str, Any]
    """Its values by field, in JSON types; others than the wanted ones may be absent."""


class BrokenRow(NamedTuple):
    """A row that cannot be read."""

    place: str
    """Where it stands in words."""
    why: str
    """What is wrong with it, in one line."""


class Table(Protocol):
    """A file of rows."""

    @property
    def path(self) -> Path:
        """Return its path."""
        ...

    def fields(self) -> Mapping[str, str]:
        """Return the names of its fields with their types: `TEXT`, another word, or "" if the file states none.

        A field within another has its path as its name, such as "a.b".

        Raises:
            DataError: If the file cannot be read.
        """
        ...

    def rows(self, wanted: Collection[str]) -> Iterator[Row | BrokenRow]:
        """Yield its rows in order, in constant memory.

        Args:
            wanted: The fields that are needed; one that the file lacks does no harm.

        Raises:
            DataError: If the file cannot be read (any further).
        """
        ...


def form_of(path: Path) -> str | None:
    """Return the form of a file by its name: "json", "parquet", "delimited", or None if it has no known one."""
    name = path.name.lower()
    return FORMS.get(Path(name.removesuffix(".gz")).suffix)


def check_file(path: Path) -> None:
    """Refuse what is no file.

    Raises:
        DataError: If it is missing, a folder, a pipe or a device.
    """
    if not path.exists():
        raise DataError(f"{path}: no such file; check the path")
    if path.is_dir():
        raise DataError(f"{path}: is a folder; name the files in it, such as {path / '*.jsonl'}")
    if not path.is_file():
        # A pipe can be read only once, and a device has no end.
        raise DataError(f"{path}: is a pipe or device; save its content to a file first")


def open_table(path: Path) -> Table:
    """Return a file of rows; nothing of it is read yet.

    Raises:
        DataError: If it is missing, no file, or of no known form.
    """
    check_file(path)
    match form_of(path):
        case "json":
            from ninefold.captions.sources.json_lines import JsonLines

            return JsonLines(path)
        case "parquet":
            from ninefold.captions.sources.parquet import Parquet

            return Parquet(path)
        case "delimited":
            from ninefold.captions.sources.delimited import Delimited

            return Delimited(path)
    known = ", ".join(FORMS)
    raise DataError(f"{path}: its form is told by its extension, which is none of {known}; rename or convert it")


def value_at(row: Mapping[str, Any], field: str) -> Any:
    """Return the value of a field, or None if the row has none.

    A key with exactly this name comes first; otherwise each dot leads into an object, as in "a.b".
    """
    if field in row:
        return row[field]
    head, dot, rest = field.partition(".")
    inner = row.get(head) if dot else None
    return value_at(inner, rest) if isinstance(inner, Mapping) else None


def flattened(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of a row's fields; those within an object, one step deep, follow it."""
    for name, value in values.items():
        yield name
        if isinstance(value, Mapping):
            yield from (f"{name}.{inner}" for inner in value)
