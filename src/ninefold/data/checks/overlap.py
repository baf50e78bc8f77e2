"""Overlap of two data sets: the images, rows, scenes and prompts that both hold.

Images, rows (an image with its question) and scenes that training shares with a test are a leak. Prompts are counted
and no leak: text without its image tells nothing of the answer (see the certificates), and photos of one category are
asked about in the same words.

Rows are read without decoding images (see `ninefold.data.checks.row_keys`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ninefold.data.checks.row_keys import ASKED, IMAGES, KeyedRows
from ninefold.data.format.dataset import Dataset
from ninefold.errors import FactError

NAMED = 3
"""Largest number of shared things of a kind that are named."""


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
    rows: Shared
    """Rows: the same image with the same question, apart from case and spaces, in whatever form of prompt."""
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
        kinds = {"images": self.images, "rows": self.rows, "scenes": self.scenes}
        shared = [f"{found.count:,} {kind} ({found.names[0]})" for kind, found in kinds.items() if found.count]
        if shared:
            told = self.same or f"share {', '.join(shared)}"
            raise FactError(f"{sets}: {told}; training data must not be in the test; use another set")

    def sentences(self) -> list[str]:
        """Return one line for each kind, after one that says so if both are the same."""
        kinds = {
            "images": self.images, "of these, the same pixels": self.pixels,
            "rows (the same image and question)": self.rows, "scenes": self.scenes, "prompts (no leak)": self.prompts,
        }  # fmt: skip
        return [f"both {self.same}"] * bool(self.same) + [
            f"{name}: {shared.count:,} shared" + (f", first {'; '.join(shared.names)}" if shared.names else "")
            for name, shared in kinds.items()
        ]


def overlap(one: Path, other: Path, *, split: str | None = None, other_split: str | None = None) -> Overlap:
    """Return what two data sets share, from their manifests and columns.

    Memory is 16 bytes for each row and kind. Images are decoded only where both sets have the same file names with
    different pixels: up to `ninefold.data.checks.row_keys.COMPARED` pairs, to tell one photo in two encodings from two
    collections numbered alike.

    Args:
        one: Folder of a data set, such as one to train on.
        other: Folder of another one, such as a test.
        split: The split of the first to compare; None for all.
        other_split: The split of the second to compare; None for all.

    Raises:
        DataError: If a folder is no data set, a file of it is broken, or there is no such split.
        FactError: If the rows of a data set are not those of its manifest.
    """
    first, second = _read(one, split, "--split"), _read(other, other_split, "--other-split")
    return overlap_of(first, second, is_numbered_alike=is_numbered_alike(first, second))


def overlap_of(first: KeyedRows, second: KeyedRows, *, is_numbered_alike: bool) -> Overlap:
    """Return what two data sets share, from the keys of their rows.

    Args:
        first: The rows of one.
        second: The rows of the other.
        is_numbered_alike: Whether images of the same COCO id are the same (see `is_numbered_alike`).
    """
    trusted = {"images": IMAGES, "rows": ASKED}
    found = {
        name: _by_first(first, second, kinds if is_numbered_alike else kinds[1:]) for name, kinds in trusted.items()
    }
    found |= {kind: first.shared(second, kind) for kind in ("pixels", "scenes", "prompts")}
    shared = {name: Shared(len(pairs), first.names(second, pairs[:NAMED])) for name, pairs in found.items()}
    return Overlap(**shared, same=_same(first, second))


def is_numbered_alike(first: KeyedRows, second: KeyedRows) -> bool:
    """Whether images of the same COCO id are the same in both, and not from two collections numbered alike."""
    pairs = first.shared(second, "coco")
    return bool(pairs) and first.numbers_alike(second, pairs)


def _read(folder: Path, split: str | None, option: str) -> KeyedRows:
    data = Dataset.open(folder)
    return KeyedRows.read(data, list(data.splits) if split is None else [data.choose_split(split, option=option)])


def _by_first(first: KeyedRows, second: KeyedRows, kinds: Sequence[str]) -> list[tuple[int, int]]:
    """Return a row here and one there for each thing that both hold by any of these kinds, in the order of rows."""
    return sorted({pair[0]: pair for kind in kinds for pair in first.shared(second, kind)}.values())


def _same(one: KeyedRows, other: KeyedRows) -> str:
    """Return what says that splits of both are the same; "" if none are."""
    first, second = ({rows.data.fingerprint(split): split for split in rows.splits} for rows in (one, other))
    common = [f"{split} = {second[fingerprint]}" for fingerprint, split in first.items() if fingerprint in second]
    if not common:
        return ""
    if one.data.folder.resolve() == other.data.folder.resolve():
        return "are the same folder twice"
    return f"hold the same rows (one fingerprint): {', '.join(common)}"
