"""JSON lines: one object a line, in UTF-8, whole or compressed by gzip."""

import gzip
import json
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any, cast

from ninefold.captions.sources.rows import LONGEST_ROW, BrokenRow, Row, flattened
from ninefold.errors import first_line, printable

SAMPLE = 20
"""Number of rows whose fields are taken for those of the file."""

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class JsonLines:
    """A file of JSON lines. Blank lines are no rows."""

    path: Path
    """Its path."""

    def fields(self) -> Mapping[str, str]:
        """Return the names of the fields of the first rows; JSON states no types."""
        rows = (row for row in self.rows(()) if isinstance(row, Row))
        return {name: "" for row in islice(rows, SAMPLE) for name in flattened(row.values)}

    def rows(self, wanted: Collection[str]) -> Iterator[Row | BrokenRow]:
        """Yield the rows in order. A line that gives a wanted field twice is broken: which one is meant is unknown."""
        names = {part for field in wanted for part in (field, *field.split("."))}
        keys = {name: json.dumps(name, ensure_ascii=False).encode() for name in names}
        with opened(self.path) as file:
            for number, line in enumerate(_lines(file), 1):
                if isinstance(line, str):
                    yield BrokenRow(f"{self.path.name} line {number}", line)
                elif line and not line.isspace():
                    place = f"{self.path.name} line {number}"
                    found = _object(line, {name for name, key in keys.items() if line.count(key) > 1})
                    yield BrokenRow(place, found) if isinstance(found, str) else Row(number, place, found)


def opened(path: Path) -> IO[bytes]:
    """Open a file of text; one that is compressed by gzip is decompressed, whatever its name."""
    with path.open("rb") as start:
        compressed = start.read(2) == b"\x1f\x8b"
    return cast(IO[bytes], gzip.open(path)) if compressed else path.open("rb")


def _lines(file: IO[bytes]) -> Iterator[bytes | str]:
    """Yield each line, or in words why it has none; one that is too long is passed over in pieces."""
    first = True
    while True:
        try:
            line = file.readline(LONGEST_ROW)
            too_long = len(line) == LONGEST_ROW and not line.endswith(b"\n")
            rest = line if too_long else b""
            while rest and not rest.endswith(b"\n"):
                rest = file.readline(LONGEST_ROW)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            yield f"the compressed file is broken from here on ({first_line(error)})"
            return
        if not line:
            return
        if too_long:
            yield f"longer than {LONGEST_ROW >> 20} MiB"
        else:
            yield line.removeprefix(_BOM) if first else line
        first = False


def _object(line: bytes, repeated: Collection[str]) -> dict[str, Any] | str:
    """Return the object of a line, or in words why there is none; no object may have one of some keys twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        names = [name for name, _ in pairs] if len(found) < len(pairs) else []
        twice = next((name for name in names if name in repeated and names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"field {twice!r:.60} is given twice")
        return found

    try:
        # Most lines are read without it, which is faster.
        found = json.loads(line.decode(), object_pairs_hook=once if repeated else None)
    except UnicodeDecodeError as error:
        return f"not UTF-8 (byte {error.start + 1} of the line)"
    # Python refuses numbers of thousands of digits with a ValueError, and deep nesting with a RecursionError.
    except (ValueError, RecursionError) as error:
        return f"not a JSON object ({printable(first_line(error))})"
    return found if isinstance(found, dict) else f"not a JSON object, but {_kind(found)}"


def _kind(value: object) -> str:
    return {list: "a list", str: "a text", bool: "true or false", type(None): "null"}.get(type(value), "a number")
