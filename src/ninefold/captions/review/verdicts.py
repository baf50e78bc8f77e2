"""The verdicts of a judge: a file of JSON lines that only grows. The last line of a pair counts.

Each verdict is on the disk before its judge sees the next pair. A line that a killed process has left unfinished is not
a verdict, and the next one takes its place.
"""

import errno
import json
import os
import re
import threading
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ninefold.errors import RunError

try:
    import fcntl
except ImportError:  # Windows has no such locks.
    fcntl = None  # type: ignore[assignment]

RIGHT, SKIP = "right", "skip"
FAULTS = ("wrong relation", "wrong object", "not spatial")
"""The verdicts that find a fault."""

CHOICES = (RIGHT, *FAULTS, SKIP)
"""All verdicts, in the order of their keys 1 to 5."""

LONGEST_NOTE = 2000
"""Largest number of characters of a note."""

_JUDGE = re.compile(r"\w(?:[\w .-]{0,38}\w)?")
_BEGINNING = b'{"id": '
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge says about a pair."""

    id: str
    """The pair's id."""
    verdict: str
    """One of `CHOICES`; empty if it was taken back."""
    note: str = ""
    """A note of the judge."""
    seconds: float = 0.0
    """Time that the pair was shown before, in seconds."""
    at: str = ""
    """Time of the verdict, in UTC."""


def named(judge: str) -> str:
    """Return a judge's name as files have it.

    Raises:
        RunError: If it is no name of up to 40 letters, digits, spaces, points, hyphens and underscores.
    """
    name = unicodedata.normalize("NFC", judge).strip()
    if not _JUDGE.fullmatch(name):
        raise RunError(
            f"judge {judge!r:.60}: name yourself with up to 40 letters and digits; spaces, points, hyphens and "
            "underscores may stand between them"
        )
    return name


def file_of(folder: Path, judge: str) -> Path:
    """Return the path of a judge's file in a review folder."""
    return folder / f"verdicts-{named(judge)}.jsonl"


def judges(folder: Path) -> list[str]:
    """Return the names of the judges who have a file, in order."""
    found = (path.name[len("verdicts-") : -len(".jsonl")] for path in folder.glob("verdicts-*.jsonl"))
    return sorted(name for name in found if _JUDGE.fullmatch(name))


def read(path: Path) -> dict[str, Verdict]:
    """Return the verdicts of a file by pair, the latest last; those taken back are left out.

    Raises:
        RunError: If it is no file, or a line is no verdict; the message names it.
    """
    found: dict[str, Verdict] = {}
    content = path.read_bytes() if _is_there(path) else b""
    whole, _, rest = content.rpartition(b"\n")
    for number, line in enumerate(whole.split(b"\n"), start=1):
        if line.strip():
            verdict = _verdict(line)
            if verdict is None:
                raise RunError(f"{path}: line {number} is no verdict; mend it, or move the file elsewhere")
            found.pop(verdict.id, None)
            found[verdict.id] = verdict
    last = _verdict(rest) if rest else None
    if last is not None:
        found.pop(last.id, None)
        found[last.id] = last
    return {pair: verdict for pair, verdict in found.items() if verdict.verdict or verdict.note}


def read_all(folder: Path) -> dict[str, dict[str, Verdict]]:
    """Return the verdicts of every judge, by name and pair."""
    return {judge: read(file_of(folder, judge)) for judge in judges(folder)}


def append(path: Path, verdict: Verdict) -> None:
    """Add a verdict to a file, and wait until the disk has it.

    Raises:
        RunError: If it is no file, or ends in something that is no verdict.
    """
    line = json.dumps(asdict(verdict)).encode() + b"\n"
    is_new = not _is_there(path)
    with _lock:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            if fcntl is not None:
                fcntl.flock(handle, fcntl.LOCK_EX)
            _write(handle, _mended(handle, path) + line)
        finally:
            os.close(handle)
    if is_new:
        _sync_folder(path.parent)


def _is_there(path: Path) -> bool:
    """Whether there is a file; a link, a folder or a pipe in its place is refused."""
    if os.path.lexists(path) and (path.is_symlink() or not path.is_file()):
        raise RunError(f"{path}: is no file of verdicts; move it elsewhere")
    return path.exists()


def _write(handle: int, content: bytes) -> None:
    """Write at the end of a file and wait for the disk; on a full one, nothing is written."""
    size = os.lseek(handle, 0, os.SEEK_END)
    if os.write(handle, content) < len(content):
        os.ftruncate(handle, size)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fsync(handle)


def _mended(handle: int, path: Path) -> bytes:
    """Cut off an unfinished last line; return what must stand before the next one."""
    size = os.lseek(handle, 0, os.SEEK_END)
    os.lseek(handle, 0, os.SEEK_SET)
    rest = os.read(handle, size).rpartition(b"\n")[2]
    if not rest:
        return b""
    if _verdict(rest) is not None:
        return b"\n"
    if not (rest.startswith(_BEGINNING) or _BEGINNING.startswith(rest)):
        raise RunError(f"{path}: its last line is no verdict; mend it, or move the file elsewhere")
    os.ftruncate(handle, size - len(rest))
    return b""


def _sync_folder(folder: Path) -> None:
    """Let the disk have the name of a new file."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _verdict(line: bytes) -> Verdict | None:
    """Return the verdict of a line; None if it is none."""
    try:
        found: Mapping[str, Any] = json.loads(line)
        verdict = Verdict(**found)
    except (ValueError, TypeError, RecursionError):
        return None
    texts = (verdict.id, verdict.verdict, verdict.note, verdict.at)
    is_one = all(isinstance(text, str) for text in texts) and isinstance(verdict.seconds, int | float)
    return verdict if is_one and verdict.verdict in ("", *CHOICES) else None
