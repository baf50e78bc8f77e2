"""The manifest of a dataset folder, ``manifest.json``: its content and the source of its rows.

Its size does not depend on the number of rows, which `ninefold.data.format.row_hashes` lists. No heavy imports here.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from ninefold import store
from ninefold.errors import DataError, RunError
from ninefold.output import Kind
from ninefold.types import Clustering

FORMAT = 2
"""Version of the dataset folder's layout."""

FILE = "manifest.json"

ROWS = "manifest.parquet"
"""The file of each row's hashes."""

CERTIFICATE = "certificate.json"


_TYPES: Mapping[str, Any] = {
    "source": str,
    "question": str | None,
    "answer_format": str,
    "clustering": str,
    "spec": dict,
    "versions": dict,
}
"""The types of the values that are copied as they stand."""


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
            found = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise DataError(
                f"{folder}: not a data set of ninefold (no {FILE}); make one with `ninefold data`"
            ) from error
        except (OSError, ValueError) as error:
            raise DataError(f"{path}: not readable as JSON ({error}); make the data set again") from error
        if isinstance(found, dict) and found.get("format") != FORMAT:
            raise DataError(
                f"{path}: format {found.get('format')}, where this version of ninefold reads format {FORMAT}; "
                "make the data set again with `ninefold data`"
            )
        try:
            splits = {
                str(split): SplitFacts(int(facts["rows"]), str(facts["fingerprint"]))
                for split, facts in found["splits"].items()
            }
            labels = tuple(map(str, found["labels"]))
            others = {
                name: found[name] for name in ("source", "question", "answer_format", "clustering", "spec", "versions")
            }
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise DataError(f"{path}: not a manifest ({error!r}); make the data set again") from error
        wrong = [name for name, value in others.items() if not isinstance(value, _TYPES[name])]
        if wrong or others["clustering"] not in get_args(Clustering):
            raise DataError(
                f"{path}: not a manifest (the value of {', '.join(wrong) or 'clustering'}); make the data set again"
            )
        return cls(splits=splits, labels=labels, **others)

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
    re.compile(r"README\.md|manifest\.json|manifest\.parquet|certificate\.json|data(/[^/]+-\d{5}-of-\d{5}\.parquet)?"),
    settings_of,
)
"""The dataset folder, as an output."""
