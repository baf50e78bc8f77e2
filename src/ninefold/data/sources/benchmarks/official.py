"""The official files of a benchmark in a user's folder: found, identified and read."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ninefold.errors import DataError, first_line

AGAIN = "get the official file again"


def find_file(directory: Path, names: Sequence[str], title: str) -> Path:
    """Return the first of some official files that a folder holds.

    Args:
        directory: The folder.
        names: Paths of the file in it, as it is shipped in one layout or another.
        title: Name of the benchmark, for errors.

    Raises:
        DataError: If the folder is none, or holds none of them.
    """
    if not directory.is_dir():
        raise DataError(f"{directory}: is no folder; name the one that holds the official files of {title}")
    for name in names:
        if (directory / name).is_file():
            return directory / name
    raise DataError(f"{directory}: holds no official file of {title}; looked for {', '.join(names)}")


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def revision_of(digest: str, commit: str | None) -> str:
    """Return the revision of an official file in words: the commit that it is from, if that is known, and its SHA-256.

    Args:
        digest: The SHA-256.
        commit: Repository and commit that hold a file of this SHA-256, such as "owner/name@b27a0af"; None if unknown.
    """
    return f"sha256 {digest}" if commit is None else f"{commit} (sha256 {digest[:12]})"


def json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the number, from 1, and the object of each line of a file.

    Raises:
        DataError: If a line is not a JSON object.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is not UTF-8 text; {AGAIN}") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path}: line {number} is not JSON ({first_line(error)}); {AGAIN}") from error
        if not isinstance(row, dict):
            raise DataError(f"{path}: line {number} is not a JSON object; {AGAIN}")
        yield number, row


def value_of(row: Mapping[str, Any], name: str, kind: type, where: str) -> Any:
    """Return a field of an official row.

    Raises:
        DataError: If the field is missing, empty, or of another type.
    """
    value = row.get(name)
    # True is an int for Python, but no number; a text of spaces says nothing.
    if type(value) is not kind or (isinstance(value, str) and not value.strip()):
        raise DataError(f"{where}: {name} is {value!r:.60}, not what the official file has; get it again")
    return value
