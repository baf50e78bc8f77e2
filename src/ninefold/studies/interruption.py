"""Interruptions that are not lost: Python drops an exception that a signal raises within a callback of its own.

Ctrl-C that arrives while an object is removed from memory is printed as "Exception ignored" and forgotten. It is noted
here too, and raised again before the next task.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""Signals that end a command."""


@contextmanager
def noted() -> Iterator[Callable[[], None]]:
    """Yield a function that raises the interruption that has arrived in the block, if one has.

    The handlers that were there before are called as ever; on leaving the block they are there alone again.
    """
    before: dict[int, Any] = {}
    arrived: list[int] = []

    def note(number: int, frame: Any) -> None:
        arrived.append(number)
        before[number](number, frame)

    def check() -> None:
        if arrived:
            before[arrived[0]](arrived[0], None)

    with suppress(ValueError):  # Python sets signals in its main thread only.
        for number in SIGNALS:
            if callable(signal.getsignal(number)):
                before[number] = signal.signal(number, note)
    try:
        yield check
    finally:
        for given, handler in before.items():
            signal.signal(given, handler)
