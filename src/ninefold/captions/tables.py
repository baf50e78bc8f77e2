"""The parquet files that come with a data set of pairs, written row by row."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ninefold.captions import layout

ROWS = 5_000
"""Number of rows of a row group, which are in memory."""


class Tables:
    """All files of `layout.SCHEMAS`, open for rows."""

    def __init__(self, folder: Path) -> None:
        """Begin the files in a folder."""
        self._writers = {
            name: pq.ParquetWriter(folder / name, schema, compression="zstd") for name, schema in layout.SCHEMAS.items()
        }
        self._rows: dict[str, list[dict[str, Any]]] = {name: [] for name in self._writers}

    @classmethod
    @contextmanager
    def writing(cls, folder: Path) -> Iterator["Tables"]:
        """Yield the files of a folder, which are complete when the block ends."""
        tables = cls(folder)
        try:
            yield tables
            for name in tables._rows:
                tables._flush(name)
        finally:
            for writer in tables._writers.values():
                writer.close()

    def add(self, name: str, **row: Any) -> None:
        """Add a row to a file, with a value for each of its columns."""
        self._rows[name].append({column: _writable(value) for column, value in row.items()})
        if len(self._rows[name]) == ROWS:
            self._flush(name)

    def _flush(self, name: str) -> None:
        rows, self._rows[name] = self._rows[name], []
        if rows:
            self._writers[name].write_table(pa.Table.from_pylist(rows, schema=layout.SCHEMAS[name]))


def _writable(value: Any) -> Any:
    """Return a value that parquet can hold: output of a model may have half a character."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else value
