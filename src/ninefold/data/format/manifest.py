"""The manifest of a dataset folder: what it holds, where its rows come from, and hashes of every row.

``manifest.json`` is small, however many rows there are; ``manifest.parquet`` lists every row: its split, its id, and a
hash of its decoded pixels and of its text.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import xxhash

from ninefold import store
from ninefold.data.format.columns import opened
from ninefold.errors import DataError
from ninefold.types import Clustering, Example

FORMAT = 2
"""Version of the layout of a dataset folder."""

FILE, ROWS_FILE = "manifest.json", "manifest.parquet"

READ_ROWS = 1000
"""Rows of the manifest that reading keeps in memory."""

ROWS_SCHEMA = pa.schema({name: pa.string() for name in ("split", "id", "pixels", "text")})


class RowHashes(NamedTuple):
    """One row in the manifest."""

    id: str
    """The example's id."""
    pixels: str
    """Hash of its decoded image (see `pixel_hash`)."""
    text: str
    """Hash of its text (see `text_hash`)."""


@dataclass(frozen=True)
class SplitFacts:
    """One split in the manifest."""

    rows: int
    """Number of its examples."""
    fingerprint: str
    """Identity of its rows (see `fingerprint`)."""


@dataclass(frozen=True)
class Manifest:
    """The content of ``manifest.json``."""

    source: str
    """Name of the source that the rows come from."""
    question: str | None
    """Name of the question that is asked, where it is one for all rows."""
    labels: tuple[str, ...]
    """All answers in canonical order; empty where rows have their own."""
    answer_format: str
    """How an answer's text is read."""
    clustering: Clustering
    """What intervals are computed over."""
    splits: Mapping[str, SplitFacts]
    """The splits, in the order they were written."""
    spec: Mapping[str, Any]
    """All that made the rows, as plain JSON values."""
    versions: Mapping[str, str]
    """Versions of what wrote the folder."""

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """Read the manifest of a dataset folder.

        Raises:
            DataError: If there is none, or it is broken or of another format.
        """
        path = folder / FILE
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise DataError(
                f"{folder}: not a data set of ninefold (no {FILE}); make one with `ninefold data`"
            ) from error
        except (OSError, ValueError) as error:
            raise DataError(f"{path}: not readable as JSON ({error}); make the data set again") from error
        if isinstance(found, dict) and found.get("format") != FORMAT:
            raise DataError(
                f"{path}: format {found.get('format')}, where this version of ninefold reads format {FORMAT}; "
                "make the data set again with `ninefold data`"
            )
        try:
            splits = {
                str(split): SplitFacts(int(facts["rows"]), str(facts["fingerprint"]))
                for split, facts in found["splits"].items()
            }
            labels = tuple(map(str, found["labels"]))
            others = {
                name: found[name] for name in ("source", "question", "answer_format", "clustering", "spec", "versions")
            }
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise DataError(f"{path}: not a manifest ({error!r}); make the data set again") from error
        return cls(splits=splits, labels=labels, **others)

    def write(self, folder: Path) -> None:
        """Write the manifest into a dataset folder."""
        store.write_json(folder / FILE, {"format": FORMAT, **asdict(self)})


def describes(folder: Path) -> bool:
    """Return whether a folder is a data set that ninefold wrote, in this format or an earlier one."""
    try:
        found = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return "format" in found and "ninefold" in found["versions"]
    except (OSError, ValueError, KeyError, TypeError):
        return False


def read_rows(folder: Path, split: str) -> Iterator[RowHashes]:
    """Yield the rows that the manifest lists of a split, in order and in constant memory.

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
    return {split for [splits] in _batches(folder, ["split"]) for split in splits}


def _batches(folder: Path, columns: list[str]) -> Iterator[list[list[Any]]]:
    path = folder / ROWS_FILE
    with opened(path) as file:
        if not file.schema_arrow.equals(ROWS_SCHEMA):
            names = ", ".join(ROWS_SCHEMA.names)
            raise DataError(f"{path}: not a manifest: its columns are not {names}, all of text")
        for batch in file.iter_batches(READ_ROWS, columns=columns):
            yield [column.to_pylist() for column in batch.columns]


def fingerprint(rows: Iterable[RowHashes]) -> str:
    """Return the identity of rows, whatever files they stand in.

    It is the first 12 hex digits of the SHA-256 of the canonical JSON of a list with one ``{"id", "pixels", "text"}``
    for each row; the JSON is made and hashed piece by piece.
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
    """Return the identity of an image: xxh3_128 of ``"{width}x{height}:"`` and its (H, W, 3) uint8 pixels, in hex."""
    height, width = rgb.shape[:2]
    digest = xxhash.xxh3_128(f"{width}x{height}:".encode())
    digest.update(np.ascontiguousarray(rgb).data)
    return digest.hexdigest()


def text_hash(example: Example) -> str:
    """Return the identity of an example's text: xxh3_128 of [question, prompt, options, answer] as canonical JSON."""
    text = store.canonical_json([example.question, example.prompt, list(example.options), example.answer])
    return xxhash.xxh3_128(text.encode()).hexdigest()
