"""The list of a dataset folder's rows, ``manifest.parquet``: split, id, pixel hash and text hash of every row."""

import hashlib
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import xxhash

from ninefold import store
from ninefold.data.format.columns import opened
from ninefold.errors import DataError
from ninefold.types import Example

FILE = "manifest.parquet"

READ_ROWS = 1000
"""Number of rows that reading keeps in memory."""

ROWS_SCHEMA = pa.schema({name: pa.string() for name in ("split", "id", "pixels", "text")})


class RowHashes(NamedTuple):
    """One row of the manifest."""

    id: str
    """The example's id."""
    pixels: str
    """Hash of its decoded image (see `pixel_hash`)."""
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
    path = folder / FILE
    with opened(path) as file:
        if not file.schema_arrow.equals(ROWS_SCHEMA):
            names = ", ".join(ROWS_SCHEMA.names)
            raise DataError(f"{path}: not a manifest: its columns are not {names}, all of text")
        for batch in file.iter_batches(READ_ROWS, columns=columns):
            yield [column.to_pylist() for column in batch.columns]


def fingerprint(rows: Iterable[RowHashes]) -> str:
    """Return the hash of rows, independent of the files that hold them.

    It is the first 12 hex digits of the SHA-256 of the canonical JSON of a list with one ``{"id", "pixels", "text"}``
    for each row; the JSON is made and hashed in pieces.
    """
    digest = hashlib.sha256(b"[")
    rows = iter(rows)
    comma = ""
    while piece := [row._asdict() for row in islice(rows, READ_ROWS)]:
        digest.update((comma + store.canonical_json(piece)[1:-1]).encode())
        comma = ","
    digest.update(b"]")
    return digest.hexdigest()[:12]


def pixel_hash(rgb: np.ndarray) -> str:
    """Return the hash of an image: xxh3_128 of ``"{width}x{height}:"`` and its (H, W, 3) uint8 pixels, in hex."""
    height, width = rgb.shape[:2]
    digest = xxhash.xxh3_128(f"{width}x{height}:".encode())
    digest.update(np.ascontiguousarray(rgb).data)
    return digest.hexdigest()


def text_hash(example: Example) -> str:
    """Return the hash of an example's text: xxh3_128 of [question, prompt, options, answer] as canonical JSON."""
    text = store.canonical_json([example.question, example.prompt, list(example.options), example.answer])
    return xxhash.xxh3_128(text.encode()).hexdigest()
