"""The writer of dataset folders: shard by shard into a work folder, which becomes the data set at the end.

The work folder, ``.{name}.partial`` beside the data set, survives a crash. Writing the same data set again adds the
missing shards and ends with the same bytes; writing another one starts over.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ninefold import store
from ninefold.console import say
from ninefold.data.format import manifest, row_hashes, shards
from ninefold.data.format.card import About, card
from ninefold.data.format.manifest import Manifest, SplitFacts
from ninefold.errors import DataError
from ninefold.output import strange_path
from ninefold.runs.lock import locked_output
from ninefold.types import Example
from ninefold.version import __version__


def write(
    folder: Path,
    splits: Mapping[str, Iterable[Example]],
    *,
    about: About,
    embed: bool = True,
    overwrite: bool = False,
    complete: Callable[[Path], None] | None = None,
    locked: bool = False,
) -> None:
    """Write a data set atomically. Shards finished by an interrupted call are kept for the next one.

    Args:
        folder: The folder to write.
        splits: The examples of each split.
        about: The other content of the card and the manifest.
        embed: Whether images that are paths are copied into the parquet; otherwise their absolute paths are kept.
        overwrite: Whether a data set with other settings, or of other rows, is replaced there.
        complete: A function that adds further files to the folder, before it gets its name.
        locked: Whether the caller holds the folder's lock already.

    Raises:
        DataError: If a split is empty, an id occurs twice, a factor changes its type or appears in some rows only,
            something else is in the folder, or another process is writing it.
    """
    folder = folder.absolute()
    odd = next((split for split in splits if not manifest.SPLIT_NAME.fullmatch(split)), None)
    if odd is not None:
        raise DataError(f"split {odd!r}: name it with letters, digits and underscores alone, as `datasets` requires")
    with nullcontext() if locked else locked_output(folder, DataError):
        settings = manifest.settings(about.source, about.spec, __version__)
        same = not overwrite and manifest.KIND.has(folder, settings)
        if not same:
            manifest.KIND.check(folder, settings, overwrite=overwrite)
        with _work_folder(folder, _identity(splits, about, embed)) as work:
            schema: pa.Schema | None = None
            for split, examples in splits.items():
                schema = shards.write_shards(work, split, examples, schema, embed=embed)
            if schema is None:
                raise DataError(f"{folder}: a data set needs at least one split")
            _assemble(work, folder, list(splits), schema, about)
            if complete is not None:
                complete(work / "set")
            if same:
                _check_same_rows(folder, work / "set")
            if not (same and _is_whole_among_others(folder, work / "set")):
                manifest.KIND.check(folder, settings, overwrite=overwrite)
                store.replace_folder(folder, work / "set")


def _is_whole_among_others(folder: Path, fresh: Path) -> bool:
    """Whether a data set of the same rows has all its files beside those of somebody else, such as a clone's ``.git``.

    It then stays as it is: replaced, the others would be lost.
    """
    files = (path.relative_to(fresh) for path in fresh.rglob("*") if path.is_file())
    return strange_path(folder, manifest.KIND.files) is not None and all((folder / file).is_file() for file in files)


def _check_same_rows(folder: Path, fresh: Path) -> None:
    """Refuse to replace a data set by one of the same settings and other rows: its inputs have changed."""
    there, made = Manifest.read(folder).splits, Manifest.read(fresh).splits
    if there != made:
        raise DataError(
            f"{folder}: holds a data set with the same settings and other rows, made before its inputs changed; choose "
            "another --out, or replace it with --overwrite"
        )


def _identity(splits: Mapping[str, Iterable[Example]], about: About, embed: bool) -> str:
    """Return the hash of a data set's specification, by which its work folder is recognized."""
    # The rows left out are known only after all rows are written.
    content = {name: value for name, value in vars(about).items() if name != "skipped"}
    sizes = (shards.GROUP_ROWS, shards.GROUP_BYTES, shards.SHARD_ROWS, shards.SHARD_BYTES)
    written = {"format": manifest.FORMAT, "splits": list(splits), "embed": embed, "sizes": sizes, "about": content}
    return store.content_id({**written, "versions": _versions()}, length=64)


def _versions() -> dict[str, str]:
    return {"ninefold": __version__}


