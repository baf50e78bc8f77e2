"""The keys of a data set's rows, by which two sets are compared: images, scenes and texts, without decoding images.

An image is known by the hash of its pixels in the manifest, by the path of its file, and by the COCO id in its file
name; a row without an image, by the COCO id in its column ``file_name``. Memory is 16 bytes for each row and kind.
"""

import json
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray
from PIL import Image

from ninefold import images
from ninefold.data.format import integrity, row_hashes
from ninefold.data.format.columns import CORE_COLUMNS, opened
from ninefold.data.format.dataset import Dataset
from ninefold.data.sources.coco.ids import photo_id
from ninefold.errors import DataError
from ninefold.store import canonical_json

COMPARED = 32
"""Largest number of images that are decoded, to tell whether both sets number their images alike."""

ALIKE = 12
"""Largest mean difference of pixels, of 255, between thumbnails of one image in two encodings. Of 150 photos of COCO,
copies of half the size or of JPEG quality 30 differ by at most 2, two different photos by 20 or more."""

IMAGES = ("coco", "pixels", "file")
"""The kinds of keys that tell one image from another."""

ASKED = tuple(f"{kind} row" for kind in IMAGES)
"""The kinds of keys that tell one row from another: the image and the question, in whatever form of prompt."""

KINDS = (*IMAGES, *ASKED, "scenes", "prompts", "questions")


