"""The lock of a run folder: one process works on a run and records its status."""

import errno
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from ninefold import console, store
from ninefold.errors import NinefoldError, RunError, first_line
from ninefold.runs import layout, readme
from ninefold.runs.folder import check_run, is_finished, open_run
from ninefold.runs.records import Status, now

_NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP}
"""Error numbers of file systems without locks."""


@contextmanager
def working(folder: Path, spec: Mapping[str, Any], *, overwrite: bool = False) -> Iterator[bool]:
    """Open the run folder of a specification and hold its lock until the block ends.

    The status is "running" meanwhile, and then "done", or "failed" with the reason if an exception ended the block.
    After Ctrl-C or SIGTERM it is "interrupted". A run that was killed stays "running"; its lock is free again. A run of
    another specification is replaced only with ``overwrite``, and if it is of the same kind.

    Yields:
        Whether there is work to do; another process may just have finished the run.

    Raises:
        RunError: If another process works on the run, or the folder holds something else.
    """
    check_run(folder, spec, overwrite=overwrite)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        if is_finished(folder, spec):
            store.sweep(folder)
            yield False
            return
        open_run(folder, spec, overwrite=overwrite)
        if not (folder / layout.README).exists():
            readme.write(folder, str(spec.get("kind")))
        status = Status.running()
        status.write(folder)
        try:
            yield True
        except (Exception, KeyboardInterrupt) as error:
            ended = replace(status, state="interrupted", ended=now())
            if isinstance(error, Exception):
                ended = replace(ended, state="failed", reason=first_line(error))
            with suppress(OSError):  # A full disk may be the very reason.
                ended.write(folder)
            raise
        replace(status, state="done", ended=now()).write(folder)


def locked(folder: Path) -> AbstractContextManager[None]:
    """Return a context that holds the lock of a run folder; the lock of a dead process is free.

    Raises:
        RunError: If another process holds it; the message names the holder.
    """
    return held(
        folder / layout.LOCK,
        lambda: RunError(f"{folder}: {_holder(folder)}; wait until it has finished, or choose another --out"),
    )


def locked_output(path: Path, error: type[NinefoldError] = RunError) -> AbstractContextManager[None]:
    """Return a context in which other processes that write the same file or folder are refused.

    Raises:
        NinefoldError: An error of class ``error``, if another process holds the lock; the message names it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = _lock_of(path)
    wait = "wait until it has finished, or choose another --out"
    return held(lock, lambda: error(f"{path}: another process is writing it{_named(lock)}; {wait}"))


def tidy(folder: Path) -> None:
    """Remove the lock and the temporary files that a process killed at its very end has left in a finished run."""
    store.sweep(folder)
    _remove_stale(folder / layout.LOCK)


def tidy_output(path: Path) -> None:
    """Remove the lock and the temporary files that a process killed at its very end has left beside its output."""
    store.sweep(path.parent)
    _remove_stale(_lock_of(path))


@contextmanager
def held(path: Path, refusal: Callable[[], NinefoldError]) -> Iterator[None]:
    """Hold a lock file until the block ends, then remove it; other processes are refused meanwhile.

    Raises:
        NinefoldError: The error that ``refusal`` returns, if another process holds the lock.
    """
    # Imported here: what only looks for a finished run needs no lock.
    import filelock

    lock = filelock.FileLock(path, timeout=0)
    try:
        try:
            lock.acquire()
        except filelock.Timeout:
            if path.exists():
                raise
            # Its holder has just removed it.
            lock.acquire()
    except filelock.Timeout as error:
        _check_writable(path)
        raise refusal() from error
    except (NotImplementedError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_LOCKS:
            raise _named_by_output(error, path) from error
        console.warn(f"{path.parent}: its file system has no locks; start no second command with the same --out")
        yield
        return
    with suppress(OSError):
        path.write_text(f"process {os.getpid()} on {socket.gethostname()}", encoding="utf-8")
    try:
        yield
    finally:
        # Removed while held: a process that opened the file meanwhile is refused, or finds the finished run.
        with suppress(OSError):
            path.unlink()
        lock.release()


def is_held(lock: Path) -> bool:
    """Whether a process holds a lock file; a killed one leaves the file, and holds it no longer."""
    _remove_stale(lock)
    return lock.exists()


def _lock_of(output: Path) -> Path:
    return output.with_name(f".{output.name}.lock")


def _named_by_output(error: OSError, lock: Path) -> OSError:
    """Return an error that names the output, which the user knows, and not its lock."""
    name = lock.name.removeprefix(".").removesuffix(".lock")
    output = lock.parent if lock.name == layout.LOCK else lock.with_name(name)
    return OSError(error.errno, error.strerror, str(output))


def _remove_stale(lock: Path) -> None:
    """Remove a lock file, unless a process holds it."""
    if lock.exists():
        with suppress(RunError, OSError), held(lock, lambda: RunError("held")):
            pass


def _check_writable(path: Path) -> None:
    """Let the operating system say why a lock file cannot be made, which filelock takes for a lock that is held."""
    try:
        with path.open("ab"):
            pass
    except OSError as error:
        raise _named_by_output(error, path) from error


def _named(lock: Path) -> str:
    """Return the process that a lock file names, after a comma; nothing if it names none."""
    try:
        holder = lock.read_text(encoding="utf-8")[:200]
    except (OSError, ValueError):
        return ""
    return f", {holder}" if holder.startswith("process ") else ""


def _holder(folder: Path) -> str:
    holder = _named(folder / layout.LOCK).removeprefix(", ")
    with suppress(RunError):
        status = Status.read(folder)
        # Until the holder writes its own, the status is that of an earlier process.
        if holder == f"process {status.process} on {status.host}":
            return f"{holder} has been working on this run since {status.begun}"
    return f"{holder or 'another process'} works on this run"
