"""The statistics of a data set, counted while its rows are read once, in constant memory."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ninefold.captions.counts import Counts
from ninefold.captions.layout import COUNTS, SOURCE
from ninefold.captions.matching import longest, matches
from ninefold.captions.spec import Counting
from ninefold.data.format.columns import opened
from ninefold.data.format.dataset import Dataset

_FACTS = ("relation", "frame", "form", "corpus")
"""The columns of pairs from captions whose values are counted."""
_FACT = ("caption_id", "fact")
"""The columns that tell one fact from another; the pairs of one stand together."""


@dataclass
class Statistics:
    """The counts of one data set."""

    name: str
    """Name of its folder."""
    pairs: int = 0
    """Number of its rows, in all splits."""
    spatial: int = 0
    """Number of rows in whose question or answer a keyword matches."""
    keywords: Counter[int] = field(default_factory=Counter)
    """Number of matches of each keyword, by its place in the table."""
    facts: Mapping[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in _FACTS})
    """Number of pairs by each relation, frame, form and corpus; empty if the set was not made from captions."""
    distinct: int = 0
    """Number of the facts that the pairs are about; 0 if the set was not made from captions."""
    counts: Mapping[str, Any] | None = None
    """Its ``counts.json``; None if it was not made from captions."""

    @property
    def corpora(self) -> list[str]:
        """Return the known corpora of its captions."""
        return sorted(self.facts["corpus"].keys() - {""})

    @property
    def matches(self) -> int:
        """Return the number of matches of all keywords."""
        return self.keywords.total()

    def add(self, question: str, answer: str, counting: Counting) -> None:
        """Count the keywords of a pair; none goes from the question over to the answer."""
        found = matches(f"{question} | {answer}")
        self.pairs += 1
        self.spatial += bool(found)
        self.keywords.update(match.keyword.place for match in (longest(found) if counting == "longest" else found))


def read(folder: Path, counting: Counting = "all") -> Statistics:
    """Count a data set.

    Args:
        folder: Folder of any data set of ninefold.
        counting: Which keywords of a pair count.

    Raises:
        DataError: If the folder is no data set, or a file of it cannot be read.
        RunError: If its ``counts.json`` is missing or broken.
    """
    data = Dataset.open(folder)
    of_captions = data.source == SOURCE
    found = Statistics(data.name)
    columns = ["question", "answer", *((*_FACTS, *_FACT) if of_captions else ())]
    fact = None
    for split in data.splits:
        for shard in data.shards(split):
            with opened(shard, columns) as file:
                for batch in file.iter_batches(columns=columns):
                    questions, answers = (batch[name].to_pylist() for name in columns[:2])
                    for question, answer in zip(questions, answers, strict=True):
                        found.add(question or "", answer or "", counting)
                    if not of_captions:
                        continue
                    for name in _FACTS:
                        found.facts[name].update(value or "" for value in batch[name].to_pylist())
                    for each in zip(*(batch[name].to_pylist() for name in _FACT), strict=True):
                        found.distinct += each != fact
                        fact = each
    if of_captions:
        found.counts = Counts.read(folder / COUNTS).to_json()
    return found
