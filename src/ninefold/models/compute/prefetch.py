"""Work done by threads ahead of its use, in order and in bounded memory."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import torch

SMALL = 100_000_000
"""Parameters up to which each core of a CPU has batches of its own, instead of all cores sharing each operation."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def batch_per_core(network: Any) -> bool:
    """Whether a network is best computed by `prefetch`: where it is, and how small it is, decide."""
    return bool(network.device.type == "cpu" and network.num_parameters() <= SMALL)


def prefetch(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Yield ``function`` of each item, in order, computed by a thread per core a little ahead of its use.

    Inside, torch works on one thread: a core that has its own items need not wait for the others at every operation,
    which for small models, or on a busy machine, is what torch's own threads mostly do.
    """
    before = torch.get_num_threads()
    workers = min(before, os.cpu_count() or 1)
    waiting: deque[Future[Result]] = deque()
    try:
        with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
    finally:
        torch.set_num_threads(before)
