"""The folder of photos: a photo found by the name that the annotation file gives it, and checked."""

import os
import stat
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote

from ninefold.data.sources.coco.copies import Copies
from ninefold.data.sources.coco.entries import Photo, stays_below, unescaped
from ninefold.data.sources.protocol import Skips
from ninefold.errors import DataError

_LEAVES = "file_name leaves the folder of images"


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
        self._copies = Copies()
        self._pictures: dict[str, Photo] = {}
        self._absolute = Path(os.path.normpath(folder.absolute()))
        self._listed: dict[Path, dict[str, list[str]]] = {}

    def find(self, name: str) -> Path | None:
        """Return the path of a photo's file, or None if the folder has none of that name."""
        found = self._find(name)
        return found[0] if found else None

    def same(self, name: str) -> Path | str:
        """Return a value that is equal for names of the same file, of links to it and of copies; of none, the name.

        Empty files are no copies of each other, but downloads that have failed.
        """
        found = self._find(name)
        return self._copies.first(*found) if found and found[1].st_size else name

    def recorded(self, name: str) -> str:
        """Return the name that a data set records: as given, or the path below the folder if it leads out and back."""
        found = None if stays_below(name) else self.find(name)
        return found.relative_to(self.folder).as_posix() if found else name

    def usable(self, photo: Photo, skips: Skips) -> Path | None:
        """Return the path of a photo that can be used; any other is counted as skipped, with its reason.

        Of photos with the same pixels in files of other bytes, such as a PNG and a BMP, only the first is used.
        """
        path = self.find(photo.file_name)
        reason, detail = self._problem(path, photo) if path else self._why_not_found(photo.file_name)
        if not reason:
            return path
        skips.add(f"photo: {reason}", photo.file_name)
        self.details.setdefault(reason, detail)
        return None

    def _problem(self, path: Path, photo: Photo) -> tuple[str, str]:
        """Return why a photo cannot be used, in general and in detail, or "" twice."""
        from ninefold import images

        if not stays_below(self.recorded(photo.file_name)):
            return _LEAVES, f"{photo.file_name} reads as a path that leaves its folder"
        try:
            rgb = images.open_rgb(path)
            problem = _mismatch(path, photo, (rgb.shape[1], rgb.shape[0]), images.orientation(path))
        except DataError as error:
            return "truncated, or not readable as an image", str(error)
        first = photo if any(problem) else self._pictures.setdefault(images.pixel_hash(rgb), photo)
        if first != photo:
            return "the same picture as an earlier one, in another file", f"{path} shows what {first.file_name} does"
        return problem

    def _why_not_found(self, name: str) -> tuple[str, str]:
        inside = self._inside(name)
        if inside is None or self._inside(unescaped(name)) is None:
            return _LEAVES, f"{name} is not below {self.folder}"
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
        inside = self._inside(unescaped(name))
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


def _mismatch(path: Path, photo: Photo, size: tuple[int, int], turn: int) -> tuple[str, str]:
    """Return why an image is not the annotated one, in general and in detail, or "" twice.

    Models see images with EXIF rotation applied, but a box may have been drawn with or without it. For a rotation by 90
    degrees, the annotated size shows which; if the size is the same both ways, nothing does, and the photo is skipped.
    """
    width, height = size
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


def _folded(name: str) -> str:
    plain = unquote(name, errors="surrogateescape")
    return unicodedata.normalize("NFC", plain).casefold().strip()
