"""The layout of a dataset folder: the files that `datasets.load_dataset` reads from it are those that are checked."""

import re
from typing import Any

import pyarrow as pa

from ninefold.data.format.card import loading
from ninefold.data.format.columns import CORE_COLUMNS, check_type, opened
from ninefold.data.format.dataset import Dataset
from ninefold.data.format.manifest import FILE
from ninefold.errors import DataError

CARD = "README.md"

_OVERRIDES = (".huggingface.yaml", "dataset_infos.json")
"""Files by which `datasets` would read others than the card says."""


def check_files(data: Dataset) -> None:
    """Check that ``data/`` holds every file of every split, and nothing else but hidden files, which nothing opens.

    Raises:
        DataError: If a file is missing or too many; the message names it.
    """
    there = data.folder / "data"
    if not there.is_dir():
        raise DataError(f"{there}: the parquet files are missing; make the data set again")
    found = {path.name for path in there.iterdir() if not path.name.startswith(".")}
    parts: dict[str, set[int]] = {}
    for name in found:
        shard = re.fullmatch(r"(.+)-\d{5}-of-(\d{5})\.parquet", name)
        if not shard:
            raise DataError(f"{there / name}: no file of a data set; remove it")
        parts.setdefault(shard[1], set()).add(int(shard[2]))
    if parts.keys() != data.splits.keys():
        odd = ", ".join(sorted(parts.keys() ^ data.splits.keys()))
        raise DataError(f"{data.folder / FILE}: its splits are not those of the parquet files (differing: {odd})")
    for split in data.splits:
        count = max(parts[split])
        expected = {f"{split}-{number:05d}-of-{count:05d}.parquet" for number in range(count)}
        different = expected ^ {name for name in found if name.rpartition("-of-")[0].rpartition("-")[0] == split}
        if different:
            name = min(different)
            raise DataError(f"{there / name}: {'missing' if name in expected else 'too many'}; make the data set again")
    for name in _OVERRIDES:
        if (data.folder / name).exists():
            raise DataError(f"{data.folder / name}: would change what `datasets` reads from this folder; remove it")


def check_schema(data: Dataset) -> pa.Schema:
    """Return the schema that all files of a data set have.

    Raises:
        DataError: If files differ in it, or a column is of a type that is never written.
    """
    schema: pa.Schema | None = None
    for split in data.splits:
        for shard in data.shards(split):
            with opened(shard, CORE_COLUMNS) as file:
                found = file.schema_arrow
            schema = schema or found
            if not found.equals(schema):
                raise DataError(f"{shard}: its columns are not those of the other files; make the data set again")
            for field in found:
                check_type(field, shard)
    if schema is None:
        raise DataError(f"{data.folder}: a data set needs at least one split")
    return schema


def check_card(data: Dataset) -> None:
    """Check that the card's front matter names the files, features and splits that are there.

    Raises:
        DataError: If there is no card, or `datasets` would read something else by it.
    """
    # Imported here: it is slow, and only verifying needs it.
    from huggingface_hub import metadata_load

    path = data.folder / CARD
    if not path.is_file():
        raise DataError(f"{path}: the card is missing; make the data set again")
    try:
        found: Any = metadata_load(path) or {}
        told = {name: found.get(name) for name in ("configs", "dataset_info")}
        for split in told["dataset_info"]["splits"]:
            del split["num_bytes"]  # other encodings of the same rows have other sizes
    except Exception as error:  # of YAML, of its shape, or of the file
        raise DataError(f"{path}: the card is missing or not readable ({error}); make the data set again") from error
    expected = loading(check_schema(data), {split: (rows, 0) for split, rows in data.splits.items()})
    for split in expected["dataset_info"]["splits"]:
        del split["num_bytes"]
    for name, value in expected.items():
        if told[name] != value:
            raise DataError(f"{path}: its front matter ({name}) is not that of these files; make the data set again")
