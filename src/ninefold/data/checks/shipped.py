"""Reading for checks: every column of every split of a dataset folder, and every row compared with the manifest.

The code that writes rows is not used here: hashes are computed anew from the files.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

from ninefold import images
from ninefold.data.checks.facts import LISTED, Columns, ImageCheck
from ninefold.data.checks.layout import check_files, check_schema
from ninefold.data.format import manifest, row_hashes
from ninefold.data.format.columns import encoded, opened
from ninefold.data.format.dataset import Dataset
from ninefold.errors import DataError
from ninefold.store import canonical_json
from ninefold.types import NO_IMAGE

READ_ROWS = 64
"""Number of rows whose images are in memory at a time."""


def read_columns(data: Dataset) -> dict[str, Columns]:
    """Read every split's columns except the images, and add the manifest's hashes.

    Raises:
        DataError: If files or columns are missing, or the rows differ from the manifest; the message names a row.
    """
    check_files(data)
    strange = sorted(row_hashes.listed_splits(data.folder) - data.splits.keys())
    if strange:
        raise DataError(
            f"{data.folder / manifest.ROWS}: lists rows of splits that {manifest.FILE} lacks: {', '.join(strange)}"
        )
    names = [name for name in check_schema(data).names if name != "image"]
    return {split: _read_split(data, split, names) for split in data.splits}


def _read_split(data: Dataset, split: str, names: Sequence[str]) -> Columns:
    where = f"{data.folder}: {split}"
    shards = data.shards(split)
    columns = {name: _values(shards, name) for name in names}
    listed = list(row_hashes.read_rows(data.folder, split))
    _check_ids(where, listed=[row.id for row in listed], shipped=columns["id"])
    columns["manifest pixels"] = [row.pixels for row in listed]
    columns["manifest text"] = [row.text for row in listed]
    return columns


def _values(shards: Sequence[Path], name: str) -> list[Any]:
    """Read one column; equal values share one object, because most columns have few distinct values."""
    known: dict[Any, Any] = {}
    values: list[Any] = []
    for shard in shards:
        with opened(shard, [name]) as file:
            for batch in file.iter_batches(columns=[name]):
                found = batch.column(0).to_pylist()
                keys = (tuple(value) if isinstance(value, list) else value for value in found)
                values += map(known.setdefault, keys, found)
    return values


def _check_ids(where: str, *, listed: Sequence[str], shipped: Sequence[str]) -> None:
    """Check that a split has the rows of the manifest, each once and in the same order."""
    for ids, others, what, lacks in (
        (listed, set(shipped), "manifest.parquet", "the data files"),
        (shipped, set(listed), "the data files", "manifest.parquet"),
    ):
        for row, count in Counter(ids).items():
            if count > 1:
                raise DataError(f"{where}: row {row}: {count} times in {what}; ids must be unique")
            if row not in others:
                raise DataError(f"{where}: row {row}: in {what} but not in {lacks}")
    for row, expected in zip(shipped, listed, strict=True):
        if row != expected:
            raise DataError(f"{where}: row {row}: stands where manifest.parquet lists {expected}")


def check_manifest(data: Dataset, splits: Mapping[str, Columns]) -> None:
    """Check that each row's text has the hash of the manifest, and each split its fingerprint.

    Raises:
        DataError: If one differs; the message names the row or the split.
    """
    for split, columns in splits.items():
        texts = zip(*(columns[name] for name in ("question", "prompt", "options", "answer")), strict=True)
        for row, text, expected in zip(columns["id"], texts, columns["manifest text"], strict=True):
            if content_hash(canonical_json(text).encode()) != expected:
                raise DataError(
                    f"{data.folder}: {split}: row {row}: its question, prompt, options or answer is not the manifest's"
                )
        found = manifest.SplitFacts(
            len(columns["id"]),
            row_hashes.fingerprint(
                map(row_hashes.RowHashes, columns["id"], columns["manifest pixels"], columns["manifest text"])
            ),
        )
        if found != data.manifest.splits[split]:
            raise DataError(
                f"{data.folder / manifest.FILE}: {split}: says {_facts(data.manifest.splits[split])}, "
                f"manifest.parquet has {_facts(found)}"
            )


def _facts(facts: manifest.SplitFacts) -> str:
    return f"{facts.rows:,} rows with fingerprint {facts.fingerprint}"


def check_images(
    data: Dataset, split: str, columns: Columns, images_of_split: Iterable[Mapping[str, Any]], check: ImageCheck
) -> None:
    """Decode every image of a split, and check its pixels against the manifest and its row.

    A row without an image must be one of the manifest's without.

    Args:
        data: The data set.
        split: Name of the split.
        columns: Its columns, as `read_columns` returns them.
        images_of_split: Its rows, as `read_images` yields them.
        check: The check of its source's claims about images.

    Raises:
        DataError: If a fact does not hold; the message names the row.
    """
    for row, row_id, expected in zip(images_of_split, columns["id"], columns["manifest pixels"], strict=True):
        name = f"{data.folder}: {split}: row {row_id}"
        image = encoded(row["image"], name)
        if image == NO_IMAGE and not expected:
            continue
        rgb = images.open_rgb(image, name=name)
        height, width = rgb.shape[:2]
        alike = content_hash(f"{width}x{height}:".encode(), np.ascontiguousarray(rgb)) == expected
        broken = check.broken(rgb, row) if alike else LISTED
        if broken:
            raise DataError(f"{name}: broken: {broken}")


def read_images(data: Dataset, split: str, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield, row by row, the encoded image and the columns of some names."""
    for shard in data.shards(split):
        with opened(shard) as file:
            for batch in file.iter_batches(READ_ROWS, columns=["image", *names]):
                yield from batch.to_pylist()


def column_hash(values: Sequence[Any]) -> str:
    """Return the hash of a column (see `ninefold.data.format.row_hashes.ColumnHash`)."""
    found = row_hashes.ColumnHash()
    for start in range(0, len(values), 1000):
        found.add(values[start : start + 1000])
    return found.hexdigest()


def content_hash(*contents: Any) -> str:
    """Return xxh3_128 of bytes, one after the other."""
    digest = xxhash.xxh3_128()
    for content in contents:
        digest.update(content)
    return digest.hexdigest()
