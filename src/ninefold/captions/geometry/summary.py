"""Counts of verdicts, with the share of decided facts that boxes confirm, its interval, and what chance reaches."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ninefold.analysis.statistics import wilson
from ninefold.captions.geometry.boxes import Labelled
from ninefold.captions.geometry.check import Verdict, by_chance
from ninefold.captions.geometry.decide import OUTCOMES
from ninefold.captions.geometry.rows import LabelledFile
from ninefold.captions.sources.objects import row_of
from ninefold.web.wording import aligned, count, hundredths, percent

PARTS = ("by_origin", "by_frame", "by_relation")
"""The groups of facts that are counted apart."""

BOXES = ("all", "repaired", "ambiguous", "malformed")
"""The kinds of boxes that are counted."""

HEADER = ("", "confirmed", "contradicted", "undecided", "unmatched", "confirmed % (95 %)", "by chance")
"""The columns of the table for readers."""

_RULE = ("",) * len(HEADER)


@dataclass
class Tally:
    """Numbers of facts by what boxes say of them."""

    outcomes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    """Number of facts by outcome."""
    chance: list[int] = field(default_factory=lambda: [0, 0])
    """Of the decided facts, told of each other labelled thing of the image: those confirmed, and those decided."""

    def add(self, verdict: Verdict, others: Sequence[bool]) -> None:
        """Count one fact; ``others`` is what `by_chance` yields for it."""
        self.outcomes[verdict.outcome] += 1
        self.chance[0] += sum(others)
        self.chance[1] += len(others)

    @property
    def total(self) -> int:
        """Return the number of facts."""
        return sum(self.outcomes.values())

    def to_json(self) -> dict[str, Any]:
        """Return counts and shares in JSON types; a share of nothing is null."""
        confirmed = self.outcomes["confirmed"]
        decided = confirmed + self.outcomes["contradicted"]
        return {
            **self.outcomes,
            "decided": decided,
            "confirmed_share": confirmed / decided if decided else None,
            "ci95": [float(bound) for bound in wilson(confirmed, decided)] if decided else None,
            "by_chance": self.chance[0] / self.chance[1] if self.chance[1] else None,
        }


@dataclass
class Summary:
    """What boxes say of the facts of a folder."""

    file: LabelledFile
    """The file of boxes."""
    captions: int
    """Number of captions with facts."""
    repeated: int
    """Number of facts that say what another one of their caption says, and are counted once."""
    all: Tally = field(default_factory=Tally)
    """All distinct facts."""
    parts: dict[str, dict[str, Tally]] = field(default_factory=lambda: {name: {} for name in PARTS})
    """The facts by whether they are of captions of images or of descriptions of objects, by frame, and by relation."""

    def add(self, verdict: Verdict, objects: Sequence[Labelled]) -> None:
        """Count one fact of an image with these labelled things."""
        others = list(by_chance(verdict, objects))
        fact = verdict.fact
        origin = "captions" if row_of(fact.caption)[1] is None else "descriptions"
        self.all.add(verdict, others)
        for name, key in zip(PARTS, (origin, fact.frame, fact.relation or "none"), strict=True):
            self.parts[name].setdefault(key, Tally()).add(verdict, others)

    def to_json(self) -> dict[str, Any]:
        """Return all counts and shares in JSON types."""
        parts = {
            name: {key: tally.to_json() for key, tally in sorted(part.items())} for name, part in self.parts.items()
        }
        numbers = {
            "captions": self.captions,
            "captions_without_row": self.file.missing,
            "repeated_facts": self.repeated,
        }
        boxes = {name: self.file.boxes[name] for name in BOXES}
        return {**self.all.to_json(), **parts, **numbers, "boxes": boxes, "broken_rows": self.file.broken_rows}

    def lines(self) -> list[str]:
        """Return a table for readers, and what it was made of."""
        rows = [HEADER, _cells("all", self.all)]
        for part in self.parts.values():
            rows += [_RULE, *(_cells(key, part[key]) for key in sorted(part, key=lambda key: (-part[key].total, key)))]
        boxes = ", ".join(f"{self.file.boxes[name]:,} {name}" for name in BOXES[1:])
        notes = ["", f"{self.captions:,} captions with facts; {self.file.boxes['all']:,} boxes in the file: {boxes}"]
        if self.file.missing:
            notes.append(
                f"{self.file.missing:,} captions have no row of their own in the file; their facts are unmatched"
            )
        if self.file.broken_rows:
            notes.append(f"{self.file.broken_rows:,} rows of the file cannot be read")
        return [
            *aligned(rows, str.rjust),
            *notes,
            "by chance: the share that the same facts reach with any other box as the subject",
        ]


def _cells(name: str, tally: Tally) -> tuple[str, ...]:
    found = tally.to_json()
    share = "–"
    if found["decided"]:
        # Without signs of percent, so that the table fits into 100 columns.
        share = f"{hundredths(found['confirmed_share'], 1)} ({'–'.join(hundredths(end, 1) for end in found['ci95'])})"
    return (name, *(count(tally.outcomes[outcome]) for outcome in OUTCOMES), share, percent(found["by_chance"], 1))
