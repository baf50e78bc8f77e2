"""Overlap of two data sets: the images, scenes and prompts that both hold.

Images, pixels and scenes that training shares with a test are a leak. Prompts are counted and no leak: text without its
image tells nothing of the answer (see the certificates), and photos of one category are asked about in the same words.

Rows are read without decoding images: pixels are compared by the hashes of the manifests.
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
from ninefold.errors import DataError, FactError
from ninefold.store import canonical_json

NAMED = 3
"""Largest number of shared things of a kind that are named."""

COMPARED = 32
"""Largest number of images that are decoded, to tell whether both sets number their images alike."""

ALIKE = 12
"""Largest mean difference of pixels, of 255, between thumbnails of one image in two encodings. Of 150 photos of COCO,
copies of half the size or of JPEG quality 30 differ by at most 2, two different photos by 20 or more."""

_KINDS = ("coco", "file", "pixels", "scenes", "prompts")


@dataclass(frozen=True)
class Shared:
    """Things of one kind that two data sets share."""

    count: int = 0
    """Number of different ones."""
    names: tuple[str, ...] = ()
    """The first few, each by its first row in both sets, e.g. "train 139-cup = test 139-cup"."""


@dataclass(frozen=True)
class Overlap:
    """What two data sets share."""

    images: Shared
    """Images of the same pixels, of one file, or of one COCO id (by their file names) in whatever encoding or size."""
    pixels: Shared
    """Those of them whose decoded pixels are the same."""
    scenes: Shared
    """Scenes: the same things in the same cells, drawn in any size."""
    prompts: Shared
    """Prompts, apart from case and spaces."""
    same: str = ""
    """What says that splits of both are the same, such as "are the same folder twice"; "" if none are."""

    @property
    def has_leak(self) -> bool:
        """Whether an image or a scene is shared."""
        return bool(self.images.count or self.scenes.count)

    def check(self, sets: str) -> None:
        """Refuse a leak.

        Args:
            sets: The data sets, as the message names them.

        Raises:
            FactError: If an image or a scene is shared.
        """
        kinds = {"images": self.images, "scenes": self.scenes}
        shared = [f"{found.count:,} {kind} ({found.names[0]})" for kind, found in kinds.items() if found.count]
        if shared:
            told = self.same or f"share {', '.join(shared)}"
            raise FactError(f"{sets}: {told}; training data must not be in the test; use another set")

    def sentences(self) -> list[str]:
        """Return one line for each kind, after one that says so if both are the same."""
        kinds = {
            "images": self.images, "of these, the same pixels": self.pixels,
            "scenes": self.scenes, "prompts (no leak)": self.prompts,
        }  # fmt: skip
        return [f"both {self.same}"] * bool(self.same) + [
            f"{name}: {shared.count:,} shared" + (f", first {'; '.join(shared.names)}" if shared.names else "")
            for name, shared in kinds.items()
        ]


def overlap(one: Path, other: Path, *, split: str | None = None, other_split: str | None = None) -> Overlap:
    """Return what two data sets share, from their manifests and columns.

    Memory is 16 bytes for each row and kind. Images are decoded only where both sets have the same file names with
    different pixels: up to `COMPARED` pairs, to tell one photo in two encodings from two collections numbered alike.

    Args:
        one: Folder of a data set, such as one to train on.
        other: Folder of another one, such as a test.
        split: The split of the first to compare; None for all.
        other_split: The split of the second to compare; None for all.

    Raises:
        DataError: If a folder is no data set, a file of it is broken, or there is no such split.
        FactError: If the rows of a data set are not those of its manifest.
    """
    first, second = _Rows.of(one, split, "--split"), _Rows.of(other, other_split, "--other-split")
    pairs = {kind: first.shared(second, kind) for kind in first.keys}
    if pairs["coco"] and not _numbered_alike(first, second, pairs["coco"]):
        pairs["coco"] = []
    seen = {pair[0]: pair for kind in ("coco", "file", "pixels") for pair in pairs[kind]}
    named = {"images": sorted(seen.values()), **{kind: pairs[kind] for kind in ("pixels", "scenes", "prompts")}}
    shared = {kind: Shared(len(found), first.names(second, found[:NAMED])) for kind, found in named.items()}
    return Overlap(**shared, same=_same(first, second))


class _Keys:
    """Keys of one kind: 64 bits and the number of the row for each, of all splits."""

    def __init__(self) -> None:
        self._keys, self._rows = array("Q"), array("Q")

    def add(self, key: int, row: int) -> None:
        self._keys.append(key)
        self._rows.append(row)

    def first_rows(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Return the different keys, rising, and the first row of each."""
        keys, at = np.unique(np.frombuffer(self._keys, np.uint64), return_index=True)
        return keys, np.frombuffer(self._rows, np.uint64)[at]


