"""The manifest of a dataset folder, ``manifest.json``: its content and the source of its rows.

Its size does not depend on the number of rows, which `ninefold.data.format.row_hashes` lists. No heavy imports here.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from ninefold import store
from ninefold.data.format import further
from ninefold.errors import DataError, RunError
from ninefold.output import Kind
from ninefold.runs.found import DATA_SET, instead
from ninefold.types import Clustering

FORMAT = 2
"""Version of the dataset folder's layout."""

FILE = "manifest.json"

ROWS = "manifest.parquet"
"""The file of each row's hashes."""

CERTIFICATE = "certificate.json"


SPLIT_NAME = re.compile(r"\w+(\.\w+)*")
"""The names of splits, as `datasets` allows them: none begins with another and a hyphen, which separates file names."""


def _is_split(name: str, facts: Any) -> bool:
    # Earlier versions wrote names with hyphens.
    return (
        re.fullmatch(r"\w[\w.-]*", name) is not None
        and isinstance(facts, dict)
        and type(facts.get("rows")) is int
        and facts["rows"] > 0
        and isinstance(facts.get("fingerprint"), str)
    )


_FITS: Mapping[str, Callable[[Any], bool]] = {
    "source": lambda value: isinstance(value, str),
    "question": lambda value: value is None or isinstance(value, str),
    "labels": lambda value: isinstance(value, list) and all(isinstance(label, str) for label in value),
    "answer_format": lambda value: isinstance(value, str),
    "clustering": lambda value: value in get_args(Clustering),
    "splits": lambda value: (
        isinstance(value, dict) and bool(value) and all(_is_split(*split) for split in value.items())
    ),
    "spec": lambda value: isinstance(value, dict),
    "versions": lambda value: isinstance(value, dict) and all(isinstance(version, str) for version in value.values()),
}
"""Whether a value of ``manifest.json`` is of its field's type."""


@dataclass(frozen=True)
class SplitFacts:
    """One split in the manifest."""

    rows: int
    """Number of examples."""
    fingerprint: str
    """Hash of its rows (see `ninefold.data.format.row_hashes.fingerprint`)."""


@dataclass(frozen=True)
class Manifest:
    """The content of ``manifest.json``."""

    source: str
    """Name of the source that the rows come from."""
    question: str | None
    """Name of the question, if all rows ask the same one."""
    labels: tuple[str, ...]
    """All answers in canonical order; empty if each row has its own."""
    answer_format: str
    """Name of the answer format."""
    clustering: Clustering
    """Unit of intervals (see `ninefold.types.Clustering`)."""
    splits: Mapping[str, SplitFacts]
    """The splits, in the order of writing."""
    spec: Mapping[str, Any]
    """Everything that determines the rows, as plain JSON values."""
    versions: Mapping[str, str]
    """Versions of the packages that wrote the folder."""

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """Read the manifest of a dataset folder.

        Raises:
            DataError: If there is none, or it is broken or of another format.
        """
        path = folder / FILE
        try:
            if not path.exists():
                raise DataError(instead(folder, DATA_SET, "make one with `ninefold data` or `ninefold captions run`"))
            found = store.read_json(path)
        except RunError as error:
            raise DataError(f"{str(error).partition('; ')[0]}; make the data set again") from error
        if found.get("format") != FORMAT:
            raise DataError(
                f"{path}: format {found.get('format')!r:.40}, where this version of ninefold reads format {FORMAT}; "
                "make the data set again with `ninefold data`"
            )
        wrong = next((name for name, fits in _FITS.items() if name not in found or not fits(found[name])), None)
        if wrong is not None:
            raise DataError(f"{path}: not a manifest (the value of {wrong}); make the data set again")
        splits = {name: SplitFacts(facts["rows"], facts["fingerprint"]) for name, facts in found["splits"].items()}
        others = {name: found[name] for name in _FITS.keys() - {"splits", "labels"}}
        return cls(splits=splits, labels=tuple(found["labels"]), **others)

    def write(self, folder: Path) -> None:
        """Write the manifest into a dataset folder."""
        store.write_json(folder / FILE, {"format": FORMAT, **asdict(self)})


def settings(source: str, spec: Mapping[str, Any], version: str) -> Mapping[str, Any]:
    """Return all that determines a data set, in JSON types: its source, its specification, and ninefold's version."""
    plain = json.loads(store.canonical_json(spec))
    return {**plain, "source": source, "version of ninefold": version, "format": FORMAT}


def settings_of(folder: Path) -> Mapping[str, Any] | None:
    """Return all that determined a data set of ninefold, in this format or an earlier one; None for another folder."""
    try:
        found = store.read_json(folder / FILE)
        made = settings(found.get("source"), found.get("spec", {}), found["versions"]["ninefold"])
        return {**made, "format": found["format"]}
    except (RunError, OSError, KeyError, TypeError):
        return None


KIND = Kind(
    "data set",
    re.compile(
        r"README\.md|manifest\.json|manifest\.parquet|certificate\.json|data(/[^/]+-\d{5}-of-\d{5}\.parquet)?"
        rf"|{'|'.join(map(re.escape, further.FILES))}"
    ),
    settings_of,
)
"""The dataset folder, as an output."""
