"""Atomic files and content hashes: a result is complete or absent."""

import ctypes
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import xxhash

from ninefold.errors import RunError, first_line

try:
    import fcntl
except ImportError:  # Windows has no such locks.
    fcntl = None  # type: ignore[assignment]

_TEMPORARY = ".ninefold"
"""End of the names of temporary files and folders, which begin with a dot."""

_swept: set[Path] = set()
"""Folders that this process has swept: once is enough, and takes no time at later writes."""

REMEMBERED_BYTES = 16 << 20
"""Smallest size of files of which anything is cached, in bytes; smaller files are read again in milliseconds."""

REMEMBERED_FILES = 1024
"""Largest number of cached values; the latest are kept."""


def canonical_json(value: object) -> str:
    """Return JSON with sorted keys and no extra spaces: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def content_id(value: object, length: int = 12) -> str:
    """Return the first hex digits of the SHA-256 of a value's canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode(errors="backslashreplace")).hexdigest()[:length]


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically: a reader, or a crash, finds either the old content or the new one."""
    with _temporary(path, tempfile.mkstemp) as (fresh, handle):
        # A second handle: the first one holds the lock until the file has its name.
        with open(handle, "wb", closefd=False) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files private; a result must be as readable as any other file of its folder.
        fresh.chmod(0o666 & ~_umask())
        fresh.replace(path)


def write_text(path: Path, content: str) -> None:
    """Write a text file atomically, as UTF-8 with its line ends unchanged."""
    # Names of files that are not UTF-8 hold surrogates, which Python's `json` reads back from such an escape.
    write_bytes(path, content.encode(errors="backslashreplace"))


def write_json(path: Path, value: object) -> None:
    """Write a JSON file atomically, indented and with its keys in the order given."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path, kind: type = dict, *, finite: bool = True) -> Any:
    """Return the content of a JSON file.

    Args:
        path: The file.
        kind: The type of the outermost value.
        finite: Whether NaN and Infinity, which are no JSON but written by some libraries, are refused.

    Raises:
        RunError: If the file is missing or broken, or holds another kind of value; the message names it.
    """
    try:
        if path.exists() and not path.is_file():
            raise RunError(f"{path}: is no file; delete it and run the command again")
        found = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse if finite else None)
    except FileNotFoundError as error:
        raise RunError(f"{path}: no such file") from error
    # Python refuses numbers of thousands of digits with a ValueError, and deep nesting with a RecursionError.
    except (ValueError, RecursionError, MemoryError) as error:
        raise RunError(
            f"{path}: not readable as JSON ({first_line(error)}); delete it and run the command again"
        ) from error
    if not isinstance(found, kind):
        name = "list" if kind is list else "object"
        raise RunError(f"{path}: holds no JSON {name}; delete it and run the command again")
    return found


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder beside ``path`` that replaces it when the block ends without an error.

    The old content of ``path`` is removed only when the new folder is complete. Its files are as readable as any.
    """
    with _temporary(path, _make_folder) as (fresh, _):
        fresh.chmod(0o777 & ~_umask())
        yield fresh
        # Some libraries make their files private.
        for file in fresh.rglob("*"):
            if file.is_file() and not file.is_symlink():
                file.chmod(0o666 & ~_umask())
        replace_folder(path, fresh)


def replace_folder(path: Path, fresh: Path) -> None:
    """Move a folder to a path on the same file system, and remove the folder that it replaces there.

    At every moment, one of the two is there. Where the file system cannot exchange two folders in one step, a crash may
    leave the old one aside; `restore` moves it back.
    """
    if not path.exists():
        fresh.replace(path)
    elif _exchanged(fresh, path):
        _remove(fresh)
    else:
        aside = _aside(path)
        shutil.rmtree(aside, ignore_errors=True)
        path.replace(aside)
        fresh.replace(path)
        _remove(aside)


def remove_folder(path: Path) -> None:
    """Remove a folder: it is whole or absent, and what a kill leaves of it is a temporary folder."""
    with _temporary(path, _make_folder) as (fresh, _):
        path.replace(fresh)
        _remove(fresh)


def restore(path: Path) -> None:
    """Move a folder back to its path, from where a crash of `replace_folder` has left it."""
    if not os.path.lexists(path) and _aside(path).is_dir():
        _aside(path).replace(path)


def is_temporary(path: Path) -> bool:
    """Whether a name is that of a temporary file or folder, which a killed write has left."""
    return path.name.startswith(".") and path.name.endswith(_TEMPORARY)


def sweep(folder: Path) -> None:
    """Remove the temporary files and folders that killed writes have left in a folder.

    Those of a living process are locked, and stay. Where the file system has no locks, all stay.
    """
    for path in folder.glob(f".*{_TEMPORARY}") if fcntl is not None else ():
        with suppress(OSError):
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()
            finally:
                os.close(handle)


def file_hash(path: Path) -> str:
    """Return the xxh3_128 of a file's bytes, in hex.

    The hash of a large file is cached in the user's cache folder, by path, size and modification time.
    """
    return str(remembered([path], "", lambda: _hash(path)))


def remembered(paths: Sequence[Path], what: str, read: Callable[[], Any]) -> Any:
    """Return what ``read`` reads from files, in JSON types; of large files it is cached, as hashes are.

    ``what`` names what is read and the version that reads it; it is empty for the hash of one file.
    """
    facts = [path.stat() for path in paths]
    if sum(each.st_size for each in facts) < REMEMBERED_BYTES:
        return read()
    try:
        memory = user_cache() / "hashes.json"
    except RunError:
        return read()
    key = " ".join([what, *(str(path.resolve()) for path in paths)]).strip()
    state = [number for each in facts for number in (each.st_size, each.st_mtime_ns)]
    known = _remembered(memory)
    if known.get(key, [])[:-1] == state:
        return known[key][-1]
    found = read()
    # A file that was changed just now may change again within the resolution of its modification time.
    if time.time_ns() - max(each.st_mtime_ns for each in facts) > 2_000_000_000:
        newest = [(name, value) for name, value in known.items() if name != key][1 - REMEMBERED_FILES :]
        with suppress(OSError):
            write_json(memory, {**dict(newest), key: [*state, found]})
    return found


def user_cache() -> Path:
    """Return the user's cache folder of ninefold, which can be deleted at any time.

    Raises:
        RunError: If the user has no home.
    """
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ninefold"
    except RuntimeError as error:
        raise RunError("no home folder, where results are cached; set HOME or XDG_CACHE_HOME to a folder") from error


def _remembered(memory: Path) -> dict[str, list[Any]]:
    try:
        return read_json(memory)  # type: ignore[no-any-return]
    except (OSError, RunError):
        return {}


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, xxhash.xxh3_128).hexdigest()


@contextmanager
def _temporary(path: Path, make: Callable[..., tuple[int, str]]) -> Iterator[tuple[Path, int]]:
    """Yield a new file or folder beside ``path``, and its locked handle; after an error it is removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.parent not in _swept:
        sweep(path.parent)
        _swept.add(path.parent)
    while True:
        try:
            handle, name = make(dir=path.parent, prefix=f".{path.name[:40]}.", suffix=_TEMPORARY)
        except OSError as error:
            # The user knows the path, and not its temporary file.
            error.filename = str(path)
            raise
        fresh = Path(name)
        # Another process may have taken it for left over before it was locked.
        if _lock(handle) and fresh.exists():
            break
        os.close(handle)
    try:
        yield fresh, handle
    except BaseException:
        _remove(fresh) if fresh.is_dir() else fresh.unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)


def _remove(folder: Path) -> None:
    """Remove a folder that other processes may be removing too, as left over."""
    while folder.exists():
        with suppress(FileNotFoundError):
            shutil.rmtree(folder)


def _make_folder(**place: Any) -> tuple[int, str]:
    name = tempfile.mkdtemp(**place)
    return os.open(name, os.O_RDONLY), name


def _lock(handle: int) -> bool:
    """Lock an open file until its handle is closed; False if another process holds the lock."""
    try:
        if fcntl is not None:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass  # The file system has no locks.
    return True


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange two paths in one step (Linux's renameat2); False if the system or the file system cannot."""
    if not sys.platform.startswith("linux"):
        return False
    exchange = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    here, swap = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    return exchange is not None and exchange(here, os.fsencode(one), here, os.fsencode(other), swap) == 0


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.replaced")


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
