"""Messages and progress on standard error; results of a command go to standard output.

Messages go through `logging`, under ``ninefold``. On a terminal all are shown, and progress as bars. Elsewhere (a pipe,
a file, a batch job) only milestones and warnings are shown, and progress as one line a minute. `show_debugging` shows
all messages everywhere, each with its source file.
"""

import logging
import time
from collections.abc import Iterable, Iterator
from operator import length_hint
from threading import Event, Thread
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

Item = TypeVar("Item")

# Shared by messages and bars: a message then appears above a running bar. It writes to the current ``sys.stderr``.
_console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False, emoji=False)
_logger = logging.getLogger("ninefold")

MILESTONE = (logging.INFO + logging.WARNING) // 2
"""Level of messages that are shown in files too."""

LINE_SECONDS = 60.0
"""Seconds between two lines of progress where there is no terminal; work that is done sooner prints none."""


class _StandardError(logging.Handler):
    """The log handler that prints the package's messages on standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        debugging = _logger.level == logging.DEBUG
        if not (debugging or _console.is_terminal or record.levelno >= MILESTONE):
            return
        try:
            message = record.getMessage()
            if debugging:
                clock = time.strftime("%H:%M:%S", time.localtime(record.created))
                message = f"{clock} {record.levelname.lower()} {record.module}: {message}"
            _console.print(message)
        except Exception:
            self.handleError(record)


if not _logger.handlers:
    _logger.addHandler(_StandardError())
    _logger.setLevel(logging.INFO)


def show_debugging(shown: bool = True) -> None:
    """Show messages of every level, even where standard error is not a terminal; or return to the default."""
    _logger.setLevel(logging.DEBUG if shown else logging.INFO)


def say(message: str) -> None:
    """Inform the user about progress; shown on a terminal only."""
    _logger.info("%s", message, stacklevel=2)


def milestone(message: str) -> None:
    """Inform the user about a finished part of long work, such as an epoch; always shown."""
    _logger.log(MILESTONE, "%s", message, stacklevel=2)


def warn(message: str) -> None:
    """Warn the user about something that differs from the request; always shown."""
    _logger.warning("%s", message, stacklevel=2)


def debug(message: str) -> None:
    """Inform a developer about an internal decision; shown with ``--debug`` only."""
    _logger.debug("%s", message, stacklevel=2)


class _Lines(Progress):
    """Progress as plain lines, one a minute for each task that is not finished."""

    def __init__(self) -> None:
        super().__init__(disable=True)
        self._ended = Event()
        self._thread = Thread(target=self._print_lines, daemon=True)

    def add_task(
        self,
        description: str,
        start: bool = True,
        total: float | None = 100.0,
        completed: int = 0,
        visible: bool = True,
        **fields: Any,
    ) -> TaskID:
        # Work that is resumed begins at a step of its own, from which its speed is counted.
        return super().add_task(description, start, total, completed, visible, begun_at=completed, **fields)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()

    def _print_lines(self) -> None:
        # A thread of its own: one step of the work may take longer than a minute.
        while not self._ended.wait(LINE_SECONDS):
            for task in self.tasks:
                if task.visible and not task.finished:
                    _console.print(_line(task))


def progress(*, shown: bool = True, transient: bool = False) -> Progress:
    """Return a progress display with counts, elapsed time and time left.

    It is a bar on a terminal, and elsewhere one line a minute.
    """
    if shown and not _console.is_terminal:
        return _Lines()
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=_console,
        transient=transient,
        disable=not shown,
    )


def track(
    items: Iterable[Item], description: str, *, total: int | None = None, shown: bool = True, transient: bool = False
) -> Iterator[Item]:
    """Yield items while a progress display counts them."""
    with progress(shown=shown, transient=transient) as bar:
        # Progress.track counts in a thread that ends where no bar is drawn: lines would stay at the first item.
        task = bar.add_task(description, total=total if total is not None else length_hint(items) or None)
        for item in items:
            yield item
            bar.advance(task)


def _line(task: Task) -> str:
    """Return the progress of a task in words, such as "predict: 512 of 1,296 (39 %), 0:01:00 so far, 0:01:32 left"."""
    counted = f"{task.completed:,.0f}"
    if task.total is not None:
        counted += f" of {task.total:,.0f} ({int(task.percentage)} %)"
    elapsed = task.elapsed or 0.0
    done = task.completed - task.fields["begun_at"]
    left = elapsed * task.remaining / done if task.remaining is not None and done > 0 else None
    return f"{task.description}: {counted}, {clock(elapsed)} so far" + ("" if left is None else f", {clock(left)} left")


def clock(seconds: float) -> str:
    """Return a duration as hours, minutes and seconds, such as "0:01:32"."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
