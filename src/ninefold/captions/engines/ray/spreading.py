"""Blocks of captions on the machines of a cluster, by Ray Data: one actor for each core, one task for each block.

Captions go to the actors through Ray, and what is made of them comes back the same way; so only what the engine itself
reads or keeps must be seen by all machines. A block whose process or machine is lost is done again.
"""

import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from ninefold import plugins
from ninefold.captions.blocks import Block
from ninefold.captions.pair import Generated
from ninefold.cluster import Connection, cause
from ninefold.errors import ModelError, NinefoldError, first_line, system_error

LIVES = 4
"""Number of times that a block is begun; after that, what it holds is thought to end its process."""

Work = Callable[[Block], Sequence[Generated]]
"""What is done with a block; it may raise a `NinefoldError`."""


def spread(
    connection: Connection, blocks: Iterable[Block], opener: Callable[[], Work]
) -> Iterator[tuple[int, Sequence[Generated]]]:
    """Yield number and outcome of each block as it ends, in any order.

    Args:
        connection: The connection to the cluster.
        blocks: The blocks; all are put into Ray's memory, and from there to disk, before the first one ends.
        opener: A function that each actor calls once, which opens the engine and returns the work; by name importable.

    Raises:
        ModelError: If a block cannot be done, or ends its process `LIVES` times.
    """
    try:
        for outcome in _outcomes(connection, blocks, opener):
            yield _result(pickle.loads(outcome))
    except connection.ray.exceptions.RayError as error:
        raise ModelError(f"Ray: the workers end with an error ({cause(error)})") from error


def _outcomes(connection: Connection, blocks: Iterable[Block], opener: Callable[[], Work]) -> Iterator[bytes]:
    """Yield what the actors return for each block."""
    ray, data = connection.ray, connection.data
    tables = [ray.put(pa.table({"block": [pickle.dumps(block)]})) for block in blocks]
    if not tables:
        return
    lives = ray.remote(num_cpus=0)(_Lives).remote()
    actors = max(1, min(len(tables), connection.resources("CPU")))
    done = data.from_arrow_refs(tables).map_batches(
        _Worker,
        fn_constructor_args=(tuple(plugins.LOADED), opener, lives),
        batch_size=1,
        batch_format="numpy",
        num_cpus=1,
        compute=data.ActorPoolStrategy(size=actors),
    )
    for batch in done.iter_batches(batch_size=None, batch_format="numpy", prefetch_batches=0):
        yield from batch["outcome"]


class _Lives:
    """The count of how often each block was begun; an actor of its own."""

    def __init__(self) -> None:
        self._begun: dict[int, int] = {}

    def begin(self, number: int) -> int:
        self._begun[number] = self._begun.get(number, 0) + 1
        return self._begun[number]


class _Worker:
    """An actor that does blocks."""

    def __init__(self, files: Sequence[Path | str], opener: Callable[[], Work], lives: Any) -> None:
        self._files, self._opener, self._lives = files, opener, lives
        self._work: Work | None = None

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[bytes]]:
        block = pickle.loads(batch["block"][0])
        try:
            outcome: Sequence[Generated] | str = self._outcome(block)
        except Exception as error:  # of any kind: Ray would wrap it in a page of text
            known = isinstance(error, NinefoldError)
            outcome = str(error) if known else f"unexpected {type(error).__name__}: {first_line(error)}"
            outcome = system_error(error) or outcome
        return {"outcome": [pickle.dumps((block.number, outcome))]}

    def _outcome(self, block: Block) -> Sequence[Generated]:
        import ray

        if ray.get(self._lives.begin.remote(block.number)) > LIVES:
            first = block.captions[0].id
            raise ModelError(
                f"Ray: the block from caption {first} has ended its process {LIVES} times; is memory short?"
            )
        if self._work is None:
            for plugin in self._files:
                plugins.load(plugin)
            self._work = self._opener()
        return self._work(block)


def _result(found: tuple[int, Sequence[Generated] | str]) -> tuple[int, Sequence[Generated]]:
    number, outcome = found
    if isinstance(outcome, str):
        raise ModelError(outcome)
    return number, outcome
