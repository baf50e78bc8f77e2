"""The maker of data sets: any source, written as a dataset folder."""

from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from ninefold.console import track
from ninefold.data.format import manifest
from ninefold.data.sources.protocol import Source, recorded
from ninefold.errors import DataError
from ninefold.output import located
from ninefold.runs.lock import locked_output, tidy_output
from ninefold.version import __version__

if TYPE_CHECKING:
    from ninefold.data.format.dataset import Dataset


def make(source: Source, out: Path, *, overwrite: bool = False, progress: bool = False) -> "Dataset":
    """Write the data set of a source.

    A data set that was made with the same settings is left as it is, if these alone determine its rows. Otherwise it is
    made again: files that it is made from may have changed, or the code of a source of the user.

    Args:
        source: The source; it counts the rows that it skips.
        out: The folder to write.
        overwrite: Whether a data set with other settings, or of other rows, is replaced there.
        progress: Whether to show a bar on standard error.

    Returns:
        The data set, opened.

    Raises:
        NinefoldError: If the source cannot be used, its specification cannot be met, or ``out`` holds something else.
    """
    from ninefold.data.format.dataset import Dataset, write

    out, inputs = located(out), inputs_of(source)
    settings = manifest.settings(source.name, recorded(source), __version__)
    same = manifest.KIND.has(out, settings)
    if same and not inputs and _is_shipped(source) and is_complete(out):
        _tidy(out)
        return Dataset.open(out)
    if overwrite or not same:
        manifest.KIND.check(out, settings, overwrite=overwrite, inputs=inputs)
    splits = {
        name: track(split.examples, f"{name} examples", total=split.total, shown=progress)
        for name, split in source.splits().items()
    }
    write(out, splits, about=source.about(), embed=source.embed, overwrite=overwrite)
    return Dataset.open(out)


def make_once(source: Source, out: Path, *, overwrite: bool = False, progress: bool = False) -> None:
    """Write the data set of a source, unless all of it is there, newer than the files that it is made from.

    Raises:
        NinefoldError: As `make` does.
    """
    if is_made(out, source):
        _tidy(out)
    else:
        make(source, out, overwrite=overwrite, progress=progress)


def _tidy(folder: Path) -> None:
    """Remove what a process killed at its very end has left beside its data set."""
    from ninefold.data.format.writing import discard, work_folder

    if work_folder(folder).exists():
        with locked_output(folder, DataError):
            discard(folder)
    tidy_output(folder)


def inputs_of(source: Source) -> list[Path]:
    """Return the files and folders that a source's specification names."""
    spec = getattr(source, "spec", None)
    values = [getattr(spec, field.name) for field in fields(spec)] if is_dataclass(spec) else []
    return [value for value in values if isinstance(value, Path)]


def is_made(folder: Path, source: Source) -> bool:
    """Whether a folder holds all of a source's data set, newer than the files that it is made from."""
    from ninefold.data.format.dataset import Dataset

    try:
        there = Dataset.open(folder).manifest
    except DataError:
        return False
    if (there.source, there.spec) != (source.name, recorded(source)):
        return False
    # A source that does not inherit from the protocol has what was needed when it was written.
    files = source.files() if hasattr(source, "files") else ()
    return is_newer(folder, chain(inputs_of(source), files))


def is_newer(folder: Path, inputs: Iterable[Path]) -> bool:
    """Whether a folder holds a whole data set, newer than the files and folders that it is made from.

    Times of change count too: a file that was replaced by a copy may have kept an old modification time.
    """
    if not is_complete(folder):
        return False
    written = (folder / manifest.FILE).stat()
    try:
        found = [path.stat() for path in inputs]
    except OSError:
        return False
    return all(each.st_mtime <= written.st_mtime and each.st_ctime <= written.st_ctime for each in found)


def is_complete(folder: Path) -> bool:
    """Whether all files of a data set are there, with as many rows as its manifest says."""
    import pyarrow.parquet as pq

    from ninefold.data.format.dataset import Dataset

    try:
        data = Dataset.open(folder)
        counted = {
            split: sum(pq.read_metadata(shard).num_rows for shard in data.shards(split)) for split in data.splits
        }
    except (DataError, OSError, ValueError):
        return False
    whole = all((folder / name).is_file() for name in ("README.md", manifest.CERTIFICATE, manifest.ROWS))
    return whole and counted == data.splits


def _is_shipped(source: Source) -> bool:
    """Whether a source and its question are ninefold's own, which the version determines."""
    parts = (type(source), type(getattr(source, "question", source)))
    return all(part.__module__.startswith("ninefold.") for part in parts)
