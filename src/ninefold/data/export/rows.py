"""The rows of an export under way: conversations split by split, their images, and what is left out."""

import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import xxhash

from ninefold import images
from ninefold.console import track
from ninefold.data.export.protocol import Conversation, Exporter
from ninefold.data.export.spec import ExportSpec
from ninefold.data.format.dataset import Dataset
from ninefold.data.sources.protocol import Skips
from ninefold.errors import DataError
from ninefold.portable import Portable, portable
from ninefold.types import NO_IMAGE, Example, ImageSource

_THREADS = min(8, os.cpu_count() or 1)
"""Number of threads that decode images, to check them."""

_REMEMBERED = 32
"""Number of images in memory: those that neighboring rows share are decoded once."""


class Rows:
    """The rows of a data set for an exporter; everything is counted while it is read."""

    def __init__(self, data: Dataset, spec: ExportSpec, exporter: Exporter, folder: Path) -> None:
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
        self._recent: dict[ImageSource, Portable] = {}
        self._folders: set[str] = set()

    def conversations(self, split: str) -> Iterator[Conversation]:
        """Yield the conversations of a split, in the order of their first rows.

        Raises:
            DataError: If all rows are left out, or a file of the split is broken.
            FactError: If the rows are not those of the manifest.
        """
        self.counts[split] = 0
        examples = self.data.sequence(split)
        groups = _groups(examples.pixel_hashes()) if self.spec.conversations else None
        found = (
            ([example] for example in examples)
            if groups is None
            else ([examples[at] for at in group] for group in groups)
        )
        total = len(examples) if groups is None else len(groups)
        shown = track(found, f"{split} rows", total=total)
        kept = (tuple(example for example in group if self._takes(example)) for group in shown)
        for conversation in self._encoded(group for group in kept if group):
            self.counts[split] += len(conversation.examples)
            self.redrawn += conversation.image.redrawn
            yield conversation
        if not self.counts[split]:
            raise DataError(
                f"{self.data.folder}: no row of split {split} can be written for {self._exporter.title}"
                f"{self.skips.summary()}; name another --split or form, or make the data set again with images"
            )

    def image_file(self, image: Portable) -> str:
        """Write an image into the folder, unless it is there, and return its path relative to the folder, with ``/``.

        Its name is a hash of its content, so that rows with the same image share one file.
        """
        name = xxhash.xxh3_128_hexdigest(image.content)
        path = f"images/{name[:2]}/{name}.{image.kind}"
        if name[:2] not in self._folders:
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            self._folders.add(name[:2])
        with suppress(FileExistsError), (self.folder / path).open("xb") as file:
            file.write(image.content)
        return path

    def _encoded(self, groups: Iterator[tuple[Example, ...]]) -> Iterator[Conversation]:
        """Yield conversations in order; their images are read and checked by threads, shortly before."""
        waiting: deque[tuple[tuple[Example, ...], Future[Portable]]] = deque()
        pool = ThreadPoolExecutor(_THREADS)
        try:
            for group in groups:
                waiting.append((group, pool.submit(self._encode, group[0].image)))
                if len(waiting) > 2 * _THREADS:
                    examples, image = waiting.popleft()
                    yield Conversation(examples, image.result())
            while waiting:
                examples, image = waiting.popleft()
                yield Conversation(examples, image.result())
        finally:
            pool.shutdown(cancel_futures=True)

    def _encode(self, image: ImageSource) -> Portable:
        key = xxhash.xxh3_128_digest(image) if isinstance(image, bytes) else image
        made = self._recent.get(key)
        if made is None:
            made = self._recent[key] = portable(image)
        else:
            # The data set may list another image for this row.
            images.check(image)
        # Several threads do this at a time: each single operation on the table is atomic.
        while len(self._recent) > _REMEMBERED:
            self._recent.pop(next(iter(list(self._recent))), None)
        return made

    def _takes(self, example: Example) -> bool:
        """Whether a row can be asked, and its text is read as it is; one that cannot is counted."""
        if example.image == NO_IMAGE:
            self.skips.add("no image", example.id)
            return False
        sign = next((sign for sign in self._exporter.placeholders if sign in example.prompt + example.answer), None)
        reason = self._exporter.unfit(example) if sign is None else f"text with {sign}, a sign of the tool"
        if reason is not None:
            self.skips.add(reason, example.id)
        return reason is None


def _groups(images: Iterable[str]) -> list[list[int]]:
    """Return the row numbers of each image, by the hash of its pixels; a row without one is alone."""
    groups: dict[object, list[int]] = {}
    for number, pixels in enumerate(images):
        groups.setdefault(pixels or number, []).append(number)
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
