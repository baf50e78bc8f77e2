"""The examples of a split, read from its parquet files: in order, or by index on access."""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from threading import Lock
from typing import Any, overload

import pyarrow as pa

from ninefold.data.format.columns import CORE_COLUMNS, example_of, opened
from ninefold.types import Example

READ_ROWS = 64
"""Number of rows that streaming keeps in memory."""

CACHE_BYTES = 64 << 20
"""Memory for cached row groups; the last one used stays cached at any size."""


def stream(shards: Sequence[Path]) -> Iterator[Example]:
    """Yield the examples of parquet files in order, in constant memory.

    Raises:
        DataError: If a file is broken.
    """
    for shard in shards:
        with opened(shard, CORE_COLUMNS) as file:
            # By default pyarrow reads several row groups ahead.
            for group in range(file.num_row_groups):
                for batch in file.iter_batches(READ_ROWS, row_groups=[group]):
                    yield from map(example_of, batch.to_pylist())


class StoredExamples(Sequence[Example]):
    """The examples of parquet files by index, read on access, with a bounded cache.

    It can be pickled and holds no open file: each worker of a data loader reads on its own. Threads may share it.
    """

    def __init__(self, shards: Sequence[Path], *, limit: int | None = None) -> None:
        """Read the positions of the row groups; ``limit`` keeps only that many examples.

        Raises:
            DataError: If a file is broken.
        """
        self._shards = list(shards)
        self._groups: list[tuple[Path, int]] = []
        rows = [0]
        for shard in shards:
            with opened(shard, CORE_COLUMNS) as file:
                self._groups += [(shard, group) for group in range(file.num_row_groups)]
                rows += [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
        self._starts = list(accumulate(rows))
        self._length = min(self._starts[-1], self._starts[-1] if limit is None else limit)
        self._forget()

    def _forget(self) -> None:
        self._cache: OrderedDict[int, pa.Table] = OrderedDict()
        self._lock = Lock()

    def __getstate__(self) -> dict[str, Any]:
        """Return the state without the cache."""
        return {name: value for name, value in vars(self).items() if name not in {"_cache", "_lock"}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the state with an empty cache."""
        vars(self).update(state)
        self._forget()

    def __len__(self) -> int:
        """Return the number of examples."""
        return self._length

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> list[Example]: ...
    def __getitem__(self, index: int | slice) -> Example | list[Example]:
        """Return the example at an index, or a list of examples for a slice.

        Raises:
            IndexError: If the index is out of range.
            DataError: If a file has since been removed or broken.
        """
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(self._length))]
        at = index + self._length if index < 0 else index
        if not 0 <= at < self._length:
            raise IndexError(f"example {index} of {self._length}")
        group = bisect_right(self._starts, at) - 1
        return example_of(self._table(group).slice(at - self._starts[group], 1).to_pylist()[0])

    def __iter__(self) -> Iterator[Example]:
        """Yield all examples in order."""
        for _, example in zip(range(self._length), stream(self._shards), strict=False):
            yield example

    def _table(self, group: int) -> pa.Table:
        with self._lock:
            if group not in self._cache:
                self._cache[group] = self._read(*self._groups[group])
                while len(self._cache) > 1 and sum(table.nbytes for table in self._cache.values()) > CACHE_BYTES:
                    self._cache.popitem(last=False)
            self._cache.move_to_end(group)
            return self._cache[group]

    def _read(self, shard: Path, group: int) -> pa.Table:
        with opened(shard) as file:
            # A forked worker lacks the threads that its parent's reading started.
            return file.read_row_group(group, use_threads=False)
