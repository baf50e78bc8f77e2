"""Messages and progress bars on standard error; results of a command go to standard output.

Messages go through `logging`, under ``ninefold``. On a terminal all are shown; elsewhere (a pipe, a batch job)
only warnings are shown, and no bars. `show_debugging` shows all messages everywhere, each with its source file.
"""

import logging
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Item = TypeVar("Item")

# Shared by messages and bars: a message then appears above a running bar. It writes to the current ``sys.stderr``.
_console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False, emoji=False)
_logger = logging.getLogger("ninefold")


class _StandardError(logging.Handler):
    """The log handler that prints the package's messages on standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        debugging = _logger.level == logging.DEBUG
        if not (debugging or _console.is_terminal or record.levelno >= logging.WARNING):
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


def warn(message: str) -> None:
    """Warn the user about something that differs from the request; always shown."""
    _logger.warning("%s", message, stacklevel=2)


def debug(message: str) -> None:
    """Inform a developer about an internal decision; shown with ``--debug`` only."""
    _logger.debug("%s", message, stacklevel=2)


def progress(*, shown: bool = True, transient: bool = False) -> Progress:
    """Return a progress bar with counts, elapsed time and time left; hidden where standard error is not a terminal."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=_console,
        transient=transient,
        disable=not (shown and _console.is_terminal),
    )


def track(
    items: Iterable[Item], description: str, *, total: int | None = None, shown: bool = True, transient: bool = False
) -> Iterator[Item]:
    """Yield items while a progress bar counts them."""
    with progress(shown=shown, transient=transient) as bar:
        yield from bar.track(items, total=total, description=description)