@dataclass
class _Rows:
    """The rows of a data set, read once: keys of each kind."""

    data: Dataset
    splits: Sequence[str]
    keys: dict[str, _Keys] = field(default_factory=lambda: {kind: _Keys() for kind in _KINDS})

    @classmethod
    def of(cls, folder: Path, split: str | None, option: str) -> "_Rows":
        data = Dataset.open(folder)
        rows = cls(data, list(data.splits) if split is None else [data.choose_split(split, option=option)])
        at = 0
        for each in rows.splits:
            integrity.check_split(data, each)
            for listed, row in zip(row_hashes.read_rows(folder, each), _columns(data, each), strict=True):
                if listed.pixels:
                    rows.keys["pixels"].add(int(listed.pixels[:16], 16), at)
                for kind, key in _keys_of(row, f"{folder}: {each}: row {listed.id}"):
                    rows.keys[kind].add(key, at)
                at += 1
        return rows

    def shared(self, other: "_Rows", kind: str) -> list[tuple[int, int]]:
        """Return a row here and one there for each thing that both hold, in the order of rows here."""
        (keys, rows), (others, other_rows) = self.keys[kind].first_rows(), other.keys[kind].first_rows()
        _, here, there = np.intersect1d(keys, others, assume_unique=True, return_indices=True)
        return sorted(zip(rows[here].tolist(), other_rows[there].tolist(), strict=True))

    def names(self, other: "_Rows", pairs: Sequence[tuple[int, int]]) -> tuple[str, ...]:
        """Return the names of pairs of rows."""
        return tuple(f"{self._name(one)} = {other._name(two)}" for one, two in pairs)

    def _name(self, row: int) -> str:
        split, at = self._place(row)
        return f"{split} {next(islice(row_hashes.read_rows(self.data.folder, split), at, None)).id}"

    def thumbnail(self, row: int) -> NDArray[np.int16]:
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


def _same(one: _Rows, other: _Rows) -> str:
    """Return what says that splits of both are the same; "" if none are."""
    first, second = ({rows.data.fingerprint(split): split for split in rows.splits} for rows in (one, other))
    common = [f"{split} = {second[fingerprint]}" for fingerprint, split in first.items() if fingerprint in second]
    if not common:
        return ""
    if one.data.folder.resolve() == other.data.folder.resolve():
        return "are the same folder twice"
    return f"hold the same rows (one fingerprint): {', '.join(common)}"


def _columns(data: Dataset, split: str) -> Iterator[dict[str, Any]]:
    """Yield prompt, file name and, if there is one, scene of each row, in constant memory."""
    for shard in data.shards(split):
        with opened(shard, CORE_COLUMNS) as file:
            scene = ["scene"] if "scene" in file.schema_arrow.names else []
            for batch in file.iter_batches(integrity.READ_ROWS, columns=["prompt", "image.path", *scene]):
                yield from batch.to_pylist()


def _keys_of(row: dict[str, Any], where: str) -> Iterator[tuple[str, int]]:
    """Yield kind and key of what a row holds, except its pixels."""
    yield "prompts", _hash(" ".join(row["prompt"].casefold().split()))
    path = Path((row["image"] or {}).get("path") or "")
    coco = photo_id(path.name)
    if coco is not None:
        yield "coco", coco
    if path.is_absolute():
        yield "file", _hash(str(path))
    if row.get("scene") is not None:
        yield "scenes", _hash(_canonical(row["scene"], where))


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


def _numbered_alike(one: _Rows, other: _Rows, pairs: Sequence[tuple[int, int]]) -> bool:
    """Whether images with the same COCO name are the same: pairs spread over all of them are compared as thumbnails."""
    step = max(1, len(pairs) // COMPARED)
    differences = [abs(one.thumbnail(a) - other.thumbnail(b)).mean() for a, b in pairs[::step][:COMPARED]]
    return bool(np.median(differences) < ALIKE)
