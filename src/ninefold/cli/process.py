"""The process of a command: its standard streams, and the signals that end it."""

import io
import os
import select
import signal
import sys
from contextlib import suppress
from pathlib import Path


class Terminated(KeyboardInterrupt):
    """An interruption by SIGTERM, with which batch systems end a job."""


def prepare() -> None:
    """Make the standard streams writable, and let SIGTERM end a command as Ctrl-C does."""
    for name in ("stdout", "stderr"):
        # A closed stream is None; print would then write to the other one.
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
    # Names of files need not be UTF-8.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    process = os.getpid()

    def terminate(number: int, _: object) -> None:
        # Workers inherit this function; they end at once.
        if os.getpid() != process:
            os._exit(128 + number)
        raise Terminated

    with suppress(ValueError):  # Python sets signals in its main thread only.
        signal.signal(signal.SIGTERM, terminate)


def has_reader() -> bool:
    """Return whether standard output can still be read; the reader of a pipe may be gone, like `head`."""
    waiting = select.poll()
    waiting.register(sys.stdout.fileno(), 0)
    return not any(event & select.POLLERR for _, event in waiting.poll(0))


def discard_unwritten() -> None:
    """Discard output that cannot be written, on a full disk or without a reader: Python would fail again at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
