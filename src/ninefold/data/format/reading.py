"""The examples of a split, read from its parquet files: in order, or by index on access.

Before the first one is read, all rows are checked (see `integrity`); images are checked where they are decoded.
"""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import pyarrow as pa

from ninefold import images
from ninefold.data.format import integrity, row_hashes
from ninefold.data.format.columns import CORE_COLUMNS, example_of, opened
from ninefold.design import spread, whole_groups
from ninefold.errors import FactError
from ninefold.types import NO_IMAGE, Example

if TYPE_CHECKING:
    from ninefold.data.format.dataset import Dataset

READ_ROWS = 64
"""Number of rows that streaming keeps in memory."""

CACHE_BYTES = 64 << 20
"""Memory for cached row groups; the last one used stays cached at any size."""

_PIXELS = "manifest pixels"
"""The column of listed pixel hashes, beside those of a row group."""


class StoredExamples(Sequence[Example]):
    """The examples of a split by index, read on access, with a bounded cache, or streamed in constant memory.

    It can be pickled and holds no open file: each worker of a data loader reads on its own. Threads may share it.
    """

    def __init__(
        self,
        data: "Dataset",
        split: str,
        *,
        limit: int | None = None,
        whole_images: bool = False,
        trust_pixels: bool = False,
    ) -> None:
        """Check the rows, and read the positions of the row groups.

        Args:
            data: The data set.
            split: Name of the split.
            limit: Number of examples to keep, spread evenly over the answers (see `ninefold.design.spread`).
            whole_images: Whether a limit keeps all examples of an image or none instead (see
                `ninefold.design.whole_groups`), so that they are at most so many.
            trust_pixels: Whether images are not compared with the manifest.

        Raises:
            DataError: If a file is broken.
            FactError: If the rows are not those of the manifest.
        """
        integrity.check_split(data, split)
        self._data, self._split, self._trust = data, split, trust_pixels
        self._groups: list[tuple[Path, int]] = []
        rows = [0]
        for shard in data.shards(split):
            with opened(shard, CORE_COLUMNS) as file:
                self._groups += [(shard, group) for group in range(file.num_row_groups)]
                rows += [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
        self._starts = list(accumulate(rows))
        total = self._starts[-1]
        self._chosen: Any = None
        if limit is not None and limit < total and whole_images:
            self._chosen = whole_groups([pixels or at for at, pixels in enumerate(self.pixel_hashes())], limit)
        elif limit is not None and limit < total:
            answers: dict[str, str] = {}
            self._chosen = spread([answers.setdefault(answer, answer) for (answer,) in self.texts("answer")], limit)
        self._length = total if self._chosen is None else len(self._chosen)
        self._forget()

    def texts(self, *columns: str) -> Iterator[tuple[Any, ...]]:
        """Yield the values of some columns of every example, in order; no other column is read."""
        at = 0
        for shard in dict.fromkeys(shard for shard, _ in self._groups):
            with opened(shard) as file:
                for batch in file.iter_batches(columns=list(columns)):
                    table = self._wanted(pa.Table.from_batches([batch]), at)
                    yield from zip(*(table[name].to_pylist() for name in columns), strict=True)
                    at += batch.num_rows

    def pixel_hashes(self) -> Iterator[str]:
        """Yield the pixel hash of every example's image, in order, from the manifest; "" without an image."""
        rows = row_hashes.read_rows(self._data.folder, self._split)
        if self._chosen is None:
            yield from (row.pixels for row in rows)
            return
        wanted = set(self._chosen.tolist())
        yield from (row.pixels for at, row in enumerate(rows) if at in wanted)

    def _forget(self) -> None:
        self._cache: OrderedDict[int, pa.Table] = OrderedDict()
        self._listed: pa.ChunkedArray | None = None
        self._lock = Lock()

    def __getstate__(self) -> dict[str, Any]:
        """Return the state without what is cached."""
        return {name: value for name, value in vars(self).items() if name not in {"_cache", "_listed", "_lock"}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the state with nothing cached."""
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
        row = at if self._chosen is None else int(self._chosen[at])
        group = bisect_right(self._starts, row) - 1
        return self._example(self._table(group).slice(row - self._starts[group], 1).to_pylist()[0])

    def __iter__(self) -> Iterator[Example]:
        """Yield all examples in order, in constant memory."""
        listed = iter(row_hashes.read_rows(self._data.folder, self._split))
        for group, (shard, number) in enumerate(self._groups):
            at = self._starts[group]
            with opened(shard) as file:
                # By default pyarrow reads several row groups ahead.
                for batch in file.iter_batches(READ_ROWS, row_groups=[number]):
                    pixels = [row.pixels for _, row in zip(range(batch.num_rows), listed, strict=False)]
                    table = pa.Table.from_batches([batch]).append_column(_PIXELS, [pixels])
                    yield from map(self._example, self._wanted(table, at).to_pylist())
                    at += batch.num_rows

    def _wanted(self, table: pa.Table, start: int) -> pa.Table:
        """Return the chosen ones of consecutive rows."""
        if self._chosen is None:
            return table
        first, last = np.searchsorted(self._chosen, [start, start + table.num_rows])
        return table.take(self._chosen[first:last] - start)

    def _example(self, row: dict[str, Any]) -> Example:
        pixels = row.pop(_PIXELS)
        return example_of(row, lambda image: self._image(image, row["id"], pixels))

    def _image(self, image: bytes | Path, row: str, pixels: str) -> bytes | Path:
        if (image == NO_IMAGE) != (not pixels):
            raise FactError(integrity.pixels_differ(self._data, self._split, row))
        if self._trust or not pixels:
            return image
        return images.listed(image, pixels, integrity.pixels_differ(self._data, self._split, row))

    def _table(self, group: int) -> pa.Table:
        with self._lock:
            if group not in self._cache:
                self._cache[group] = self._read(*self._groups[group]).append_column(_PIXELS, self._pixels(group))
                while len(self._cache) > 1 and sum(table.nbytes for table in self._cache.values()) > CACHE_BYTES:
                    self._cache.popitem(last=False)
            self._cache.move_to_end(group)
            return self._cache[group]

    def _pixels(self, group: int) -> pa.ChunkedArray:
        """Return the listed pixel hashes of a row group; those of the whole split stay in memory, 36 bytes each."""
        if self._listed is None:
            rows = row_hashes.read_rows(self._data.folder, self._split)
            self._listed = pa.chunked_array([pa.array((row.pixels for row in rows), pa.string())])
        start, end = self._starts[group : group + 2]
        return self._listed.slice(start, end - start)

    def _read(self, shard: Path, group: int) -> pa.Table:
        with opened(shard) as file:
            # A forked worker lacks the threads that its parent's reading started.
            return file.read_row_group(group, use_threads=False)
