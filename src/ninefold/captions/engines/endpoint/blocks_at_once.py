"""Several blocks of captions at once, so that the last slow answers of one do not leave the server idle."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from queue import SimpleQueue

from ninefold.captions.blocks import Block
from ninefold.captions.pair import Generated
from ninefold.models.endpoint.in_flight import work_on

AT_ONCE = 4
"""Number of blocks under way."""

Outcome = tuple[int, Sequence[Generated]]
"""A block's number, and what is made of its captions."""


def outcomes(blocks: Iterable[Block], work: Callable[[Block], Sequence[Generated]]) -> Iterator[Outcome]:
    """Yield the outcome of each block as it ends; after Ctrl-C the threads end with the process.

    Raises:
        Exception: The first error of ``work``, after the outcomes of the blocks that ended before.
    """
    ended: SimpleQueue[Outcome | BaseException | None] = SimpleQueue()

    def one(block: Block) -> None:
        ended.put((block.number, work(block)))

    def all_of_them() -> None:
        try:
            work_on(blocks, one, at_once=AT_ONCE)
        except BaseException as error:
            ended.put(error)
        else:
            ended.put(None)

    threading.Thread(target=all_of_them, name="ninefold blocks", daemon=True).start()
    while (item := ended.get()) is not None:
        if isinstance(item, BaseException):
            raise item
        yield item
