"""A command of ninefold in a forked process, which can kill or stop itself before any one of its changes of files.

Python reports every change that it is about to make in a folder (PEP 578); the moment after a change is the moment
before the next one. A forked process needs no second import of torch.
"""

import mmap
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import psutil

SECONDS = 120.0
"""Time after which a command is taken as hanging."""

_CHANGES = {"os.rename": 1, "os.remove": 0, "os.rmdir": 0, "os.mkdir": 0, "os.truncate": 0, "os.chmod": 0}
"""Python's names of changes, and which argument is the path."""
_RELATIVE = {"os.remove", "os.rmdir"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@dataclass
class Command:
    """A command that was started; it leads a process group of its own."""

    process: int
    """Its process id."""
    log: Path
    """What it printed."""
    counted: mmap.mmap
    code: int | None = None
    """Its exit code, once it has ended; the negative number of the signal that ended it."""

    @property
    def changes(self) -> int:
        """The changes of files that it has begun."""
        return int.from_bytes(self.counted[:8], "little")

    def wait(self, seconds: float = SECONDS, *, until_stopped: bool = False) -> int | None:
        """Return the exit code; None if it does not end in time, or stops itself and ``until_stopped``."""
        deadline = time.monotonic() + seconds
        while self.code is None:
            ended, status = os.waitpid(self.process, os.WNOHANG | (os.WUNTRACED if until_stopped else 0))
            if ended and os.WIFSTOPPED(status):
                return None
            if ended:
                self.code = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > deadline:
                return None
            else:
                time.sleep(0.002)
        return self.code

    def send(self, number: int) -> None:
        """Send a signal to the command and all its processes."""
        with suppress(ProcessLookupError):
            os.killpg(self.process, number)

    def kill_one(self, random: Random, *, own: bool) -> None:
        """Kill the command's own process, or one of the processes that it has started, if there is one."""
        others = [process for process in _group(self.process) if process != self.process]
        with suppress(ProcessLookupError):
            os.kill(self.process if own or not others else random.choice(others), signal.SIGKILL)

    def all_ended(self, seconds: float = 30.0) -> bool:
        """Wait until no process of the command is left; return whether that comes in time."""
        deadline = time.monotonic() + seconds
        self.wait(seconds)
        while _group(self.process) and time.monotonic() < deadline:
            time.sleep(0.01)
        return not _group(self.process)

    def said(self) -> str:
        """Return what it printed."""
        return self.log.read_text(errors="replace")


def start(
    work: Callable[[], object], folder: Path, log: Path, *, at: int | str | None = None, sent: int = signal.SIGKILL
) -> Command:
    """Start a command in a forked process.

    Args:
        work: The command, which may end with `SystemExit`.
        folder: Its working directory; changes in it are counted.
        log: The file of all that it prints, which is replaced.
        at: Number of the change, counted from 0, before which it sends itself a signal, or its event and file.
        sent: The signal. Killed before an `os.fsync`, the command loses the last bytes of that file too, as if it had
            been killed amid the write.
    """
    counted = mmap.mmap(-1, 8)
    sys.stdout.flush()
    process = os.fork()
    if process:
        with suppress(PermissionError, ProcessLookupError):
            os.setpgid(process, process)
        return Command(process, log, counted)
    code: object = 70
    try:
        os.setpgid(0, 0)
        os.chdir(folder)
        _redirect(log)
        _watch(folder, counted, at, sent)
        work()
        code = 0
    except SystemExit as error:
        code = 0 if error.code is None else error.code
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code if isinstance(code, int) else 1)
    raise AssertionError("not reached")


def _group(leader: int) -> list[int]:
    """Return the running processes of a process group."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, ProcessLookupError):
            if os.getpgid(process.pid) == leader and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
    return found


def _redirect(log: Path) -> None:
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    for number in (1, 2):
        os.dup2(out, number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.stdout, sys.stderr = (open(number, "w", buffering=1, closefd=False) for number in (1, 2))  # noqa: SIM115


def _watch(folder: Path, counted: mmap.mmap, at: int | str | None, sent: int) -> None:
    """Count the changes of files in a folder, and send a signal before one of them."""
    folder, synced = folder.resolve(), os.fsync

    def change(what: str, torn: int | None = None) -> None:
        nonlocal at
        number = int.from_bytes(counted[:8], "little")
        counted[:8] = (number + 1).to_bytes(8, "little")
        if at not in {number, what}:
            return
        at = None
        os.write(2, f"signal {sent} before change {number}: {what}\n".encode())
        if torn is not None and sent == signal.SIGKILL:
            with suppress(OSError):
                os.ftruncate(torn, max(os.fstat(torn).st_size - 7, 0))
        os.kill(os.getpid(), sent)

    def heard(event: str, given: tuple[Any, ...]) -> None:
        if event == "ctypes.dlsym":
            # The exchange of two folders is a call of the C library.
            if given[1] == "renameat2":
                change("renameat2")
        elif event == "open":
            if given[2] & _WRITING and (name := inside(given[0])):
                change(f"open {name}")
        elif event in _RELATIVE and given[-1] != -1:
            # A tree is removed by names relative to its folders.
            change(f"{event} {given[0]}")
        elif event in _CHANGES and (name := inside(given[_CHANGES[event]])):
            change(f"{event} {name}")

    def inside(path: object) -> str | None:
        """Return a path relative to the folder; None if it is elsewhere."""
        whole = Path.cwd() / os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else Path()
        return str(whole.relative_to(folder)) if whole.is_relative_to(folder) else None

    def fsync(file: int) -> None:
        change("fsync", torn=file)
        synced(file)

    os.fsync = fsync  # type: ignore[assignment]
    sys.addaudithook(heard)
