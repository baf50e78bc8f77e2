"""CSV and TSV files, whose first row names the fields."""

import csv
import io
import re
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from gzip import BadGzipFile
from pathlib import Path

from ninefold.captions.sources.json_lines import opened
from ninefold.captions.sources.rows import LONGEST_ROW, TEXT, BrokenRow, Row
from ninefold.errors import DataError, first_line

_DELIMITERS = ",;\t|"
_NOT_UTF8 = re.compile("[\udc80-\udcff]")


@dataclass(frozen=True)
class Delimited:
    """A CSV or TSV file in UTF-8; its delimiter is the comma, semicolon, tab or bar that its first row has most."""

    path: Path
    """Its path."""

    def fields(self) -> Mapping[str, str]:
        """Return the names in the first row; every value is text."""
        return dict.fromkeys(next(self._records())[1] or (), TEXT)

    def rows(self, wanted: Collection[str]) -> Iterator[Row | BrokenRow]:
        """Yield the rows in order; a row with more or fewer values than the first one is broken."""
        records = self._records()
        names = next(records)[1] or ()
        if twice := {name for name in names if names.count(name) > 1} & set(wanted):
            raise DataError(f"{self.path}: column {min(twice)!r} is there twice; rename one")
        for number, record, fault in records:
            place = f"{self.path.name} line {number}"
            wrong = fault or _fault(record, len(names))
            yield BrokenRow(place, wrong) if wrong else Row(number, place, dict(zip(names, record, strict=True)))

    def _records(self) -> Iterator[tuple[int, list[str], str]]:
        """Yield line, values and fault of each record that is not blank; the first is the row of names, or empty."""
        csv.field_size_limit(LONGEST_ROW)
        with opened(self.path) as file:
            # Bytes that are not UTF-8 become surrogates, so that only their row is lost.
            text = io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="")
            yield from self._parsed(text)

    def _parsed(self, text: io.TextIOWrapper) -> Iterator[tuple[int, list[str], str]]:
        number = 0
        try:
            first = text.readline(LONGEST_ROW)
            delimiter = max(_DELIMITERS, key=first.count)
            yield 1, [name.strip() for name in next(csv.reader([first], delimiter=delimiter), [])], ""
            reader, number = csv.reader(text, delimiter=delimiter, strict=True), 1
            while True:
                start, wrong, record = number + 1, "", []
                try:
                    record = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    wrong = f"not readable as CSV ({first_line(error)})"
                number = 1 + reader.line_num
                if record or wrong:
                    yield start, record, wrong
        except (EOFError, zlib.error, BadGzipFile) as error:
            yield number + 1, [], f"the compressed file is broken ({first_line(error)})"


def _fault(record: list[str], expected: int) -> str:
    if len(record) != expected:
        return f"has {len(record)} values, where the first row has {expected}"
    return "not UTF-8" if any(map(_NOT_UTF8.search, record)) else ""
