"""The maker of data sets: any source, written as a dataset folder."""

from pathlib import Path
from typing import TYPE_CHECKING

from ninefold.console import track
from ninefold.data.sources.protocol import Source

if TYPE_CHECKING:
    from ninefold.data.format.dataset import Dataset


def make(source: Source, out: Path, *, progress: bool = False) -> "Dataset":
    """Write the data set of a source.

    Args:
        source: The source; it counts the rows that it skips.
        out: The folder to write; a data set already there is replaced.
        progress: Whether to show a bar on standard error.

    Returns:
        The data set, opened.

    Raises:
        NinefoldError: If the source cannot be used, or its specification cannot be met.
    """
    from ninefold.data.format.dataset import Dataset, write

    splits = {
        name: track(split.examples, f"{name} examples", total=split.total, shown=progress)
        for name, split in source.splits().items()
    }
    write(out, splits, about=source.about(), embed=source.embed)
    return Dataset.open(out)
