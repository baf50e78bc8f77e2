"""The check that data sets still hold the rows that a finished run used; the state of their files mostly tells."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from ninefold.runs.records import Provenance
from ninefold.types import Example

DATA_FILES = "data_files"
"""Key in ``provenance.json`` of the state of the files that a run read (see `Dataset.state`)."""


def check_unchanged(out: Path, now: object, examples: Callable[[], Iterable[Example]]) -> None:
    """Check the data of a finished run, by reading them again if the state of a file is another than the recorded one.

    The new state is then recorded, so that a copy is read once. Runs of earlier versions, without a record, pass.

    Args:
        out: The run folder.
        now: The state of the files, in JSON types.
        examples: Opens the examples that the run used.

    Raises:
        FactError: If a row or an image is not the listed one.
    """
    record = Provenance.read(out)
    if record.facts.get(DATA_FILES, now) == now:
        return
    from ninefold import images

    for example in examples():
        images.check(example.image)
    replace(record, facts={**record.facts, DATA_FILES: now}).write(out)
