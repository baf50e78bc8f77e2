"""Messages and progress bars on standard error, apart from what a command prints on standard output.

Messages go through `logging`, under ``ninefold``. On a terminal all of them are shown; elsewhere (a pipe, a batch job)
bars are hidden and warnings alone are shown. `show_debugging` shows all messages everywhere, with the file that sends
each.
"""

import logging
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Item = TypeVar("Item")

# One for messages and bars, so that a message appears above a running bar. It writes to whatever ``sys.stderr`` is at
# the moment.
_console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False, emoji=False)
_logger = logging.getLogger("ninefold")


class _StandardError(logging.Handler):
    """The way from a message of the package to standard error."""

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
    """Show messages of every level, also where standard error is no terminal; or return to the default."""
    _logger.setLevel(logging.DEBUG if shown else logging.INFO)


def say(message: str) -> None:
    """Tell the user what is going on; shown on a terminal only."""
    _logger.info("%s", message, stacklevel=2)


def warn(message: str) -> None:
    """Tell the user what differs from what was asked for; always shown."""
    _logger.warning("%s", message, stacklevel=2)


def debug(message: str) -> None:
    """Tell a developer about a decision inside; shown with ``--debug`` only."""
    _logger.debug("%s", message, stacklevel=2)


def progress(*, shown: bool = True, transient: bool = False) -> Progress:
    """Return a progress bar with counts, elapsed time and time left; hidden where standard error is no terminal."""
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
