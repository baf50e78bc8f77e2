"""The tables in which evaluation kits hand out benchmarks: parquet or TSV, an image in every row or a name of one."""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import ascii_uppercase
from typing import Any, NamedTuple

from ninefold.errors import DataError, first_line

READ_ROWS = 32
"""Number of rows that are read at a time: each may hold an image."""

LONGEST_INDEX = 64
"""Longest cell of a TSV's image column that is the index of another row, as in VLMEvalKit; a longer one is base64."""

_SHARD = re.compile(r"-\d{5}-of-\d{5}$")


class KitRow(NamedTuple):
    """A row of a kit's table."""

    values: Mapping[str, str]
    """Its cells as text, without the image; cells without a value ("", "nan") are left out."""
    image: bytes | None
    """The encoded image; None if the row holds none that can be read."""
    file_name: str
    """File name of the image, where the table gives one; ""."""


def tables_of(folder: Path, word: str, title: str, advice: str, *, first: str = "") -> list[Path]:
    """Return the table of a benchmark in a folder: one file, or the shards of one; a TSV before a parquet file.

    Args:
        folder: The folder; tables may be in folders of it.
        word: Part of the name of the table, or of a folder that it is in, in lower case.
        title: Name of the benchmark.
        advice: What to do if there is none.
        first: Part of the path of a table that is taken before all others.

    Raises:
        DataError: If there is none, or a shard of it is missing.
    """
    patterns = ("*.tsv", "*.parquet", "*.csv", "*/*.tsv", "*/*.parquet")
    found = [path for pattern in patterns for path in sorted(folder.glob(pattern))]
    named = [path for path in found if word in f"{folder.resolve().name}/{path.relative_to(folder)}".lower()]
    if not named:
        raise DataError(f"{folder}: no table of {title}; {advice}")
    best = min(named, key=lambda path: first not in str(path.relative_to(folder)))
    stem = _SHARD.sub("", best.stem)
    shards = [path for path in named if path.parent == best.parent and _SHARD.sub("", path.stem) == stem]
    counts = [int(path.stem[-5:]) for path in shards if _SHARD.search(path.stem)]
    if counts and len(counts) != max(counts):
        raise DataError(f"{best.parent}: holds {len(counts)} of the {max(counts)} files of {title}; {advice}")
    return shards


def kit_rows(path: Path) -> Iterator[KitRow]:
    """Yield the rows of a kit's table.

    Memory is that of a few rows and, of a TSV in which rows refer to the images of others by their ``index``, of all
    images that are referred to.

    Args:
        path: A ``.parquet`` file, whose column ``image`` holds encoded images as the `datasets` library stores them; or
            a ``.tsv`` or ``.csv`` file, whose column ``image`` holds base64 or the index of a row with the same image.

    Raises:
        DataError: If the file cannot be read.
    """
    yield from _of_parquet(path) if path.suffix == ".parquet" else _of_text(path)


def options_of(values: Mapping[str, str]) -> tuple[str, ...] | None:
    """Return the options of a row, whose columns are the letters from A on; None if a letter before the last is empty.

    Left out, an empty one would move all others to other letters than that of the answer.
    """
    letters = [letter for letter in ascii_uppercase if letter in values]
    is_whole = letters == list(ascii_uppercase[: len(letters)])
    return tuple(values[letter] for letter in letters) if is_whole else None


def _of_parquet(path: Path) -> Iterator[KitRow]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(READ_ROWS):
                for row in batch.to_pylist():
                    image = row.pop("image", None)
                    if isinstance(image, list):
                        image = image[0] if len(image) == 1 else None
                    held = image if isinstance(image, Mapping) else {"bytes": image}
                    content, name = held.get("bytes"), held.get("path")
                    yield KitRow(_values(row), content if isinstance(content, bytes) else None, str(name or ""))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not readable as parquet ({first_line(error)}); fetch it again") from error


def _of_text(path: Path) -> Iterator[KitRow]:
    shared: dict[str, bytes | None] = {}
    for row in _text_rows(path, ["index", "image"]):
        if 0 < len(row.get("image", "")) <= LONGEST_INDEX:
            shared[row["image"]] = None
    if shared:
        for row in _text_rows(path, ["index", "image"]):
            if row.get("index") in shared and len(row["image"]) > LONGEST_INDEX:
                shared[row["index"]] = _decoded(row["image"])
    for row in _text_rows(path, None):
        cell = row.pop("image", "")
        image = shared.get(cell) if len(cell) <= LONGEST_INDEX else _decoded(cell)
        yield KitRow(_values(row), image, "")


def _text_rows(path: Path, columns: list[str] | None) -> Iterator[dict[str, str]]:
    """Yield the cells of a table of text, with these columns only, or all."""
    import pandas as pd

    options: dict[str, Any] = {"sep": "," if path.suffix == ".csv" else "\t", "dtype": str, "keep_default_na": False}
    wanted = None if columns is None else columns.__contains__
    try:
        with pd.read_csv(path, chunksize=READ_ROWS, usecols=wanted, encoding="utf-8-sig", **options) as chunks:
            for chunk in chunks:
                # Short rows are filled up with nan even so.
                yield from chunk.fillna("").to_dict("records")
    except (pd.errors.ParserError, pd.errors.EmptyDataError, OSError, ValueError) as error:
        raise DataError(f"{path}: not readable as a table ({first_line(error)}); fetch it again") from error


def _decoded(cell: str) -> bytes | None:
    try:
        return base64.b64decode(cell, validate=True) or None
    except (binascii.Error, ValueError):
        return None


def _values(row: Mapping[str, Any]) -> dict[str, str]:
    texts = {name: str(value) for name, value in row.items() if isinstance(value, str | int | float)}
    return {name: text for name, text in texts.items() if text.strip() and text.strip().lower() != "nan"}
