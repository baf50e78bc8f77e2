"""Leakage: for every training set and every test, the images, rows and texts of the test that training holds too."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ninefold import store
from ninefold.data.checks.overlap import Overlap, is_numbered_alike, overlap_of
from ninefold.data.checks.row_keys import ASKED, IMAGES, KeyedRows
from ninefold.data.format.dataset import TEST, Dataset
from ninefold.errors import DesignError


@dataclass(frozen=True)
class Leak:
    """What one training set holds of one test."""

    training: str
    """The training set, as it was named."""
    test: str
    """The test, as it was named."""
    overlap: Overlap
    """What both share, with the first names of each kind; its first set is the training set."""
    test_images: int
    """Number of different images of the test."""
    test_rows: int
    """Number of rows of the test."""
    rows_of_shared_images: int
    """Rows of the test whose image training holds too."""
    shared_rows: int
    """Rows of the test whose image and question stand in training word for word, whatever the form of the prompt."""
    shared_texts: int
    """Rows of the test whose question is asked in training, of whatever image; no leak by itself."""

    def to_json(self) -> dict[str, str | int]:
        """Return the counts by name, in JSON types."""
        return {
            "training": self.training,
            "test": self.test,
            "shared_images": self.overlap.images.count,
            "test_images": self.test_images,
            "shared_pixels": self.overlap.pixels.count,
            "shared_scenes": self.overlap.scenes.count,
            "rows_of_shared_images": self.rows_of_shared_images,
            "shared_rows": self.shared_rows,
            "shared_texts": self.shared_texts,
            "test_rows": self.test_rows,
        }


def leakage(
    training: Sequence[Path], tests: Sequence[Path], *, split: str | None = None, whole: bool = False
) -> list[Leak]:
    """Return what each training set holds of each test.

    Of a training set all splits are read but "test", if there are others; of a test, "test", or all if it has none.
    Images are compared as `ninefold.data.checks.overlap.overlap` compares them. Each data set is read once; memory is
    200 bytes for each row of the tests and of one training set.

    Args:
        training: Folders of data sets to train on.
        tests: Folders of data sets to test on.
        split: The split of the training sets to read, such as "train"; None for all but "test".
        whole: Whether all splits of all data sets are read instead.

    Raises:
        DataError: If a folder is no data set, a file of it is broken, or there is no such split.
        FactError: If the rows of a data set are not those of its manifest.
        DesignError: If there is no training set, or no test.
    """
    if not training or not tests:
        raise DesignError("name the training sets, and with --tests the tests to compare them with")
    read = _whole if whole else _test
    asked = [(str(folder), read(folder)) for folder in tests]
    return list(_leaks(training, asked, _whole if whole else partial(_training, split=split)))


def table(leaks: Sequence[Leak]) -> list[str]:
    """Return leaks as the lines of a table: what each test shares with each training set, of all it has."""
    head = ("training", "test", "images", "rows of these", "rows word for word", "rows by text", "scenes")
    rows = [head] + [
        (
            leak.training,
            leak.test,
            f"{leak.overlap.images.count:,} of {leak.test_images:,}",
            f"{leak.rows_of_shared_images:,} of {leak.test_rows:,}",
            f"{leak.shared_rows:,}",
            f"{leak.shared_texts:,}",
            f"{leak.overlap.scenes.count:,}",
        )
        for leak in leaks
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def check_form(path: Path) -> None:
    """Refuse a file for the table that is neither JSON nor CSV by its extension.

    Raises:
        DesignError: If it is not.
    """
    if path.suffix not in {".json", ".csv"}:
        raise DesignError(f"--out {path}: name a .json or a .csv file")


def write(leaks: Sequence[Leak], path: Path) -> None:
    """Write the counts of leaks, one row or object each.

    Raises:
        DesignError: If the file is neither JSON nor CSV by its extension.
    """
    check_form(path)
    rows: list[dict[str, Any]] = [leak.to_json() for leak in leaks]
    if path.suffix == ".json":
        store.write_text(path, json.dumps(rows, indent=1) + "\n")
        return
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    store.write_text(path, buffer.getvalue())


def _leaks(
    training: Sequence[Path], tests: Sequence[tuple[str, KeyedRows]], read: Callable[[Path], KeyedRows]
) -> Iterator[Leak]:
    for folder in training:
        trained = read(folder)
        for name, test in tests:
            alike = is_numbered_alike(trained, test)
            first = 0 if alike else 1
            yield Leak(
                str(folder),
                name,
                overlap_of(trained, test, is_numbered_alike=alike),
                test.count_images(),
                test.count,
                test.rows_in(trained, IMAGES[first:]),
                test.rows_in(trained, ASKED[first:]),
                test.rows_in(trained, ("questions",)),
            )


def _training(folder: Path, split: str | None) -> KeyedRows:
    data = Dataset.open(folder)
    if split is not None:
        return KeyedRows.read(data, [data.choose_split(split)])
    return KeyedRows.read(data, [name for name in data.splits if name != TEST] or [TEST])


def _test(folder: Path) -> KeyedRows:
    data = Dataset.open(folder)
    return KeyedRows.read(data, [TEST] if TEST in data.splits else list(data.splits))


def _whole(folder: Path) -> KeyedRows:
    data = Dataset.open(folder)
    return KeyedRows.read(data, list(data.splits))
