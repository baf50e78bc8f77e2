"""A folder of text files that a report writes, and writes again: listed hashes tell which ones were edited."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from ninefold.errors import RunError
from ninefold.store import write_bytes, write_text

SUMS = "SHA256SUMS"
"""File with the hash and the name of each file that the report wrote, as ``sha256sum`` reads it."""


def write(folder: Path, files: Mapping[str, str], *, overwrite: bool = False) -> None:
    """Write files, and list their hashes.

    Args:
        folder: The folder.
        files: Content of each file, by name.
        overwrite: Whether files that were edited since, or that the report did not write, are replaced.

    Raises:
        RunError: If there is such a file and not ``overwrite``; the message names it.
    """
    contents = {name: content.encode() for name, content in files.items()}
    fresh = {_line(content, name) for name, content in contents.items()}
    known = {*fresh, *_listed(folder)}
    for name in contents:
        path = folder / name
        if not overwrite and path.exists() and _line(path.read_bytes(), name) not in known:
            raise RunError(
                f"{path}: was edited, or not written by a report; move it away or replace it with --overwrite"
            )
    # Cut off in between, files of both versions are recognized.
    _list(folder, known)
    for name, content in contents.items():
        write_bytes(folder / name, content)
    _list(folder, fresh)


def _line(content: bytes, name: str) -> str:
    return f"{hashlib.sha256(content).hexdigest()}  {name}"


def _listed(folder: Path) -> list[str]:
    path = folder / SUMS
    return path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []


def _list(folder: Path, lines: set[str]) -> None:
    write_text(folder / SUMS, "".join(f"{line}\n" for line in sorted(lines, key=lambda line: line.partition("  ")[2])))
