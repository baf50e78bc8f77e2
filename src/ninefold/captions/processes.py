"""Worker processes on this machine, each with an engine of its own, that make pairs of blocks."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from pathlib import Path

from ninefold import plugins
from ninefold.captions.blocks import Block, process_block
from ninefold.captions.engines.catalog import Opened, opened
from ninefold.captions.pair import Generated
from ninefold.captions.spec import CaptionsSpec
from ninefold.errors import RunError

Outcome = tuple[int, Sequence[Generated]]
"""Number of a block, and what was made of its captions."""

_here: list[Opened] = []
"""The engine of this process, if it is a worker."""


def in_processes(blocks: Iterable[Block], spec: CaptionsSpec, jobs: int) -> Iterator[Outcome]:
    """Yield the outcome of each block as it ends, in any order.

    Args:
        blocks: The blocks.
        spec: The specification, from which each worker opens its engine once.
        jobs: Number of workers.

    Raises:
        RunError: If a worker is killed.
        NinefoldError: If an engine cannot be used.
    """
    left = iter(blocks)
    # A forked process would share the threads' locks of this one.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(jobs, context, _begin, (spec, tuple(plugins.LOADED)))
    try:
        waiting: set[Future[Outcome]] = set()
        while True:
            # Only some are in memory at a time.
            waiting |= {pool.submit(_work, block) for block in islice(left, 2 * jobs - len(waiting))}
            if not waiting:
                return
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for each in done:
                yield each.result()
    except BrokenProcessPool as error:
        raise RunError(
            "a worker process was killed, perhaps because memory ran out; run the same command again to go on, with "
            "fewer --jobs if that is so"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(spec: CaptionsSpec, files: Sequence[Path | str]) -> None:
    """Prepare a worker: it ends with the process that has started it, which alone is interrupted by Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
    for plugin in files:
        plugins.load(plugin)
    _specs.append(spec)


_specs: list[CaptionsSpec] = []


def _work(block: Block) -> Outcome:
    # Opened here and not at the beginning, where an error would count as a killed worker.
    if not _here:
        _here.append(opened(_specs[-1]))
    return block.number, process_block(block.captions, _here[0].judge, _here[0].engine)