@contextmanager
def _work_folder(folder: Path, identity: str) -> Iterator[Path]:
    """Yield the work folder of a data set, with the shards that an earlier call finished.

    It is removed when the block ends; after an error it is kept if it holds finished shards.
    """
    work = work_folder(folder)
    name = work / "writing.json"
    if work.exists() and (not name.exists() or store.read_json(name).get("id") != identity):
        discard(folder)
    for part in ("data", "rows"):
        (work / part).mkdir(parents=True, exist_ok=True)
    if not name.exists():
        store.write_json(name, {"id": identity})
    _take_apart(work)
    kept = _data_files(work)
    if kept:
        say(f"{folder}: goes on after the {len(kept)} finished files of an interrupted call")
    try:
        yield work
    except BaseException:
        if not _data_files(work):
            store.remove_folder(work)
        raise
    store.remove_folder(work)


def work_folder(folder: Path) -> Path:
    """Return the path of a data set's work folder."""
    return folder.with_name(f".{folder.name}.partial")


def discard(folder: Path) -> None:
    """Remove the work folder of a data set, if an interrupted call has left one.

    Raises:
        DataError: If something else has its name.
    """
    work = work_folder(folder)
    if not work.exists():
        return
    # A call that was interrupted before it wrote this file has written no other one either, but a part of this one.
    others = (path for path in work.rglob("*") if path.is_file() and not store.is_temporary(path))
    if not (work / "writing.json").is_file() and any(others):
        raise DataError(f"{work}: is not of ninefold, and in the way of its work folder; move it elsewhere")
    store.remove_folder(work)


def _data_files(work: Path) -> list[Path]:
    return [*(work / "data").glob("*.parquet"), *(work / "set" / "data").glob("*.parquet")]


def _take_apart(work: Path) -> None:
    """Undo what an interrupted `_assemble` has moved."""
    for path in (work / "set" / "data").glob("*.parquet"):
        path.replace(work / "data" / f"{path.name.rpartition('-of-')[0]}.parquet")
    shutil.rmtree(work / "set", ignore_errors=True)


def _assemble(work: Path, folder: Path, splits: list[str], schema: pa.Schema, about: About) -> None:
    """Make the dataset folder ``work / "set"`` from finished shards; errors name the folder that it becomes.

    Raises:
        DataError: If an id occurs twice, or rows break a fact of their source; nothing is kept then.
    """
    from ninefold.data.checks import certificate

    whole = work / "set"
    (whole / "data").mkdir(parents=True)
    written = {split: shards.finished(work, split) for split in splits}
    try:
        _write_rows(whole / manifest.ROWS, [shard.rows for shard in chain(*written.values())])
        _check_ids(whole / manifest.ROWS)
        sizes = {}
        for split, parts in written.items():
            sizes[split] = sum(shard.data.stat().st_size for shard in parts)
            for shard in parts:
                shard.data.replace(whole / "data" / f"{shard.data.stem}-of-{len(parts):05d}.parquet")
        facts = {}
        for split, parts in written.items():
            rows = sum(pq.read_metadata(shard.rows).num_rows for shard in parts)
            facts[split] = SplitFacts(rows, row_hashes.fingerprint(row_hashes.read_rows(whole, split)))
        _manifest(about, facts).write(whole)
        store.write_text(whole / "README.md", card(about, schema, {s: (facts[s].rows, sizes[s]) for s in splits}))
        store.write_json(whole / "certificate.json", certificate.certify(whole))
    except DataError as error:
        shutil.rmtree(work / "data")
        shutil.rmtree(whole)
        raise type(error)(str(error).replace(str(whole), str(folder))) from error


def _manifest(about: About, splits: Mapping[str, SplitFacts]) -> Manifest:
    return Manifest(
        source=about.source,
        question=about.question,
        labels=tuple(about.labels),
        answer_format=about.answer_format,
        clustering=about.clustering,
        splits=splits,
        spec=about.spec,
        versions=_versions(),
    )


def _write_rows(path: Path, parts: Iterable[Path]) -> None:
    with pq.ParquetWriter(path, row_hashes.ROWS_SCHEMA, compression="zstd", use_dictionary=["split"]) as writer:
        for part in parts:
            with pq.ParquetFile(part) as file:
                writer.write_table(file.read())


def _check_ids(rows: Path) -> None:
    with pq.ParquetFile(rows) as file:
        ids = file.read(columns=["id"])["id"]
    if len(pc.unique(ids)) == len(ids):
        return
    counted = pc.value_counts(ids)
    twice = next(entry["values"] for entry in counted.to_pylist() if entry["counts"] > 1)
    raise DataError(f"example {twice}: two examples have this id; ids must be unique within a data set")
