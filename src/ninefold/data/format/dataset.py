"""The dataset folder, opened once: parquet as the Hugging Face Hub expects it, a card, a manifest and a certificate.

``README.md`` (card), ``data/{split}-00000-of-00001.parquet``, ``manifest.json`` and ``manifest.parquet`` (a hash of the
pixels and one of the text of every row), and ``certificate.json``. Rows are streamed: a data set may be larger
than memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ninefold import store
from ninefold.data.format import manifest
from ninefold.data.format.manifest import Manifest
from ninefold.errors import DataError
from ninefold.types import Clustering, Example

if TYPE_CHECKING:
    from ninefold.data.format.card import About
    from ninefold.data.format.reading import StoredExamples
    from ninefold.data.format.writing import write

__all__ = ["TEST", "About", "Dataset", "write"]

TEST = "test"
"""The split that is evaluated by default."""


def __getattr__(name: str) -> object:
    # The modules that read and write rows are slow to import; finding a finished run needs neither.
    if name not in {"About", "write"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ninefold.data.format import card, writing

    return {"About": card.About, "write": writing.write}[name]


@dataclass(frozen=True)
class Dataset:
    """A dataset folder, opened: its manifest is parsed once."""

    folder: Path
    """Path of the folder."""
    manifest: Manifest
    """Its manifest."""

    @classmethod
    def open(cls, folder: str | Path) -> "Dataset":
        """Open a dataset folder.

        Raises:
            DataError: If the folder is not a data set, or its manifest is broken or of another format.
        """
        store.restore(Path(folder))
        return cls(Path(folder), Manifest.read(Path(folder)))

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
        """Return the name of the question, if all rows ask the same one."""
        return self.manifest.question

    @property
    def labels(self) -> tuple[str, ...]:
        """Return all answers in canonical order; empty if each row has its own."""
        return self.manifest.labels

    @property
    def clustering(self) -> Clustering:
        """Return the unit of intervals: "census" or "group"."""
        return self.manifest.clustering

    @property
    def splits(self) -> dict[str, int]:
        """Return the number of examples of each split."""
        return {split: facts.rows for split, facts in self.manifest.splits.items()}

    def choose_split(self, split: str | None, *, option: str = "--split") -> str:
        """Return ``split``; by default "test", if there is one.

        Args:
            split: The name of a split.
            option: The option of the command line that sets it.

        Raises:
            DataError: If the split does not exist, or none is named and there is no "test".
        """
        if (split or TEST) in self.manifest.splits:
            return split or TEST
        wrong = f"no split {split!r}" if split else f"no split {TEST!r}, the default"
        # Nobody is told to train on a test set.
        offered = [name for name in self.manifest.splits if option in {"--split", "--other-split"} or name != TEST]
        named = f"name one with {option}: {', '.join(offered)}" if offered else "make a training set"
        raise DataError(f"{self.folder}: {wrong}; {named}")

    def fingerprint(self, split: str) -> str:
        """Return the hash of a split's rows: their ids, pixels and text, independent of files.

        Raises:
            DataError: If the split does not exist.
        """
        return self.manifest.splits[self.choose_split(split)].fingerprint

    def shards(self, split: str) -> list[Path]:
        """Return the parquet files of a split, in order.

        Raises:
            DataError: If the split does not exist, or it has no files.
        """
        self.choose_split(split)
        found = sorted((self.folder / "data").glob(f"{split}-?????-of-?????.parquet"))
        if not found:
            raise DataError(f"{self.folder}: the parquet files of split {split!r} are missing; make the data set again")
        return found

    def state(self, split: str) -> dict[str, list[int]]:
        """Return size and time of change (ns) of each file that a split depends on, by name, without reading any.

        Raises:
            DataError: If the split does not exist, or it has no files.
        """
        others = (self.folder / name for name in (manifest.FILE, manifest.ROWS, manifest.CERTIFICATE))
        found = {file.name: file.stat() for file in (*self.shards(split), *others) if file.exists()}
        return {name: [facts.st_size, facts.st_mtime_ns] for name, facts in found.items()}

    def check_images(self, split: str) -> None:
        """Refuse a split with rows that have no image, which no model can be asked about.

        Raises:
            DataError: If there are any; the message says how many.
        """
        from ninefold.data.format.row_hashes import count_without_image

        count = count_without_image(self.folder, split)
        if count:
            rows = "1 row" if count == 1 else f"{count:,} rows"
            have = "has" if count == 1 else "have"
            raise DataError(
                f"{self.folder}: {rows} of split {split} {have} no image, which a model needs; make it again with "
                "its images (of captions: --image-field, --images), without --allow-missing or --text-only"
            )

    def read(self, split: str, *, limit: int | None = None, trust_pixels: bool = False) -> Iterator[Example]:
        """Yield the examples of a split in order, in constant memory. Embedded images are bytes, others are paths.

        All rows are compared with the manifest first, and images where they are decoded.

        Args:
            split: Name of the split.
            limit: Number of examples, spread evenly over the answers (see `ninefold.design.spread`); None for all.
            trust_pixels: Whether images are not compared with the manifest.

        Raises:
            DataError: If the split does not exist, or a file of it is missing or broken.
            FactError: If the rows are not those of the manifest; the message names the first.
        """
        return iter(self.sequence(split, limit, trust_pixels=trust_pixels))

    def sequence(
        self, split: str, limit: int | None = None, *, whole_images: bool = False, trust_pixels: bool = False
    ) -> "StoredExamples":
        """Return the examples of a split as a sequence that reads on access; see `read` and `StoredExamples`."""
        from ninefold.data.format.reading import StoredExamples

        return StoredExamples(self, split, limit=limit, whole_images=whole_images, trust_pixels=trust_pixels)
