"""Copies among files: what has the same bytes is one photo."""

import os
from pathlib import Path

import xxhash

from ninefold import store

_END = 4096
"""Number of bytes at the end of a file by which files of equal size are compared first."""


class Copies:
    """The files seen so far, by content.

    A file is read only if another one has its size, and whole only if both end alike: among photos, few do.
    """

    def __init__(self) -> None:
        self._firsts: dict[tuple[int, int], Path] = {}
        self._by_content: dict[tuple[object, ...], Path | None] = {}

    def first(self, path: Path, status: os.stat_result) -> Path:
        """Return the first of the files seen that has the bytes of a file: itself, one it is linked to, or a copy."""
        inode = (status.st_dev, status.st_ino)
        if inode not in self._firsts:
            self._firsts[inode] = self._placed(path, (status.st_size,))
        return self._firsts[inode]

    def _placed(self, path: Path, content: tuple[object, ...]) -> Path:
        """Return the first file of the same content; each step tells files apart by one more part of it.

        The first file under a key moves one step on when a second one comes, and ``None`` marks that it has.
        """
        whole = len(content) == 3
        if content not in self._by_content:
            self._by_content[content] = path
            return path
        other = self._by_content[content]
        if whole:
            return other or path
        step = _end if len(content) == 1 else _hash
        if other is not None:
            self._by_content[content] = None
            self._placed(other, (*content, step(other)))
        return self._placed(path, (*content, step(path)))


def _end(path: Path) -> bytes | Path:
    """Return the hash of a file's end; of a file that cannot be read, its path, which no other file has."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _END))
            return xxhash.xxh3_128_digest(file.read())
    except OSError:
        return path


def _hash(path: Path) -> str | Path:
    """Return the hash of a file; of a file that cannot be read, its path."""
    try:
        return store.file_hash(path)
    except OSError:
        return path
