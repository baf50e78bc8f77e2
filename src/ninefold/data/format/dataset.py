"""The dataset folder: parquet as the Hugging Face Hub expects it, with a card, a manifest and a certificate.

``README.md`` (card), ``data/{split}-00000-of-00001.parquet``, ``manifest.json`` (a hash of the pixels and one of the
text of every row) and ``certificate.json``. All is streamed: a set larger than memory can be written and read.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from ninefold import images, store
from ninefold.data.format.card import About, card
from ninefold.data.format.columns import CORE, EncodedImage, example_of, repetitive, schema_of, table_of
from ninefold.data.format.manifest import Clustering, Manifest
from ninefold.errors import DataError
from ninefold.scenes.render import encode_png
from ninefold.types import Example, Scene
from ninefold.version import __version__

BATCH_ROWS, BATCH_BYTES = 1000, 32 << 20
"""A row group ends at whichever comes first: what reading one row costs in memory."""

READ_ROWS = 64
"""Rows that reading keeps in memory."""

SHARD_BYTES = 500 << 20
"""A parquet file ends at the first row group that takes it past this size."""


@dataclass(frozen=True)
class Dataset:
    """A dataset folder, opened: its manifest is parsed once."""

    folder: Path
    """Where it lies."""
    manifest: Manifest
    """What it says of itself."""

    @classmethod
    def open(cls, folder: Path) -> "Dataset":
        """Open a dataset folder.

        Raises:
            DataError: If the folder is no data set, or its manifest is broken.
        """
        return cls(folder, Manifest.read(folder))

    @property
    def name(self) -> str:
        """Return the name of the folder."""
        return self.folder.resolve().name

    @property
    def source(self) -> str:
        """Return the name of the source that the rows come from."""
        return self.manifest.source

    @property
    def question(self) -> str | None:
        """Return the name of the question that is asked, where it is one for all rows."""
        return self.manifest.question

    @property
    def labels(self) -> tuple[str, ...]:
        """Return all answers in canonical order; empty where rows have their own."""
        return self.manifest.labels

    @property
    def clustering(self) -> Clustering:
        """Return what intervals are computed over: "census" or "group"."""
        return self.manifest.clustering

    @property
    def splits(self) -> dict[str, int]:
        """Return the number of examples of each split."""
        return {split: facts.rows for split, facts in self.manifest.splits.items()}

    def choose_split(self, split: str | None) -> str:
        """Return ``split``, or "test" where none is named and there is one.

        Raises:
            DataError: If the split does not exist, or none is named and there is no "test".
        """
        if (split or "test") in self.manifest.splits:
            return split or "test"
        wrong = f"no split {split!r}" if split else "no split 'test' to choose by itself"
        raise DataError(f"{self.folder}: {wrong}; name one with --split: {', '.join(self.manifest.splits)}")

    def fingerprint(self, split: str) -> str:
        """Return the identity of a split's rows: their ids, pixels and text, whatever files they stand in.

        Raises:
            DataError: If the split does not exist.
        """
        return self.manifest.splits[self.choose_split(split)].fingerprint

    def read(self, split: str, *, limit: int | None = None) -> Iterator[Example]:
        """Yield the examples of a split in order, in constant memory; ``limit`` stops after that many.

        Embedded images come as bytes, others as paths.

        Raises:
            DataError: If there is no such split, or a file of it is missing or broken.
        """
        self.choose_split(split)
        shards = sorted((self.folder / "data").glob(f"{split}-*.parquet"))
        if not shards:
            raise DataError(f"{self.folder}: the parquet files of split {split!r} are missing; make the data set again")
        rows = chain.from_iterable(_rows(shard) for shard in shards)
        return (example_of(row) for row in islice(rows, limit))


def write(folder: Path, parts: Mapping[str, Iterable[Example]], *, about: About, embed: bool = True) -> None:
    """Write a data set: whole, or not at all.

    Args:
        folder: Where to; what stood there before is replaced.
        parts: The examples of each split.
        about: What else the card and the manifest say.
        embed: Whether pictures that are paths are copied into the parquet; otherwise their absolute paths are kept.

    Raises:
        DataError: If a part is empty, an id occurs twice, or a factor changes its type or appears in some rows only.
    """
    from ninefold.data.checks import certificate

    with store.atomic_folder(folder) as fresh:
        (fresh / "data").mkdir()
        written: dict[str, WrittenSplit] = {}
        schema: pa.Schema | None = None
        for split, examples in parts.items():
            written[split], schema = _write_part(fresh / "data", split, examples, schema, embed)
        if schema is None:
            raise DataError(f"{folder}: a data set needs at least one split")
        rows = {split: part.rows for split, part in written.items()}
        _check_ids(rows)
        manifest = {
            "format": 1,
            "rows": rows,
            "spec": about.spec,
            "versions": {"ninefold": __version__},
        }
        store.write_json(fresh / "manifest.json", manifest)
        sizes = {split: (len(part.rows), part.bytes) for split, part in written.items()}
        store.write_text(fresh / "README.md", card(about, schema, sizes))
        store.write_json(fresh / "certificate.json", certificate.certify(fresh))


def pixel_hash(rgb: np.ndarray) -> str:
    """Return the identity of a picture: xxh3_128 of ``"{width}x{height}:"`` and its (H, W, 3) uint8 pixels, in hex."""
    height, width = rgb.shape[:2]
    digest = xxhash.xxh3_128(f"{width}x{height}:".encode())
    digest.update(np.ascontiguousarray(rgb).data)
    return digest.hexdigest()


def text_hash(example: Example) -> str:
    """Return the identity of an example's text: xxh3_128 of [question, prompt, options, answer] as canonical JSON."""
    text = store.canonical_json([example.question, example.prompt, list(example.options), example.answer])
    return xxhash.xxh3_128(text.encode()).hexdigest()


