"""Images that captions are left out for: those of evaluation sets, by name, by pixels, or as near-duplicates."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ninefold import console, images
from ninefold.captions.sources.image_names import names_in
from ninefold.captions.sources.images import EXTENSIONS, Picture, coco_id
from ninefold.captions.sources.near import NearHashes, cut_hashes
from ninefold.data.format import manifest, row_hashes
from ninefold.data.format.columns import opened
from ninefold.data.format.dataset import Dataset
from ninefold.data.sources.coco.ids import photo_id
from ninefold.errors import DataError
from ninefold.types import ImageSource

NAME = "file_name"
"""The column of a data set that names the photo of a row."""


@dataclass
class Exclusion:
    """Images to leave out. Memory is some 300 bytes for each."""

    _names: dict[str, str] = field(default_factory=dict)
    """The list that a name is in, by the key of the name."""
    _pixels: dict[str, str] = field(default_factory=dict)
    """The data set that an image is in, by the hash of its pixels."""
    _near: NearHashes = field(default_factory=lambda: NearHashes([]))
    _files: list[str] = field(default_factory=list)
    """The image of each perceptual hash."""

    @classmethod
    def of(cls, lists: Sequence[Path]) -> "Exclusion":
        """Return the images of lists: files of names, data sets of ninefold, and folders of images.

        Raises:
            DataError: If a list cannot be read, or names no image.
        """
        found, hashes = cls(), list[int]()
        for path in lists:
            if not path.is_dir():
                found._add_file(path)
                continue
            is_dataset = (path / manifest.FILE).exists()
            pictures = found._of_dataset(path) if is_dataset else found._of_folder(path)
            for where, image in console.track(pictures, f"images to exclude of {path.name}", transient=True):
                try:
                    cuts = cut_hashes(images.open_rgb(image))
                except DataError as error:
                    console.warn(f"--exclude: {error}; it excludes by its name alone")
                    continue
                hashes += cuts
                found._files += [where] * len(cuts)
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

    def _add_names(self, names: Iterable[str], where: str) -> int:
        """Add names, and return how many there are."""
        number = 0
        for name in names:
            number += 1
            for key in (*_keys(name), f"id {name}"):
                self._names.setdefault(key, where)
        return number

    def _add_file(self, path: Path) -> None:
        if not self._add_names(names_in(path), str(path)):
            raise DataError(f"{path}: names no image; write an id or file name a line, or name another file")

    def _of_dataset(self, folder: Path) -> Iterator[tuple[str, ImageSource]]:
        """Add the names and pixels of a data set, and yield each different image with where it is."""
        data, names, pictures = Dataset.open(folder), 0, 0
        for split in data.splits:
            for shard in data.shards(split):
                with opened(shard, ("image",)) as file:
                    # Benchmarks name photos that are not at hand, or that a table holds without a name.
                    more = [NAME] if NAME in file.schema_arrow.names else []
                    for batch in file.iter_batches(1000, columns=["image.path", *more]):
                        rows = batch.to_pylist()
                        paths = [(row["image"] or {}).get("path") or row.get(NAME) for row in rows]
                        names += self._add_names(map(str, filter(None, paths)), f"{folder} ({split})")
            examples = data.read(split, trust_pixels=True)
            for row, example in zip(row_hashes.read_rows(folder, split), examples, strict=True):
                pictures += bool(row.pixels)
                if row.pixels and row.pixels not in self._pixels:
                    self._pixels[row.pixels] = f"{folder} ({split})"
                    yield f"{row.id} in {folder} ({split})", example.image
        if not names and not pictures:
            raise DataError(f"{folder}: is a data set without images; name a file of ids, or another data set")

    def _of_folder(self, folder: Path) -> Iterator[tuple[str, ImageSource]]:
        """Add the names of the images in a folder, and yield each with its path."""
        files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in EXTENSIONS and path.is_file())
        if not files:
            raise DataError(f"{folder}: holds no images and is no data set of ninefold; name another folder or file")
        self._add_names((path.name for path in files), str(folder))
        yield from ((str(path), path) for path in files)


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
