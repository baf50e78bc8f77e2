"""Memory that Python allocates while a block runs."""

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def traced() -> Iterator[Callable[[], tuple[int, int]]]:
    """Yield what tells the memory in use now and at its peak, in bytes.

    Tracing ends though the block fails: it makes whatever runs later several times slower.
    """
    tracemalloc.start()
    try:
        yield tracemalloc.get_traced_memory
    finally:
        tracemalloc.stop()