class WrittenSplit(NamedTuple):
    """What has been written of one split."""

    rows: list[dict[str, str]]
    """Each row's id and hashes, for the manifest."""
    bytes: int
    """Size of the parquet files."""


class _Row(NamedTuple):
    example: Example
    picture: EncodedImage
    pixels: str

    @property
    def weight(self) -> int:
        """Bytes of its picture."""
        return len(self.picture["bytes"] or b"")


def _write_part(
    folder: Path, split: str, examples: Iterable[Example], schema: pa.Schema | None, embed: bool
) -> tuple[WrittenSplit, pa.Schema]:
    """Write one split's parquet files; the first batch of the first split decides the schema of all."""
    rows: list[dict[str, str]] = []
    shards: list[Path] = []
    writer: pq.ParquetWriter | None = None
    room = 0
    for batch in _batches(examples, embed):
        schema = schema or schema_of([row.example for row in batch])
        if writer is None:
            shards.append(folder / f"{split}-{len(shards):05d}.parquet")
            writer = pq.ParquetWriter(shards[-1], schema, use_dictionary=repetitive(schema))
            room = SHARD_BYTES
        writer.write_table(table_of([(row.example, row.picture) for row in batch], schema))
        rows += [{"id": row.example.id, "pixels": row.pixels, "text": text_hash(row.example)} for row in batch]
        room -= sum(row.weight for row in batch)
        if room <= 0:
            writer.close()
            writer = None
    if writer is not None:
        writer.close()
    if schema is None or not rows:
        raise DataError(f"split {split!r} has no examples; every split needs at least one")
    size = sum(shard.stat().st_size for shard in shards)
    for number, shard in enumerate(shards):
        shard.rename(folder / f"{split}-{number:05d}-of-{len(shards):05d}.parquet")
    return WrittenSplit(rows, size), schema


def _batches(examples: Iterable[Example], embed: bool) -> Iterator[list[_Row]]:
    batch: list[_Row] = []
    room = BATCH_BYTES
    for example in examples:
        pixels = pixel_hash(images.open_rgb(example.image, name=example.id))
        batch.append(_Row(example, _picture(example, embed), pixels))
        room -= batch[-1].weight
        if room <= 0 or len(batch) == BATCH_ROWS:
            yield batch
            batch, room = [], BATCH_BYTES
    if batch:
        yield batch


def _picture(example: Example, embed: bool) -> EncodedImage:
    image = example.image
    if isinstance(image, Scene):
        return {"bytes": encode_png(image), "path": f"{example.id}.png"}
    if isinstance(image, bytes):
        return {"bytes": image, "path": None}
    if embed:
        return {"bytes": image.read_bytes(), "path": image.name}
    # An absolute path is found from wherever the set is read.
    return {"bytes": None, "path": str(image.resolve())}


def _check_ids(rows: Mapping[str, Sequence[Mapping[str, str]]]) -> None:
    seen: set[str] = set()
    for row in chain.from_iterable(rows.values()):
        if row["id"] in seen:
            raise DataError(f"example {row['id']}: two examples have this id; ids must be unique within a data set")
        seen.add(row["id"])


def _rows(shard: Path) -> Iterator[dict[str, Any]]:
    try:
        file = pq.ParquetFile(shard)
        missing = CORE.keys() - set(file.schema_arrow.names)
        if missing:
            raise DataError(f"{shard}: no column {', '.join(sorted(missing))}; make the data set again")
        for batch in file.iter_batches(READ_ROWS):
            yield from batch.to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{shard}: not readable as parquet ({error}); make the data set again") from error
