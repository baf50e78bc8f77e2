"""Messages and progress bars on standard error, apart from what a command prints on standard output.

Messages go through `logging`, under ``ninefold``. On a terminal all of them are shown; elsewhere (a pipe, a batch job)
bars are hidden and warnings alone are shown.
"""

import logging
import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Item = TypeVar("Item")

_logger = logging.getLogger("ninefold")


class _StandardError(logging.Handler):
    """Prints the bare message on whatever ``sys.stderr`` is at that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING or sys.stderr.isatty() or _logger.level == logging.DEBUG:
            Console(stderr=True, soft_wrap=True, highlight=False, markup=False).print(record.getMessage())


if not _logger.handlers:
    _logger.addHandler(_StandardError())
    _logger.setLevel(logging.INFO)


def say(message: str) -> None:
    """Tell the user what is going on; shown on a terminal only."""
    _logger.info("%s", message)


def warn(message: str) -> None:
    """Tell the user what differs from what was asked for; always shown."""
    _logger.warning("%s", message)


def progress(*, shown: bool = True, transient: bool = False) -> Progress:
    """Return a progress bar with counts, elapsed time and time left; hidden where standard error is no terminal."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=transient,
        disable=not (shown and console.is_terminal),
    )


def track(
    items: Iterable[Item], description: str, *, total: int | None = None, shown: bool = True, transient: bool = False
) -> Iterator[Item]:
    """Yield items while a progress bar counts them."""
    with progress(shown=shown, transient=transient) as bar:
        yield from bar.track(items, total=total, description=description)
