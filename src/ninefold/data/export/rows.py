"""The rows of an export under way: conversations split by split, their images as files, and what is left out."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import xxhash

from ninefold import images
from ninefold.console import track
from ninefold.data.export.protocol import Conversation, Exporter
from ninefold.data.export.spec import ExportSpec
from ninefold.data.format import row_hashes
from ninefold.data.format.dataset import Dataset
from ninefold.data.sources.protocol import Skips
from ninefold.errors import DataError
from ninefold.portable import Portable, portable
from ninefold.types import NO_IMAGE, Example, ImageSource

_REMEMBERED = 4096
"""Number of images whose file is remembered: those that neighboring rows share are decoded once."""


class Rows:
    """The rows of a data set for an exporter; everything is counted while it is read."""

    def __init__(self, data: Dataset, spec: ExportSpec, exporter: Exporter, folder: Path, *, progress: bool) -> None:
        self.data = data
        """The data set."""
        self.spec = spec
        """What was asked for."""
        self.folder = folder
        """The folder to write into."""
        self.splits = [spec.split] if spec.split is not None else list(data.splits)
        """The splits to export, in the order of the data set."""
        self.skips = Skips()
        """The rows left out so far."""
        self.counts: dict[str, int] = {}
        """The number of rows given out so far, by split."""
        self.redrawn = 0
        """The number of image files that are not the stored bytes (see `ninefold.portable`)."""
        self._exporter = exporter
        self._progress = progress
        self._names: dict[bytes, str] = {}

    def conversations(self, split: str) -> Iterator[Conversation]:
        """Yield the conversations of a split, in the order of their first rows.

        Raises:
            DataError: If all rows are left out, or a file of the split is broken.
            FactError: If the rows are not those of the manifest.
        """
        self.counts[split] = 0
        examples = self.data.sequence(split)
        groups = _groups(self.data, split) if self.spec.conversations else None
        found = (
            ([example] for example in examples)
            if groups is None
            else ([examples[at] for at in group] for group in groups)
        )
        total = len(examples) if groups is None else len(groups)
        for group in track(found, f"{split} rows", total=total, shown=self._progress):
            kept = tuple(example for example in group if self._takes(example))
            if kept:
                self.counts[split] += len(kept)
                yield Conversation(kept)
        if not self.counts[split]:
            raise DataError(
                f"{self.data.folder}: no row of split {split} can be written for {self._exporter.title}"
                f"{self.skips.summary()}"
            )

    def image_file(self, image: ImageSource) -> str:
        """Write an image into the folder, once, and return its path relative to the folder, with ``/``.

        Its name is a hash of its content, so that rows with the same image share one file.

        Raises:
            DataError: If the image is missing or cannot be decoded.
            FactError: If it is not the one that the manifest lists.
        """
        content = image if isinstance(image, bytes) else None
        key = xxhash.xxh3_128_digest(content) if content is not None else str(image).encode()
        if key not in self._names:
            made = self.portable(image)
            name = xxhash.xxh3_128_hexdigest(made.content)
            path = f"images/{name[:2]}/{name}.{made.kind}"
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / path).write_bytes(made.content)
            self._names[key] = path
            if len(self._names) > _REMEMBERED:
                self._names.pop(next(iter(self._names)))
        images.check(image)
        return self._names[key]

    def portable(self, image: ImageSource) -> Portable:
        """Return an image that every decoder reads alike, counted if it is redrawn.

        Raises:
            DataError: If the image is missing or cannot be decoded.
        """
        made = portable(image)
        self.redrawn += made.redrawn
        return made

    def _takes(self, example: Example) -> bool:
        """Whether the tool can read a row; one that it cannot is counted."""
        if example.image == NO_IMAGE and self._exporter.needs_image:
            self.skips.add("no image, which the tool needs", example.id)
            return False
        sign = next((sign for sign in self._exporter.placeholders if sign in example.prompt + example.answer), None)
        reason = (
            self._exporter.unfit(example) if sign is None else f"text with {sign}, which the tool does not read as text"
        )
        if reason is not None:
            self.skips.add(reason, example.id)
        return reason is None


def _groups(data: Dataset, split: str) -> list[list[int]]:
    """Return the row numbers of each image, by its decoded pixels; a row without one is alone."""
    groups: dict[object, list[int]] = {}
    for number, row in enumerate(row_hashes.read_rows(data.folder, split)):
        groups.setdefault(row.pixels or number, []).append(number)
    return list(groups.values())


def messages(conversation: Conversation, sign: str = "") -> list[Mapping[str, str]]:
    """Return the messages of a conversation as plain texts, roles and all.

    Args:
        conversation: The conversation.
        sign: The text that stands for the image, before the first question; "" for none.
    """
    found = []
    for example in conversation.examples:
        found += [{"role": "user", "content": example.prompt}, {"role": "assistant", "content": example.answer}]
    return [{**found[0], "content": sign + found[0]["content"]}, *found[1:]]
