"""The images of a benchmark's rows: found by the names that its files give them, or missing."""

from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import TypeVar

from ninefold.data.sources.protocol import Skips
from ninefold.errors import DataError, printable

Row = TypeVar("Row")

NAMED = 3
"""Number of missing images that an error names."""


class Pictures:
    """The folders in which a benchmark's images are looked for.

    An image is found by its path below the benchmark's folder, by any end of that path (``data/a/x.jpg`` also as
    ``a/x.jpg`` and ``x.jpg``), or by its file name in one of the folders that the benchmark's images usually are in.
    Names that lead out of the folder are never opened.
    """

    def __init__(self, directory: Path, folders: Sequence[str] = ("images",)) -> None:
        self._places = [directory, *(directory / folder for folder in folders)]
        self._places = [place for place in self._places if place.is_dir()] or [directory]

    def find(self, name: str) -> Path | None:
        """Return the file of an image, or None if there is none."""
        parts = PurePosixPath(name).parts
        if not parts or parts[0] == "/" or ".." in parts or "\0" in name:
            return None
        places = [self._places[0].joinpath(*parts[start:]) for start in range(len(parts))]
        places += [place / parts[-1] for place in self._places[1:]]
        return next((path for path in places if path.is_file()), None)

    def with_images(
        self, rows: Sequence[Row], name_of: Callable[[Row], str], skips: Skips, *, allow_missing: bool
    ) -> list[tuple[Row, Path]]:
        """Return the rows whose image is there, each with its file.

        Args:
            rows: All rows.
            name_of: A function that gives the name of a row's image.
            skips: The count of rows left out.
            allow_missing: Whether rows without their image are left out and counted.

        Raises:
            DataError: If images are missing and that is not allowed, or none is there at all.
        """
        found = [(row, self.find(name_of(row))) for row in rows]
        missing = list(dict.fromkeys(name_of(row) for row, path in found if path is None))
        if missing and not (allow_missing and len(missing) < len({name_of(row) for row in rows})):
            self._refuse(missing, len({name_of(row) for row in rows}), allow_missing=allow_missing)
        for row, path in found:
            if path is None:
                skips.add("its image is missing", name_of(row))
        return [(row, path) for row, path in found if path is not None]

    def _refuse(self, missing: Sequence[str], total: int, *, allow_missing: bool) -> None:
        names = ", ".join(printable(name) for name in missing[:NAMED]) + (", ..." if len(missing) > NAMED else "")
        looked = ", ".join(str(place) for place in self._places)
        leave = "" if allow_missing else ", or leave rows without an image out with --allow-missing"
        raise DataError(
            f"{self._places[0]}: {len(missing):,} of {total:,} images are missing ({names}); looked in {looked}; put "
            f"them there{leave}"
        )
