"""Work on many items at once, on threads that an interruption does not wait for."""

import threading
import time
from collections.abc import Callable, Iterable
from queue import SimpleQueue
from typing import TypeVar

Item = TypeVar("Item")

GRACE = 2.0
"""Maximum seconds that work under way is given to finish after an error."""


def work_on(items: Iterable[Item], work: Callable[[Item], None], *, at_once: int) -> None:
    """Call a function on every item, for several items at once.

    Items are taken one by one in this thread, when there is a free place for them. After the first error no more are
    taken; work under way may still finish within `GRACE`. After Ctrl-C this returns at once: the threads end with the
    process.

    Args:
        items: The items.
        work: The function, called on other threads.
        at_once: Maximum number of items under way.

    Raises:
        Exception: The first error that the function raised.
    """
    todo: SimpleQueue[Item | None] = SimpleQueue()
    free = threading.Semaphore(at_once)
    errors: list[BaseException] = []

    def serve() -> None:
        while (item := todo.get()) is not None:
            try:
                work(item)
            except BaseException as error:
                errors.append(error)
            finally:
                free.release()

    threads = [threading.Thread(target=serve, name="ninefold endpoint", daemon=True) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    try:
        for item in items:
            free.acquire()
            if errors:
                free.release()
                break
            todo.put(item)
        deadline = None
        for _ in threads:  # Every place is free again when all work is done.
            while not free.acquire(timeout=0.05):
                deadline = deadline or (time.monotonic() + GRACE if errors else None)
                if deadline is not None and time.monotonic() > deadline:
                    break
    finally:
        for _ in threads:
            todo.put(None)
    if errors:
        raise errors[0]
