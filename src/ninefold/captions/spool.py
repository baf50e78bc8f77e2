"""The spool: all captions of a run on disk, read once, and given out again with those of one image together."""

import json
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import xxhash
from numpy.typing import NDArray

from ninefold import store
from ninefold.captions import records
from ninefold.captions.blocks import BLOCK_CAPTIONS, Block
from ninefold.captions.caption import Caption, LeftOut
from ninefold.errors import RunError

_CAPTIONS, _LEFT_OUT, _ORDER, _DONE = "captions.jsonl", "left_out.jsonl", "order.npy", "spool.json"


class Spool:
    """Captions in files of a folder; memory is a few bytes a caption, whatever their order in the input.

    Captions of one image come together where its first one is. Their order is the same in every run over the same rows.
    """

    def __init__(self, folder: Path) -> None:
        """Open a spool that `fill` has written.

        Raises:
            RunError: If it is broken.
        """
        self._folder = folder
        facts = store.read_json(folder / _DONE)
        self.captions: int = facts["captions"]
        """Number of captions."""
        self.left_out: int = facts["left out"]
        """Number of rows and captions left out."""
        self._starts: list[int] = facts["blocks"]
        try:
            self._order: NDArray[np.uint64] = np.load(folder / _ORDER, allow_pickle=False)
        except (ValueError, OSError, EOFError) as error:
            raise RunError(f"{folder / _ORDER}: is broken; delete {folder}, and run the command again") from error

    @staticmethod
    def is_filled(folder: Path) -> bool:
        """Whether a folder holds a whole spool."""
        return (folder / _DONE).is_file()

    def __len__(self) -> int:
        """Return the number of blocks."""
        return len(self._starts)

    def size(self, number: int) -> int:
        """Return the number of captions of a block."""
        return self._end(number) - self._starts[number]

    def _end(self, number: int) -> int:
        return self.captions if number + 1 == len(self._starts) else self._starts[number + 1]

    def block(self, number: int) -> Block:
        """Return a block of captions."""
        offsets = self._order[self._starts[number] : self._end(number)]
        with (self._folder / _CAPTIONS).open("rb") as file:
            found = []
            for offset in offsets:
                file.seek(int(offset))
                found.append(records.caption_of(json.loads(file.readline())))
        return Block(number, tuple(found))

    def rows_left_out(self) -> Iterator[LeftOut]:
        """Yield what is left out, in the order of reading."""
        with (self._folder / _LEFT_OUT).open("rb") as file:
            for text in file:
                yield LeftOut(*json.loads(text))


def fill(folder: Path, items: Iterable[Caption | LeftOut], limit: int | None = None) -> None:
    """Write a spool: whole at its end, or begun anew.

    Args:
        folder: The folder.
        items: The captions, and what is left out.
        limit: Number of captions after which reading ends; None for all.
    """
    offsets, images = array("Q"), array("Q")
    left_out = at = 0
    with (folder / _CAPTIONS).open("wb") as captions, (folder / _LEFT_OUT).open("wb") as others:
        for item in _limited(items, limit):
            if isinstance(item, LeftOut):
                others.write(records.line([item.id, item.reason, item.detail]))
                left_out += 1
                continue
            text = records.line(records.caption_to_json(item))
            captions.write(text)
            offsets.append(at)
            # A caption without an image is by itself.
            images.append(xxhash.xxh3_64_intdigest(f"i{item.image}".encode() if item.image else f"c{item.id}".encode()))
            at += len(text)
    order, groups = _by_image(np.frombuffer(images, np.uint64))
    np.save(folder / _ORDER, np.frombuffer(offsets, np.uint64)[order], allow_pickle=False)
    facts = {"captions": len(offsets), "left out": left_out, "blocks": _block_starts(groups)}
    store.write_json(folder / _DONE, facts)


def _limited(items: Iterable[Caption | LeftOut], limit: int | None) -> Iterator[Caption | LeftOut]:
    """Yield items up to a number of captions."""
    count = 0
    for item in items if limit is None or limit > 0 else ():
        yield item
        count += isinstance(item, Caption)
        if count == limit:
            return


def _by_image(images: NDArray[np.uint64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the order in which captions of one image are together, and the rank of each one's image in that order."""
    _, first, image = np.unique(images, return_index=True, return_inverse=True)
    begins = first[image]
    order = np.argsort(begins, kind="stable")
    return order, begins[order]


def _block_starts(groups: NDArray[np.intp]) -> list[int]:
    """Return where blocks begin: each has `BLOCK_CAPTIONS` captions, and more where an image would be cut."""
    new = np.flatnonzero(np.diff(groups, prepend=-1))
    starts: list[int] = []
    for start in new.tolist():
        if not starts or start - starts[-1] >= BLOCK_CAPTIONS:
            starts.append(start)
    return starts
