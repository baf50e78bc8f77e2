"""The list of a dataset folder's rows, ``manifest.parquet``: split, id, pixel hash and text hash of every row."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash

from ninefold import store
from ninefold.data.format.columns import opened
from ninefold.data.format.manifest import ROWS
from ninefold.errors import DataError
from ninefold.types import Example

READ_ROWS = 1000
"""Number of rows that reading keeps in memory."""

ROWS_SCHEMA = pa.schema({name: pa.string() for name in ("split", "id", "pixels", "text")})


class RowHashes(NamedTuple):
    """One row of the manifest."""

    id: str
    """The example's id."""
    pixels: str
    """Hash of its decoded image (see `ninefold.images.pixel_hash`); "" if it has none."""
    text: str
    """Hash of its text (see `text_hash`)."""


def read_rows(folder: Path, split: str) -> Iterator[RowHashes]:
    """Yield the manifest's rows of a split, in order and in constant memory.

    Raises:
        DataError: If ``manifest.parquet`` is missing or broken.
    """
    for columns in _batches(folder, ROWS_SCHEMA.names):
        for found, *row in zip(*columns, strict=True):
            if found == split:
                yield RowHashes(*row)


def listed_splits(folder: Path) -> set[str]:
    """Return the splits whose rows the manifest lists.

    Raises:
        DataError: If ``manifest.parquet`` is missing or broken.
    """
    return {str(split) for [splits] in _batches(folder, ["split"]) for split in splits}


def _batches(folder: Path, columns: list[str]) -> Iterator[list[list[Any]]]:
    with _opened(folder) as file:
        for batch in file.iter_batches(READ_ROWS, columns=columns):
            yield [column.to_pylist() for column in batch.columns]


@contextmanager
def _opened(folder: Path) -> Iterator[pq.ParquetFile]:
    """Open the manifest's rows.

    Raises:
        DataError: If the file is missing or broken, or has other columns.
    """
    path = folder / ROWS
    with opened(path) as file:
        if not file.schema_arrow.equals(ROWS_SCHEMA):
            names = ", ".join(ROWS_SCHEMA.names)
            raise DataError(f"{path}: not a manifest: its columns are not {names}, all of text")
        yield file


def count_without_image(folder: Path, split: str) -> int:
    """Return the number of a split's rows that have no image, by the manifest.

    Raises:
        DataError: If ``manifest.parquet`` is missing or broken.
    """
    with _opened(folder) as file:
        batches = file.iter_batches(columns=["split", "pixels"])
        return sum(
            pc.sum(pc.and_(pc.equal(batch["split"], split), pc.equal(batch["pixels"], ""))).as_py() or 0
            for batch in batches
        )


class Fingerprint:
    """The hash of rows, independent of the files that hold them, computed in pieces.

    It is the first 12 hex digits of the SHA-256 of the canonical JSON of a list with one ``{"id", "pixels", "text"}``
    for each row.
    """

    def __init__(self) -> None:
        self.rows = 0
        """Number of rows so far."""
        self._digest = hashlib.sha256(b"[")

    def add(self, rows: Sequence[RowHashes]) -> None:
        """Add one or more rows."""
        piece = store.canonical_json([row._asdict() for row in rows])[1:-1]
        self._digest.update(f"{',' if self.rows else ''}{piece}".encode())
        self.rows += len(rows)

    def hexdigest(self) -> str:
        """Return the hash of all rows so far."""
        whole = self._digest.copy()
        whole.update(b"]")
        return whole.hexdigest()[:12]


def fingerprint(rows: Iterable[RowHashes]) -> str:
    """Return the hash of rows (see `Fingerprint`)."""
    found, rows = Fingerprint(), iter(rows)
    while piece := list(islice(rows, READ_ROWS)):
        found.add(piece)
    return found.hexdigest()


class ColumnHash:
    """The xxh3_128 of a column's values as JSON, computed in pieces."""

    def __init__(self) -> None:
        self._digest = xxhash.xxh3_128(b"[")
        self._comma = ""

    def add(self, values: Sequence[Any]) -> None:
        """Add one or more values; -0.0 counts as 0.0, which it equals."""
        plain = [0.0 if value == 0 and isinstance(value, float) else value for value in values]
        self._digest.update(f"{self._comma}{json.dumps(plain)[1:-1]}".encode())
        self._comma = ", "

    def hexdigest(self) -> str:
        """Return the hash of all values so far."""
        whole = self._digest.copy()
        whole.update(b"]")
        return whole.hexdigest()


def text_hash(example: Example) -> str:
    """Return the hash of an example's text (see `text_hash_of`)."""
    return text_hash_of((example.question, example.prompt, list(example.options), example.answer))


def text_hash_of(text: Sequence[Any]) -> str:
    """Return the hash of a row's text: xxh3_128 of [question, prompt, options, answer] as canonical JSON."""
    return xxhash.xxh3_128(store.canonical_json(text).encode()).hexdigest()