class _Keys:
    """Keys of one kind: 64 bits and the number of the row for each, of all splits."""

    def __init__(self) -> None:
        self._keys, self._rows = array("Q"), array("Q")

    def add(self, key: int, row: int) -> None:
        self._keys.append(key)
        self._rows.append(row)

    def all(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Return all keys, and the row of each."""
        return np.frombuffer(self._keys, np.uint64), np.frombuffer(self._rows, np.uint64)

    def first_rows(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Return the different keys, rising, and the first row of each."""
        keys, rows = self.all()
        different, at = np.unique(keys, return_index=True)
        return different, rows[at]


@dataclass
class KeyedRows:
    """The rows of a data set, read once: keys of each kind."""

    data: Dataset
    """The data set."""
    splits: Sequence[str]
    """The splits whose rows are compared, in order; rows are numbered through all of them."""
    keys: dict[str, _Keys] = field(default_factory=lambda: {kind: _Keys() for kind in KINDS})
    """The keys of each kind."""
    count: int = 0
    """Number of rows."""
    shown: bytearray = field(default_factory=bytearray)
    """For each row, whether it has an image."""

    @classmethod
    def read(cls, data: Dataset, splits: Sequence[str]) -> "KeyedRows":
        """Read the keys of the rows of some splits.

        Raises:
            DataError: If a file is broken, or a scene is not readable.
            FactError: If the rows are not those of the manifest.
        """
        rows = cls(data, splits)
        for split in splits:
            integrity.check_split(data, split)
            for listed, row in zip(row_hashes.read_rows(data.folder, split), _columns(data, split), strict=True):
                for kind, key in _keys_of(row, listed.pixels, f"{data.folder}: {split}: row {listed.id}"):
                    rows.keys[kind].add(key, rows.count)
                rows.shown.append(bool(listed.pixels))
                rows.count += 1
        return rows

    def shared(self, other: "KeyedRows", kind: str) -> list[tuple[int, int]]:
        """Return a row here and one there for each thing that both hold, in the order of rows here."""
        (keys, rows), (others, other_rows) = self.keys[kind].first_rows(), other.keys[kind].first_rows()
        _, here, there = np.intersect1d(keys, others, assume_unique=True, return_indices=True)
        return sorted(zip(rows[here].tolist(), other_rows[there].tolist(), strict=True))

    def rows_in(self, other: "KeyedRows", kinds: Sequence[str]) -> int:
        """Return the number of rows here of which another set holds the same thing of any of these kinds."""
        found = [np.empty(0, np.uint64)]
        for kind in kinds:
            keys, rows = self.keys[kind].all()
            found.append(rows[np.isin(keys, other.keys[kind].all()[0])])
        return len(np.unique(np.concatenate(found)))

    def count_images(self) -> int:
        """Return the number of different images: by their COCO ids, or else by pixels, or else by files."""
        known, count = np.empty(0, np.uint64), 0
        for kind in IMAGES:
            keys, rows = self.keys[kind].all()
            count += len(np.unique(keys[~np.isin(rows, known)]))
            known = np.union1d(known, rows)
        return count

    def names(self, other: "KeyedRows", pairs: Sequence[tuple[int, int]]) -> tuple[str, ...]:
        """Return the names of pairs of rows."""
        return tuple(f"{self._name(one)} = {other._name(two)}" for one, two in pairs)

    def numbers_alike(self, other: "KeyedRows", pairs: Sequence[tuple[int, int]]) -> bool:
        """Whether images with the same COCO name are the same: pairs spread over all are compared as thumbnails.

        Where no pair has two images, the names are believed.
        """
        pairs = [(here, there) for here, there in pairs if self.shown[here] and other.shown[there]]
        step = max(1, len(pairs) // COMPARED)
        differences = [abs(self._thumbnail(a) - other._thumbnail(b)).mean() for a, b in pairs[::step][:COMPARED]]
        return not differences or bool(np.median(differences) < ALIKE)

    def _name(self, row: int) -> str:
        split, at = self._place(row)
        return f"{split} {next(islice(row_hashes.read_rows(self.data.folder, split), at, None)).id}"

    def _thumbnail(self, row: int) -> NDArray[np.int16]:
        """Return the image of a row on 16 x 16 pixels, (16, 16, 3)."""
        split, at = self._place(row)
        example = self.data.sequence(split)[at]
        picture = Image.fromarray(images.open_rgb(example.image, name=example.id))
        return np.asarray(picture.resize((16, 16), Image.Resampling.BOX), np.int16)

    def _place(self, row: int) -> tuple[str, int]:
        for split in self.splits:
            if row < self.data.splits[split]:
                return split, row
            row -= self.data.splits[split]
        raise AssertionError(row)


def _columns(data: Dataset, split: str) -> Iterator[dict[str, Any]]:
    """Yield texts, file names and, if there is one, scene of each row, in constant memory."""
    for shard in data.shards(split):
        with opened(shard, CORE_COLUMNS) as file:
            more = [name for name in ("scene", "file_name") if name in file.schema_arrow.names]
            columns = ["prompt", "question", "image.path", *more]
            for batch in file.iter_batches(integrity.READ_ROWS, columns=columns):
                yield from batch.to_pylist()


def _keys_of(row: dict[str, Any], pixels: str, where: str) -> Iterator[tuple[str, int]]:
    """Yield kind and key of what a row holds."""
    question = _normalized(row["question"])
    yield "prompts", _hash(_normalized(row["prompt"]))
    yield "questions", _hash(question)
    for kind, key in _images_of(row, pixels):
        yield kind, key
        yield f"{kind} row", _hash(f"{key} {question}")
    if row.get("scene") is not None:
        yield "scenes", _hash(_canonical(row["scene"], where))


def _images_of(row: dict[str, Any], pixels: str) -> Iterator[tuple[str, int]]:
    """Yield kind and key of the image of a row."""
    if pixels:
        yield "pixels", int(pixels[:16], 16)
    path = Path((row["image"] or {}).get("path") or "")
    coco = [photo_id(name) for name in (path.name, Path(str(row.get("file_name") or "")).name)]
    yield from (("coco", number) for number in coco[: 1 if coco[0] is not None else 2] if number is not None)
    if path.is_absolute():
        yield "file", _hash(str(path))


def _normalized(text: str) -> str:
    return " ".join(text.casefold().split())


def _canonical(scene: str, where: str) -> str:
    """Return what a scene shows, in whatever size and order of its things.

    Raises:
        DataError: If it is no scene.
    """
    try:
        found = json.loads(scene)
        things = sorted(canonical_json(thing) for thing in found["things"])
        return canonical_json([found["grid"], found["background"], things])
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(f"{where}: its scene is not readable as JSON with things in it") from error


def _hash(text: str) -> int:
    return xxhash.xxh3_64_intdigest(text.encode())
