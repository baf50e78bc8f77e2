"""Prefetching: results computed by threads ahead of their use, in order and in bounded memory."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import torch

SMALL = 100_000_000
"""Maximum number of parameters of a network computed with one batch per core instead of all cores on one batch."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def batch_per_core(network: Any) -> bool:
    """Whether one batch per core is fastest for a network: a small one on a CPU."""
    return bool(network.device.type == "cpu" and network.num_parameters() <= SMALL)


def prefetch(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Yield the result of ``function`` for each item, in order, computed by a thread per core shortly before its use.

    Each thread runs torch on one core, with its own items: cores do not wait for each other at every operation. With
    small models, or on a busy machine, torch's own threads mostly wait.
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
