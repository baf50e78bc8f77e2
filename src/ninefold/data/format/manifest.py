"""The manifest of a dataset folder: what it holds, where its rows come from, and a hash of every row."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ninefold import store
from ninefold.errors import DataError

Clustering = Literal["census", "group"]
"""What intervals are computed over: every row of a complete design, or a sample whose groups err together."""


@dataclass(frozen=True)
class SplitFacts:
    """One split in the manifest."""

    rows: int
    """Number of its examples."""
    fingerprint: str
    """Identity of its rows: a hash of their ids, pixels and text, whatever files they stand in."""


@dataclass(frozen=True)
class Manifest:
    """The parsed ``manifest.json`` of a dataset folder."""

    splits: Mapping[str, SplitFacts]
    """The splits, in the order they were written."""
    source: str
    """Name of the source that the rows come from."""
    question: str | None
    """Name of the question that is asked, where it is one for all rows."""
    labels: tuple[str, ...]
    """All answers in canonical order; empty where rows have their own."""
    clustering: Clustering
    """What intervals are computed over."""
    spec: Mapping[str, Any]
    """All that made the rows, as plain JSON values."""

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """Parse the manifest of a dataset folder.

        Raises:
            DataError: If there is none, or it is broken.
        """
        from ninefold.questions.catalog import QUESTIONS

        path = folder / "manifest.json"
        if not path.is_file():
            raise DataError(f"{folder}: not a data set of ninefold (no manifest.json); make one with `ninefold data`")
        found = store.read_json(path)
        splits = {split: SplitFacts(len(rows), store.content_id(rows)) for split, rows in found["rows"].items()}
        source = str(found["spec"].get("kind", "custom"))
        return cls(
            splits=splits,
            source=source,
            question="absolute_position",
            labels=QUESTIONS["absolute_position"].labels,
            clustering="census" if source == "synthetic" else "group",
            spec=found["spec"],
        )
