"""Work shared among the cores of a CPU: threads with cores of their own, and results in the order of the items."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, Self, TypeVar

import torch

SMALL = 100_000_000
"""Maximum number of parameters of a network computed with one batch per core instead of all cores on one batch."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def batch_per_core(network: Any) -> bool:
    """Whether one batch per core is fastest for a network: a small one on a CPU."""
    return bool(network.device.type == "cpu" and network.num_parameters() <= SMALL)


def core_count() -> int:
    """Return the number of cores that torch may use; ``OMP_NUM_THREADS`` limits it."""
    return min(torch.get_num_threads(), os.cpu_count() or 1)


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Let torch compute with this number of threads until the block ends."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class Workers:
    """Threads that share the cores of a CPU: each runs torch on its own cores, on its own items.

    Cores do not wait for each other at every operation. With small models, or on a busy machine, torch's own threads
    mostly wait.
    """

    def __init__(self, count: int, *, cores: int = 1) -> None:
        """Use ``count`` threads with ``cores`` cores each."""
        self.count = count
        self.cores = cores

    def __enter__(self) -> Self:
        """Start the threads."""
        self._before = torch.get_num_threads()
        self._pool = ThreadPoolExecutor(self.count, initializer=torch.set_num_threads, initargs=(self.cores,))
        return self

    def __exit__(self, *_: object) -> None:
        """End the threads after what they compute now, and give torch in the calling thread its cores back."""
        self._pool.shutdown(cancel_futures=True)
        torch.set_num_threads(self._before)

    def map(
        self, function: Callable[[Item], Result], items: Iterable[Item], *, most: int | None = None
    ) -> Iterator[Result]:
        """Yield the result of ``function`` for each item, in order; items are taken shortly before they are needed.

        Args:
            function: A function that several threads may call at the same time.
            items: Its arguments.
            most: Maximum number of items and results in memory; by default as many as keep all threads busy.
        """
        most = 2 * self.count + 1 if most is None else most
        waiting: deque[Future[Result]] = deque()
        try:
            for item in items:
                waiting.append(self._pool.submit(function, item))
                if len(waiting) >= most:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
            wait(waiting)


def prefetch(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Yield the result of ``function`` for each item, in order, computed by a thread per core shortly before."""
    with Workers(core_count()) as workers:
        yield from workers.map(function, items)
