"""The folder of photos: a photo found by the name that the annotation file gives it, and checked."""

import os
import stat
import unicodedata
from collections.abc import Hashable, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote

import xxhash

from ninefold.data.sources.coco.entries import Photo
from ninefold.data.sources.protocol import Skips
from ninefold.errors import DataError


class PhotoFolder:
    """The folder of the photos of an annotation file.

    A file is found by its exact name. Otherwise it is found by a name that differs only in what exports change: case,
    spaces around it, back slashes, percent escapes, the Unicode form, or a path to the folder itself in front. A name
    that leaves the folder (``..``, or absolute) is never opened; a link that the user put into the folder is followed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.details: dict[str, str] = {}
        """For each reason why photos cannot be used so far, what is wrong with the first of them."""
        self.copies: dict[Photo, Photo] = {}
        """Photos whose files have the same bytes as earlier ones, with the earlier ones."""
        self._first: dict[bytes, Photo] = {}
        self._absolute = Path(os.path.normpath(folder.absolute()))
        self._listed: dict[Path, dict[str, list[str]]] = {}

    def find(self, name: str) -> Path | None:
        """Return the path of a photo's file, or None if the folder has none of that name."""
        found = self._find(name)
        return found[0] if found else None

    def same(self, name: str) -> Hashable:
        """Return a value that is equal for names of the same file, links included; for a missing file, its name."""
        found = self._find(name)
        return (found[1].st_dev, found[1].st_ino) if found else name

    def usable(self, photo: Photo, skips: Skips) -> Path | None:
        """Return the path of a photo that can be used; any other is counted as skipped, with its reason."""
        path = self.find(photo.file_name)
        reason, detail = _problem(path, photo) if path else self._why_not_found(photo.file_name)
        if path and not reason:
            first = self._first.setdefault(xxhash.xxh3_128_digest(path.read_bytes()), photo)
            if first != photo:
                self.copies[photo] = first
            return path
        skips.add(f"photo: {reason}", photo.file_name)
        self.details.setdefault(reason, detail)
        return None

    def _why_not_found(self, name: str) -> tuple[str, str]:
        inside = self._inside(name)
        if inside is None or self._inside(_unescaped(name)) is None:
            return "file_name leaves the folder of images", f"{name} is not below {self.folder}"
        return "missing", f"{self.folder / inside} is not there"

    def _find(self, name: str) -> tuple[Path, os.stat_result] | None:
        inside = self._inside(name)
        if inside is None:
            return None
        path = self.folder / inside
        status = _status(path)
        return (path, status) if status else self._alike(name)

    def _inside(self, name: str) -> str | None:
        """Return a name without ``.`` and ``..``, or None if it leaves the folder."""
        if ".." not in name and not name.startswith("/") and not Path(name).is_absolute():
            return name
        path = Path(os.path.normpath(self._absolute / name))
        return str(path.relative_to(self._absolute)) if path.is_relative_to(self._absolute) else None

    def _alike(self, name: str) -> tuple[Path, os.stat_result] | None:
        """Return the one file whose name is alike, by the rules of the class, or None."""
        inside = self._inside(_unescaped(name))
        if inside is None:
            return None
        parts = [_folded(part) for part in Path(inside.strip()).parts]
        own = _folded(self._absolute.name)
        starts = [0] + [index + 1 for index, part in enumerate(parts) if part == own]
        return next(filter(None, (self._walk(parts[start:]) for start in starts)), None)

    def _walk(self, parts: Sequence[str]) -> tuple[Path, os.stat_result] | None:
        path = self.folder
        for part in parts:
            names = self._names(path).get(part, [])
            if len(names) != 1:
                return None
            path /= names[0]
        status = _status(path)
        return (path, status) if status else None

    def _names(self, folder: Path) -> dict[str, list[str]]:
        """Return the names of a folder's entries by their folded form."""
        if folder not in self._listed:
            names: dict[str, list[str]] = {}
            with suppress(OSError):  # no folder, or one that may not be read: nothing is found in it
                for entry in folder.iterdir():
                    if entry.name.encode(errors="ignore").decode() == entry.name:  # a data set cannot hold other names
                        names.setdefault(_folded(entry.name), []).append(entry.name)
            self._listed[folder] = names
        return self._listed[folder]


def _problem(path: Path, photo: Photo) -> tuple[str, str]:
    """Return why a photo cannot be used, in general and in detail, or "" twice.

    Models see images with EXIF rotation applied, but a box may have been drawn with or without it. For a rotation by 90
    degrees, the annotated size shows which; if the size is the same both ways, nothing does, and the photo is skipped.
    """
    from ninefold import images

    try:
        height, width = images.open_rgb(path).shape[:2]
        turn = images.orientation(path)
    except DataError as error:
        return "truncated, or not readable as an image", str(error)
    if (width, height) != (photo.width, photo.height):
        detail = f"{path} is {width} x {height}, annotated as {photo.width} x {photo.height}"
        return "another size than its annotation states (with EXIF rotation applied)", detail
    if turn != 1 and (turn < 5 or width == height):
        return "EXIF rotation leaves open which way up its boxes were drawn", f"{path} has EXIF orientation {turn}"
    return "", ""


def _status(path: Path) -> os.stat_result | None:
    """Return the status of a regular file, or None."""
    try:
        status = path.stat()
    except (OSError, ValueError):  # also a name longer than the system allows, or with a null character
        return None
    return status if stat.S_ISREG(status.st_mode) else None


def _unescaped(name: str) -> str:
    return unquote(name, errors="surrogateescape").replace("\\", "/")


def _folded(name: str) -> str:
    plain = unquote(name, errors="surrogateescape")
    return unicodedata.normalize("NFC", plain).casefold().strip()
