"""The writer of a split's parquet files (shards): each is written atomically, and only once.

A shard is two files in a work folder, written one right after the other: ``rows/{split}-00000.parquet`` with its rows
of the manifest, then ``data/{split}-00000.parquet`` with the examples. The shard is finished when the latter exists.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, count, islice
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from ninefold import images
from ninefold.data.format.columns import CORE_COLUMNS, EncodedImage, opened, repetitive, schema_of, table_of
from ninefold.data.format.row_hashes import ROWS_SCHEMA, RowHashes, text_hash
from ninefold.errors import DataError
from ninefold.scenes.render import encode_png
from ninefold.types import NO_IMAGE, Example, Scene

GROUP_ROWS, GROUP_BYTES = 1000, 4 << 20
"""Limits of a row group, whichever comes first; they bound the memory and time of reading one row."""

SHARD_ROWS, SHARD_BYTES = 10_000, 64 << 20
"""Limits of a shard: it ends with the first row group that reaches either. A kill loses one shard at most."""


class Shard(NamedTuple):
    """One shard of a split in the work folder."""

    folder: Path
    """The work folder."""
    split: str
    """Name of the split."""
    number: int
    """Its index among the shards of the split."""

    @property
    def data(self) -> Path:
        """Return the file of its examples."""
        return self.folder / "data" / f"{self.split}-{self.number:05d}.parquet"

    @property
    def rows(self) -> Path:
        """Return the file of its rows in the manifest."""
        return self.folder / "rows" / f"{self.split}-{self.number:05d}.parquet"


class _Row(NamedTuple):
    example: Example
    image: EncodedImage | None
    pixels: str

    @property
    def size(self) -> int:
        """Return the number of bytes of its embedded image."""
        return 0 if self.image is None else len(self.image["bytes"] or b"")


def finished(folder: Path, split: str) -> list[Shard]:
    """Return the finished shards of a split, in order."""
    shards = (Shard(folder, split, number) for number in count())
    found = []
    for shard in shards:
        if not shard.data.exists():
            break
        found.append(shard)
    return found


def write_shards(
    folder: Path, split: str, examples: Iterable[Example], schema: pa.Schema | None, *, embed: bool
) -> pa.Schema:
    """Write all shards of a split, except finished ones that hold the same examples.

    Args:
        folder: The work folder.
        split: Name of the split.
        examples: All examples of the split.
        schema: Columns of the data set; ``None`` for the first split, whose first row group determines them.
        embed: Whether images that are paths are copied.

    Returns:
        The schema.

    Raises:
        DataError: If there are no examples, or one does not fit the schema or has an image that cannot be decoded.
    """
    rest = iter(examples)
    number = 0
    for shard in finished(folder, split):
        block = list(islice(rest, _rows_in(shard.data)))
        if not _holds(shard.data, block, schema):
            rest = chain(block, rest)
            break
        if schema is None:
            with opened(shard.data) as file:
                schema = _schema_in(file)
        number += 1
    # From the last to the first: a crash leaves no gap before finished shards.
    for stale in reversed(finished(folder, split)[number:]):
        stale.data.unlink()
    groups = _row_groups(rest, embed)
    for shard in (Shard(folder, split, number) for number in count(number)):
        first = next(groups, None)
        if first is None:
            break
        schema = schema or schema_of([row.example for row in first])
        _write_shard(shard, chain([first], groups), schema)
    if schema is None or not Shard(folder, split, 0).data.exists():
        raise DataError(f"split {split!r} has no examples; every split needs at least one")
    return schema


def _rows_in(path: Path) -> int:
    """Return the number of rows of a file; 0 for a broken one, which is then written again."""
    try:
        with opened(path) as file:
            return int(file.metadata.num_rows)
    except DataError:
        return 0


def _schema_in(file: pq.ParquetFile) -> pa.Schema:
    """Return the schema with which a file was written; the one read back differs in details."""
    found = file.schema_arrow
    columns = {field.name: CORE_COLUMNS.get(field.name, field.type) for field in found}
    return pa.schema(columns, metadata=found.metadata)


def _holds(path: Path, examples: list[Example], schema: pa.Schema | None) -> bool:
    """Return whether a finished shard holds these examples under a schema (None: any schema).

    Images are not compared, because they would have to be made first.
    """
    try:
        with opened(path) as file:
            found = _schema_in(file)
            expected = table_of(examples, schema or found)
            rows = file.read(columns=[name for name in found.names if name != "image"])
            same = schema is None or found.equals(schema, check_metadata=True)
            return bool(same and rows.cast(expected.schema).equals(expected))
    except DataError:
        return False


def _write_shard(shard: Shard, groups: Iterator[list[_Row]], schema: pa.Schema) -> None:
    """Write one shard with as many row groups as fit."""
    hashes: list[RowHashes] = []
    room = SHARD_BYTES
    with _whole(shard.data) as data:
        with pq.ParquetWriter(data, schema, use_dictionary=repetitive(schema)) as writer:
            for group in groups:
                examples = [row.example for row in group]
                writer.write_table(table_of(examples, schema, [row.image for row in group]))
                hashes += [RowHashes(row.example.id, row.pixels, text_hash(row.example)) for row in group]
                room -= sum(row.size for row in group)
                if room <= 0 or len(hashes) >= SHARD_ROWS:
                    break
        with _whole(shard.rows) as rows:
            listed = [{"split": shard.split, **row._asdict()} for row in hashes]
            pq.write_table(pa.Table.from_pylist(listed, schema=ROWS_SCHEMA), rows)


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """Yield a temporary path, moved to ``path`` when the block ends without an error."""
    unfinished = path.with_suffix(".unfinished")
    yield unfinished
    with unfinished.open("rb+") as file:
        os.fsync(file.fileno())
    unfinished.replace(path)


def _row_groups(examples: Iterable[Example], embed: bool) -> Iterator[list[_Row]]:
    group: list[_Row] = []
    room = GROUP_BYTES
    for example in examples:
        missing = example.image == NO_IMAGE
        pixels = "" if missing else images.pixel_hash(images.open_rgb(example.image, name=example.id))
        group.append(_Row(example, _encoded(example, embed), pixels))
        room -= group[-1].size
        if room <= 0 or len(group) == GROUP_ROWS:
            yield group
            group, room = [], GROUP_BYTES
    if group:
        yield group


def _encoded(example: Example, embed: bool) -> EncodedImage | None:
    image = example.image
    if image == NO_IMAGE:
        return None
    if isinstance(image, Scene):
        return {"bytes": encode_png(image), "path": f"{example.id}.png"}
    if isinstance(image, bytes):
        return {"bytes": image, "path": None}
    if embed:
        return {"bytes": image.read_bytes(), "path": image.name}
    # An absolute path works from every working directory.
    return {"bytes": None, "path": str(image.resolve())}
