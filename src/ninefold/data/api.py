"""The functions of ``import ninefold`` about data sets. Paths may be strings.

Each function imports its dependencies when it is called. Progress bars appear on a terminal only.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ninefold.specs import AnyPath, with_paths

if TYPE_CHECKING:
    from ninefold.data.checks.leakage import Leak
    from ninefold.data.checks.overlap import Overlap
    from ninefold.data.export.export import Exported
    from ninefold.data.export.spec import ExportSpec
    from ninefold.data.format.dataset import Dataset


def make(source: Any, out: AnyPath, *, overwrite: bool = False) -> "Dataset":
    """Make a data set from a source, in a folder; the same one that is there already is left unchanged.

    Args:
        source: The specification of a source, such as `SyntheticSpec` or `CocoSpec`, or a source itself.
        out: The folder to write.
        overwrite: Whether a data set of other settings or other rows is replaced there; nothing else ever is.

    Raises:
        NinefoldError: If the source cannot be used, its specification cannot be met, or ``out`` holds something else.
    """
    from ninefold.data.make import make
    from ninefold.data.sources.catalog import source_of

    made = source if hasattr(source, "splits") else source_of(with_paths(source))
    return make(made, Path(out), overwrite=overwrite, progress=True)


def verify(
    folder: AnyPath,
    *,
    reproduce: bool = False,
    annotations: AnyPath | None = None,
    images: AnyPath | None = None,
    directory: AnyPath | None = None,
    pairs: AnyPath | None = None,
) -> dict[str, Any]:
    """Check a data set against its certificate: recompute every fact from the files alone and decode every image.

    Args:
        folder: The data set.
        reproduce: Whether every row is made again from the specification in the manifest, and compared.
        annotations: The annotation file from which a COCO data set is made again.
        images: The folder of photos from which a COCO data set, or a benchmark, is made again.
        directory: The folder of official files from which a benchmark is made again.
        pairs: The folder of pairs from which descriptions are made again.

    Returns:
        The certificate, with a ``verdict`` in one line; ``statements`` and ``limits`` are sentences: what holds, and
        what is not claimed.

    Raises:
        FactError: If a stated fact does not hold; the message names the first broken fact and its row.
        DataError: If the folder is not a data set.
        DesignError: If it cannot be made again with these files.
    """
    from ninefold.data.checks import certificate
    from ninefold.data.format.dataset import Dataset
    from ninefold.errors import DataError, DesignError, FactError

    given = {"annotations": annotations, "images": images, "directory": directory, "pairs": pairs}
    files = {name: Path(path) for name, path in given.items() if path is not None}
    if files and not reproduce:
        raise DesignError(f"--{next(iter(files))}: is read with --reproduce only")
    Dataset.open(Path(folder))
    try:
        return certificate.verify(Path(folder), reproduce=reproduce, files=files, progress=True)
    except DataError as error:
        raise FactError(str(error)) from error


def overlap(folder: AnyPath, other: AnyPath, *, split: str | None = None, other_split: str | None = None) -> "Overlap":
    """Find the images, scenes and prompts that two data sets share, without decoding images.

    Args:
        folder: A data set, such as one to train on.
        other: The data set to compare it with, such as a test.
        split: Split of the first; all by default.
        other_split: Split of the second; all by default.

    Returns:
        What they share of each kind; ``has_leak`` tells whether it is more than prompts.

    Raises:
        DataError: If a folder is no data set, or there is no such split.
        FactError: If a data set was changed after it was made.
    """
    from ninefold.data.checks.overlap import overlap

    return overlap(Path(folder), Path(other), split=split, other_split=other_split)


def leakage(training: Sequence[AnyPath], tests: Sequence[AnyPath], *, split: str | None = None) -> "list[Leak]":
    """Find what training sets hold of tests: shared images, and rows and texts that stand in both word for word.

    Args:
        training: Data sets to train on.
        tests: Data sets to test on.
        split: Split of the training sets; all but "test" by default.

    Returns:
        One entry for each training set and test; ``to_json()`` gives its counts.

    Raises:
        DataError: If a folder is no data set, or there is no such split.
        FactError: If a data set was changed after it was made.
    """
    from ninefold.data.checks.leakage import leakage

    return leakage([Path(folder) for folder in training], [Path(folder) for folder in tests], split=split)


def open_dataset(folder: AnyPath) -> "Dataset":
    """Open a data set: its splits, labels and manifest; ``read(split)`` yields its examples.

    Raises:
        DataError: If the folder is not a data set, or its manifest is broken.
    """
    from ninefold.data.format.dataset import Dataset

    return Dataset.open(Path(folder))


def export(spec: "ExportSpec", out: AnyPath, *, overwrite: bool = False) -> "Exported":
    """Write a data set in the form of another trainer or evaluator; a finished export of the same rows is left alone.

    Args:
        spec: The data set, the form and its options.
        out: The folder to write.
        overwrite: Whether an export of other rows or options is replaced there, or one that was changed; nothing else
            ever is.

    Returns:
        The folder, its rows by split, and what was left out.

    Raises:
        DataError: If the data set cannot be read, the form has no such option, or ``out`` holds something else.
        FactError: If the data set was changed after it was made.
    """
    from ninefold.data.export.export import export

    return export(with_paths(spec), Path(out), overwrite=overwrite)
