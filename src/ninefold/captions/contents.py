"""The contents of a data set of pairs, for its card: how many pairs of each kind, and one example of each relation."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

KINDS = ("corpus", "relation", "frame")
"""The columns whose values are counted."""

COLUMNS = ("id", "question", "answer", *KINDS)
"""The columns that are read."""


@dataclass
class Contents:
    """The numbers of pairs by kind, with examples; the same for the same rows in any order."""

    pairs: dict[str, Counter[str]] = field(default_factory=lambda: {kind: Counter() for kind in KINDS})
    """The number of pairs with each value of each column of `KINDS`."""
    examples: dict[str, Mapping[str, str]] = field(default_factory=dict)
    """Of each relation the pair whose id has the smallest hash."""

    def add(self, row: Mapping[str, Any]) -> None:
        """Count a pair, by its `COLUMNS`."""
        for kind in KINDS:
            self.pairs[kind][row[kind]] += 1
        relation = row["relation"]
        known = self.examples.get(relation)
        if known is None or _rank(row["id"]) < _rank(known["id"]):
            self.examples[relation] = {name: row[name] for name in COLUMNS}

    def to_json(self) -> Mapping[str, Any]:
        """Return the contents in JSON types."""
        return {"pairs": self.pairs, "examples": self.examples}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Contents":
        """Return the contents of JSON types."""
        return cls({kind: Counter(values["pairs"][kind]) for kind in KINDS}, dict(values["examples"]))


def _rank(name: str) -> tuple[int, str]:
    return crc32(name.encode()), name
