"""Atomic files and content hashes: a result is complete or absent."""

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import xxhash

from ninefold.errors import RunError

REMEMBERED_BYTES = 16 << 20
"""Smallest file whose hash is cached, in bytes; smaller files are read again in milliseconds."""

REMEMBERED_FILES = 1024
"""Largest number of cached hashes; the latest are kept."""


def canonical_json(value: object) -> str:
    """Return JSON with sorted keys and no extra spaces: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def content_id(value: object, length: int = 12) -> str:
    """Return the first hex digits of the SHA-256 of a value's canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:length]


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically: a reader, or a crash, finds either the old content or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files private; a result must be as readable as any other file of its folder.
        Path(name).chmod(0o666 & ~_umask())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_text(path: Path, content: str) -> None:
    """Write a text file atomically, as UTF-8 with its line ends unchanged."""
    write_bytes(path, content.encode())


def write_json(path: Path, value: object) -> None:
    """Write a JSON file atomically, indented and with its keys in the order given."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path, kind: type = dict) -> Any:
    """Read a JSON file; a missing or broken one, or one of another kind of value, is a `RunError` that names it."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RunError(f"{path}: no such file") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise RunError(f"{path}: not readable as JSON ({error}); delete it and run the command again") from error
    if not isinstance(found, kind):
        name = "list" if kind is list else "object"
        raise RunError(f"{path}: holds no JSON {name}; delete it and run the command again")
    return found


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder beside ``path`` that replaces it when the block ends without an error.

    The old content of ``path`` is removed only when the new folder is complete. Its files are as readable as any.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    fresh.chmod(0o777 & ~_umask())
    try:
        yield fresh
        # Some libraries make their files private.
        for file in fresh.rglob("*"):
            if file.is_file() and not file.is_symlink():
                file.chmod(0o666 & ~_umask())
        if path.exists():
            old = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
            path.replace(old / "old")
            fresh.replace(path)
            shutil.rmtree(old)
        else:
            fresh.replace(path)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise


def file_hash(path: Path) -> str:
    """Return the xxh3_128 of a file's bytes, in hex.

    The hash of a large file is cached in the user's cache folder, by path, size and modification time.
    """
    facts = path.stat()
    if facts.st_size < REMEMBERED_BYTES:
        return _hash(path)
    memory, key = user_cache() / "hashes.json", str(path.resolve())
    state = [facts.st_size, facts.st_mtime_ns]
    known = _remembered(memory)
    if known.get(key, [])[:2] == state:
        return str(known[key][2])
    found = _hash(path)
    # A file that was changed just now may change again within the resolution of its modification time.
    if time.time_ns() - facts.st_mtime_ns > 2_000_000_000:
        newest = [(name, value) for name, value in known.items() if name != key][1 - REMEMBERED_FILES :]
        with suppress(OSError):
            write_json(memory, {**dict(newest), key: [*state, found]})
    return found


def user_cache() -> Path:
    """Return the user's cache folder of ninefold, which can be deleted at any time."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ninefold"


def _remembered(memory: Path) -> dict[str, list[Any]]:
    try:
        known = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _hash(path: Path) -> str:
    digest = xxhash.xxh3_128()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
