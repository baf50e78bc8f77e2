"""The images of a benchmark's rows: found by the names that its files give them, or missing."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from ninefold.data.sources.protocol import Skips
from ninefold.errors import DataError, first_line, printable
from ninefold.store import content_id
from ninefold.types import Example

Row = TypeVar("Row")
Image = TypeVar("Image", Path, bytes, Path | bytes)

NAMED = 3
"""Number of missing images that an error names."""


class Pictures:
    """The folders in which a benchmark's images are looked for.

    An image is found by its path below the benchmark's folder, by any end of that path (``data/a/x.jpg`` also as
    ``a/x.jpg`` and ``x.jpg``), or by its file name in one of the folders that the benchmark's images usually are in.
    Names that lead out of the folder are never opened.
    """

    def __init__(self, directory: Path, folders: Sequence[str] = ("images",)) -> None:
        self._directory, self._folders = directory, folders
        places = [directory, *(directory / folder for folder in folders)]
        self._places = [place for place in places if place.is_dir()] or [directory]

    def find(self, name: str) -> Path | None:
        """Return the file of an image, or None if there is none."""
        parts = PurePosixPath(name).parts
        if not parts or parts[0] == "/" or ".." in parts:
            return None
        places = [self._places[0].joinpath(*parts[start:]) for start in range(len(parts))]
        places += [place / parts[-1] for place in self._places[1:]]
        return next((path for path in places if _is_file(path)), None)

    def shown(self, names: Sequence[str]) -> dict[str, str]:
        """Return, where images are missing, a hash of the names of the others for the manifest; otherwise nothing.

        A data set of some of the images is so told from one of others.
        """
        there = [name for name in names if self.find(name) is not None]
        return {"shown": content_id(there)} if len(there) < len(names) else {}

    def files(self, names: Iterable[str]) -> set[Path]:
        """Return the files of some images, as far as they are there, and the folders that these are in."""
        there = {path for name in names if (path := self.find(name)) is not None}
        return there | {path.parent for path in there}

    def with_images(
        self,
        rows: Sequence[Row],
        name_of: Callable[[Row], str],
        skips: Skips,
        *,
        allow_missing: bool,
        elsewhere: int = 0,
    ) -> list[tuple[Row, Path]]:
        """Return the rows whose image is there, each with its file.

        Args:
            rows: All rows.
            name_of: A function that gives the name of a row's image.
            skips: The count of rows left out.
            allow_missing: Whether rows without their image are left out and counted.
            elsewhere: Number of further images of the benchmark, which are there.

        Raises:
            DataError: If images are missing and that is not allowed, or none is there at all.
        """
        found = [(row, self.find(name_of(row))) for row in rows]
        missing = list(dict.fromkeys(name_of(row) for row, path in found if path is None))
        total = len({name_of(row) for row in rows}) + elsewhere
        if missing and not (allow_missing and len(missing) < total):
            self._refuse(missing, total, allow_missing=allow_missing)
        for row, path in found:
            if path is None:
                skips.add("its image is missing", name_of(row))
        return [(row, path) for row, path in found if path is not None]

    def _refuse(self, missing: Sequence[str], total: int, *, allow_missing: bool) -> None:
        names = ", ".join(printable(name) for name in missing[:NAMED]) + (", ..." if len(missing) > NAMED else "")
        looked = f"{self._directory}" + (f" and in its folders {', '.join(self._folders)}" if self._folders else "")
        leave = ": no row is left" if allow_missing else ", or leave rows without an image out with --allow-missing"
        raise DataError(
            f"{self._directory}: {len(missing):,} of {total:,} images are missing ({names}); looked in {looked}; put "
            f"them there{leave}"
        )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name longer than the system allows, or with a null character
        return False


def readable(
    rows: Iterable[tuple[Row, Image]], name_of: Callable[[Row], str], skips: Skips, *, allow_missing: bool
) -> Iterator[tuple[Row, Image]]:
    """Yield the rows whose image can be decoded; with ``allow_missing``, any other is left out and counted.

    Raises:
        DataError: If an image cannot be decoded, and that is not allowed.
    """
    from ninefold import images

    for row, image in rows:
        try:
            images.open_rgb(image, name="" if isinstance(image, Path) else name_of(row))
        except DataError:
            if not allow_missing:
                raise
            skips.add("its image is not readable", name_of(row))
            continue
        yield row, image


def some(examples: Iterable[Example], file: Path, skips: Skips) -> Iterator[Example]:
    """Yield the examples made from an official file.

    Raises:
        DataError: If there are none, after the last; the message says why rows were left out.
    """
    is_empty = True
    for example in examples:
        is_empty = False
        yield example
    if is_empty:
        raise DataError(f"{file}: no row can be used{skips.summary()}; fetch it again, with its images")


def read_json_rows(path: Path) -> list[Any]:
    """Return the list that a JSON file holds.

    Raises:
        DataError: If the file holds something else.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not readable as JSON ({first_line(error)}); fetch it again") from error
    if not isinstance(found, list):
        raise DataError(f"{path}: holds no list of rows; fetch it again")
    return found
