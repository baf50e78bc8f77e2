"""Shards of a run over captions, each with a folder of its own, joined to the data set of the whole run.

It has the specification, the counts and the rows of a run without shards; the rows are in the order of the shards.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from ninefold import console, store
from ninefold.captions import card, layout
from ninefold.captions.contents import COLUMNS, Contents
from ninefold.captions.counts import Counts
from ninefold.captions.sources.sharing import Shard
from ninefold.data.format import writing
from ninefold.data.format.columns import opened
from ninefold.data.format.dataset import Dataset
from ninefold.errors import DataError
from ninefold.output import check_inputs, located
from ninefold.types import Example

Part = tuple[Shard, Dataset]
"""A shard with its data set."""


def merge(shards: Sequence[Path], out: Path, *, overwrite: bool = False, progress: bool = False) -> Counts:
    """Join the shards of a run (see `ninefold.merge_captions`)."""
    check_inputs(located(out), shards)
    parts = _in_order(shards)
    data = [each for _, each in parts]
    spec = _common_spec(data)
    splits = list(dict.fromkeys(split for each in data for split in each.splits))
    counts = _sum([Counts.read(each.folder / layout.COUNTS) for each in data])

    def complete(fresh: Path) -> None:
        for name in layout.SCHEMAS:
            _join([each.folder / name for each in data], fresh / name)
        store.write_json(fresh / layout.COUNTS, counts.to_json())
        timings = [store.read_json(each.folder / layout.TIMING) for each in data]
        store.write_json(fresh / layout.TIMING, {"shards": timings})

    rows = {split: _rows(data, split) for split in splits}
    writing.write(
        located(out).absolute(),
        {split: console.track(found, f"{split} pairs written", shown=progress) for split, found in rows.items()},
        about=card.about(spec, counts, _contents(data)),
        embed=bool(spec["embed"]),
        overwrite=overwrite,
        complete=complete,
    )
    return counts


def _in_order(folders: Sequence[Path]) -> list[Part]:
    """Return the shards in order.

    Raises:
        DataError: If one is missing, is given twice, or is none.
    """
    parts: dict[Shard, Dataset] = {}
    for folder in folders:
        data = Dataset.open(folder)
        captions = data.manifest.spec.get("captions")
        if data.source != layout.SOURCE or not isinstance(captions, Mapping):
            raise DataError(f"{folder}: is not made from captions; name folders of `ninefold captions run --shard`")
        shard = Shard.of(str(captions.get("shard")))
        if shard.count == 1 and len(folders) > 1:
            raise DataError(
                f"{folder}: is a whole run and no shard; name folders of `ninefold captions run --shard i/n`"
            )
        if shard in parts:
            raise DataError(
                f"{folder}: is shard {shard.index}/{shard.count}, as is {parts[shard].folder}; name each once"
            )
        parts[shard] = data
    if not parts:
        raise DataError("no shard is given; name the folders of all shards of a run")
    count = next(iter(parts)).count
    if any(shard.count != count for shard in parts):
        found = ", ".join(f"{shard.index}/{shard.count}" for shard in parts)
        raise DataError(f"shards {found}: are not of one run; name all shards i/n with the same n")
    missing = [f"{index}/{count}" for index in range(count) if Shard(index, count) not in parts]
    if missing:
        raise DataError(f"shard {', '.join(missing)} of the run is missing; name the folders of all {count}")
    return sorted(parts.items(), key=lambda part: part[0].index)


def _common_spec(data: Sequence[Dataset]) -> dict[str, Any]:
    """Return the specification of the run without shards.

    Raises:
        DataError: If two shards were made with different settings.
    """
    specs = [{**each.manifest.spec, "captions": {**each.manifest.spec["captions"], "shard": "0/1"}} for each in data]
    for each, spec in zip(data, specs, strict=True):
        other = next((name for name in specs[0] if spec.get(name) != specs[0][name]), None)
        if other is not None:
            raise DataError(
                f"{each.folder}: has other settings ({other}) than {data[0].folder}; name shards of one run"
            )
    return specs[0]


def _sum(counts: Sequence[Counts]) -> Counts:
    whole = Counts()
    for field in fields(Counts):
        values = [getattr(each, field.name) for each in counts]
        if field.name == "checks_not_run":
            found: Any = {name: why for each in values for name, why in each.items()}
        elif isinstance(values[0], Mapping):
            found = {name: sum(each.get(name, 0) for each in values) for name in dict.fromkeys(chain(*values))}
        else:
            found = sum(values)
        setattr(whole, field.name, found)
    whole.check()
    return whole


def _rows(data: Sequence[Dataset], split: str) -> Iterator[Example]:
    for each in data:
        if split in each.splits:
            yield from each.read(split)


def _contents(data: Sequence[Dataset]) -> Contents:
    """Return what the pairs are."""
    found = Contents()
    for shard in chain.from_iterable(each.shards(split) for each in data for split in each.splits):
        with opened(shard, COLUMNS) as file:
            for batch in file.iter_batches(columns=COLUMNS):
                for row in batch.to_pylist():
                    found.add(row)
    return found


def _join(files: Sequence[Path], to: Path) -> None:
    """Write the rows of several files of one schema to another."""
    with pq.ParquetWriter(to, layout.SCHEMAS[to.name], compression="zstd") as writer:
        for batch in _batches(files):
            writer.write_batch(batch)


def _batches(files: Sequence[Path]) -> Iterator[Any]:
    for path in files:
        with opened(path) as file:
            yield from file.iter_batches()
