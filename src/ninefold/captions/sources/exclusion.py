"""Images that captions are left out for: those of evaluation sets, by name, by pixels, or as near-duplicates."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ninefold import console, images
from ninefold.captions.sources.images import EXTENSIONS, Picture, coco_id
from ninefold.captions.sources.near import NearHashes, cut_hashes
from ninefold.captions.sources.rows import Row, check_file, form_of, open_table
from ninefold.captions.sources.text import one_line
from ninefold.data.format import manifest, row_hashes
from ninefold.data.format.columns import opened
from ninefold.data.format.dataset import Dataset
from ninefold.data.sources.coco.ids import photo_id
from ninefold.errors import DataError

FIELDS = (
    "image", "image_id", "image_file", "image_name", "image_path", "image/key", "file_name", "filename", "img",
    "image_url", "coco_url", "image_link",
)  # fmt: skip
"""Fields that name images; a file's are all used."""

IDS = ("caption_id", "example_id", "id")
"""Fields of ids, which are used where no field names images."""

_LONGEST_NAME = 1000


@dataclass
class Exclusion:
    """Images to leave out. Memory is some 300 bytes for each."""

    _names: dict[str, str] = field(default_factory=dict)
    """The list that a name is in, by the key of the name."""
    _pixels: dict[str, str] = field(default_factory=dict)
    """The data set that an image is in, by the hash of its pixels."""
    _near: NearHashes = field(default_factory=lambda: NearHashes([]))
    _files: list[str] = field(default_factory=list)
    """The file of each perceptual hash."""

    @classmethod
    def of(cls, lists: Sequence[Path]) -> "Exclusion":
        """Return the images of lists: files of names, data sets of ninefold, and folders of images.

        Raises:
            DataError: If a list cannot be read, or names no image.
        """
        found, hashes = cls(), list[int]()
        for path in lists:
            if path.is_dir() and (path / manifest.FILE).exists():
                found._add_dataset(path)
            elif path.is_dir():
                hashes += found._add_folder(path)
            else:
                before = len(found._names)
                found._add_names(_names_in(path), str(path))
                if len(found._names) == before and not any(True for _ in _names_in(path)):
                    raise DataError(f"{path}: names no image; write an id or file name a line, or name another file")
        found._near = NearHashes(hashes)
        return found

    @property
    def has_pictures(self) -> bool:
        """Whether images are compared, and not only their names."""
        return bool(self._pixels or self._files)

    def named(self, image: str, row_id: str) -> str:
        """Return what a caption is excluded by, by the name of its image or its row's id; "" if it is not.

        Photos of COCO are known by their ids, however they are named; other images by their file names without folder
        and extension, in any case. The id of a row must be listed exactly, or be the name of a photo of COCO.
        """
        for key in (*_keys(image), *_id_keys(row_id)):
            if key in self._names:
                return f"{_shown(key)} in {self._names[key]}"
        return ""

    def pictured(self, picture: Picture) -> str:
        """Return what a caption is excluded by, by what its image shows; "" if it is not."""
        if picture.pixels in self._pixels:
            return f"the pixels of an image in {self._pixels[picture.pixels]}"
        near = self._near.nearest(picture.near) if picture.near is not None else None
        return f"near-duplicate of {self._files[near[0]]} ({near[1]} of 64 bits differ)" if near else ""

    def _add_names(self, names: Iterable[str], where: str) -> None:
        for name in names:
            for key in (*_keys(name), f"id {name}"):
                self._names.setdefault(key, where)

    def _add_dataset(self, folder: Path) -> None:
        data = Dataset.open(folder)
        for split in data.splits:
            where = f"{folder} ({split})"
            for shard in data.shards(split):
                with opened(shard, ("image",)) as file:
                    for batch in file.iter_batches(1000, columns=["image.path"]):
                        paths = [(row["image"] or {}).get("path") for row in batch.to_pylist()]
                        self._add_names(filter(None, paths), where)
            for row in row_hashes.read_rows(folder, split):
                if row.pixels:
                    self._pixels.setdefault(row.pixels, where)

    def _add_folder(self, folder: Path) -> list[int]:
        files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in EXTENSIONS and path.is_file())
        if not files:
            raise DataError(f"{folder}: holds no images and is no data set of ninefold; name another folder or file")
        self._add_names((path.name for path in files), str(folder))
        hashes, broken = [], 0
        for path in console.track(files, "images to exclude", transient=True):
            try:
                found = cut_hashes(images.open_rgb(path))
            except DataError:
                broken += 1
                continue
            hashes += found
            self._files += [str(path)] * len(found)
        if broken:
            console.warn(f"{folder}: {broken:,} of {len(files):,} images cannot be read; they exclude by name alone")
        return hashes


def _keys(name: str) -> Iterator[str]:
    """Yield the keys by which an image is known: its COCO id, or its name; a bare number may be either."""
    base = name.rstrip("/").rpartition("/")[2].partition("?")[0] if "://" in name else name.rpartition("/")[2]
    number = coco_id(base)
    if number is not None:
        yield f"COCO {number}"
    if base and photo_id(base) is None:
        stem, dot, extension = base.rpartition(".")
        yield f"image {(stem if dot and f'.{extension}'.lower() in EXTENSIONS else base).casefold()}"


def _id_keys(row_id: str) -> Iterator[str]:
    number = photo_id(row_id)
    yield f"id {row_id}" if number is None else f"COCO {number}"


def _shown(key: str) -> str:
    return key.removeprefix("image ").removeprefix("id ")


def _names_in(path: Path) -> Iterator[str]:
    """Yield the names of images in a file: a table, a JSON file, or a text with one a line."""
    check_file(path)
    if path.suffix.lower() == ".json":
        with suppress(ValueError, RecursionError), path.open(encoding="utf-8-sig") as file:
            yield from _in_json(json.load(file))
            return
    if form_of(path) is None:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            for line in file:
                name = line.split(" #")[0].strip()
                if name and not name.startswith("#"):
                    yield one_line(name)
        return
    table = open_table(path)
    kinds = table.fields()
    wanted = _used(kinds)
    if kinds and not wanted:
        raise DataError(f"{path}: no field names images; expected one of {', '.join(FIELDS)}, found {', '.join(kinds)}")
    # Of an embedded image, only the name is read.
    read = [f"{name}.path" if f"{name}.path" in kinds else name for name in wanted]
    broken = 0
    for row in table.rows(read):
        if isinstance(row, Row):
            for name in wanted:
                yield from _name(row.values.get(name))
        else:
            broken += 1
    if broken:
        console.warn(f"{path}: {broken:,} rows cannot be read; their images are not excluded")


def _used(fields: Collection[str]) -> list[str]:
    return [name for name in FIELDS if name in fields] or [name for name in IDS if name in fields][:1]


def _in_json(tree: Any) -> Iterator[str]:
    """Yield the names in a JSON file: COCO's images, or a list of objects, of names, or of lists with a name first."""
    rows = tree.get("images", tree.get("annotations", list(tree))) if isinstance(tree, Mapping) else tree
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, Mapping):
            for field_name in _used(row):
                yield from _name(row[field_name])
        else:
            yield from _name(row[0] if isinstance(row, list) and row else row)


def _name(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        value = value.get("path")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str | int) and not isinstance(value, bool) and 0 < len(str(value)) <= _LONGEST_NAME:
        yield one_line(str(value))
