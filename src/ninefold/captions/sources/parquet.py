"""Parquet files of rows, read in batches."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ninefold.captions.sources.rows import TEXT, BrokenRow, Row
from ninefold.errors import DataError, first_line

BATCH = 512
"""Number of rows that are held in memory."""


@dataclass(frozen=True)
class Parquet:
    """A parquet file; only wanted columns are read."""

    path: Path
    """Its path."""

    def fields(self) -> Mapping[str, str]:
        """Return its columns, and those within structs, with their types."""
        with _opened(self.path) as file:
            return dict(_named(file.schema_arrow))

    def rows(self, wanted: Collection[str]) -> Iterator[Row | BrokenRow]:
        """Yield the rows in order. A row with a text that is not UTF-8 is broken."""
        number = 0
        with _opened(self.path) as file:
            columns = sorted(set(wanted) & dict(_named(file.schema_arrow)).keys())
            for batch in file.iter_batches(BATCH, columns=columns):
                # Without a wanted column, pyarrow gives batches without rows.
                for values in _values(batch) if columns else ({} for _ in range(batch.num_rows)):
                    number += 1
                    place = f"{self.path.name} row {number}"
                    yield BrokenRow(place, values) if isinstance(values, str) else Row(number, place, values)


def _values(batch: pa.RecordBatch) -> list[dict[str, Any] | str]:
    try:
        return batch.to_pylist()  # type: ignore[no-any-return]
    except ValueError:  # a text that is not UTF-8, or a time that Python has not
        return [_value(batch.slice(at, 1)) for at in range(batch.num_rows)]


def _value(row: pa.RecordBatch) -> dict[str, Any] | str:
    try:
        return row.to_pylist()[0]  # type: ignore[no-any-return]
    except UnicodeDecodeError:
        return "a text in it is not UTF-8"
    except ValueError as error:
        return f"not readable ({first_line(error)})"


@contextmanager
def _opened(path: Path) -> Iterator[pq.ParquetFile]:
    try:
        # With a buffer, a column is read in pieces, not as a whole row group.
        with pq.ParquetFile(path, buffer_size=1 << 20, pre_buffer=False) as file:
            yield file
    except (pa.ArrowException, OSError) as error:
        # The system's own errors, such as a missing permission, have their words elsewhere.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise DataError(f"{path}: not readable as parquet ({first_line(error)}); fetch or make it again") from error


def _named(fields: Any, before: str = "") -> Iterator[tuple[str, str]]:
    for field in fields:
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_null)
        yield before + field.name, TEXT if any(is_text(kind) for is_text in texts) else str(kind)
        if pa.types.is_struct(kind):
            yield from _named(kind, f"{before}{field.name}.")
