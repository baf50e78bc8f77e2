"""The counts of a run: where every caption and every pair has gone."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from ninefold import store
from ninefold.errors import RunError
from ninefold.web.wording import quantity


@dataclass
class Counts:
    """The numbers of captions and pairs at each step; `check` holds them to add up."""

    captions_in: int = 0
    """Rows and captions read, those of the shard alone."""
    captions_left_out: dict[str, int] = field(default_factory=dict)
    """Rows and captions that are not used, by reason."""
    captions_without_relation: int = 0
    """Captions that state no spatial relation, in the filter's judgement."""
    failed: int = 0
    """Captions without a usable output."""
    captions_kept: int = 0
    """Captions whose pairs, of which there may be none, went on to the checks."""
    partly_broken: int = 0
    """Those of them whose output was broken in part: what stood there as a whole is used."""
    pairs_generated: int = 0
    """Pairs before the checks."""
    checks: dict[str, int] = field(default_factory=dict)
    """Pairs that each check has rejected, for each one that ran."""
    checks_not_run: dict[str, str] = field(default_factory=dict)
    """Why each of the others did not run."""
    pairs_out: int = 0
    """Pairs of the data set."""
    captions_with_pairs: int = 0
    """Captions that have one of them."""
    images: int = 0
    """Images that have one of them."""
    words: int = 0
    """Words of the captions that were kept."""

    def check(self) -> None:
        """Assert that every caption and every pair is counted once."""
        left_out = sum(self.captions_left_out.values())
        accounted = left_out + self.captions_without_relation + self.failed + self.captions_kept
        assert self.captions_in == accounted, f"{self.captions_in} captions in, {accounted} accounted for"
        pairs = sum(self.checks.values()) + self.pairs_out
        assert self.pairs_generated == pairs, f"{self.pairs_generated} pairs generated, {pairs} accounted for"

    def to_json(self) -> Mapping[str, Any]:
        """Return the counts in JSON types."""
        return asdict(self)

    @classmethod
    def read(cls, path: Path) -> "Counts":
        """Return the counts of ``counts.json``.

        Raises:
            RunError: If it is missing or broken.
        """
        again = "delete it, and make the data set again"
        if not path.exists():
            raise RunError(f"{path}: is missing; make the data set again")
        found = store.read_json(path)
        kinds = {each.name: type(getattr(cls(), each.name)) for each in fields(cls)}
        if unknown := sorted(found.keys() - kinds.keys()):
            raise RunError(f"{path}: {', '.join(unknown)}: not of this version of ninefold; {again}")
        wrong = [name for name, value in found.items() if not _is_written(name, value, kinds[name])]
        if wrong:
            raise RunError(f"{path}: {', '.join(wrong)}: not as ninefold writes it; {again}")
        return cls(**found)

    def in_short(self) -> str:
        """Return where all captions and pairs have gone, in one line."""
        left_out = {f"left out ({reason})": count for reason, count in self.captions_left_out.items()}
        others = {"without a spatial relation": self.captions_without_relation, "failed": self.failed}
        captions = {**left_out, **others, "kept": self.captions_kept}
        checks = {f"rejected by {check}": count for check, count in self.checks.items()}
        of_captions = f"of {quantity(self.captions_in, 'caption')} {_listed(captions)}"
        return f"{of_captions}; of {quantity(self.pairs_generated, 'pair')} {_listed(checks) or 'none rejected'}"

    def _broken(self) -> str:
        return f" ({self.partly_broken:,} with output that was broken in part)" if self.partly_broken else ""

    def sentences(self) -> list[str]:
        """Return the counts in words, a line for each step."""
        lines = [f"captions: {self.captions_in:,} in"]
        lines += [f"  left out, {reason}: {count:,}" for reason, count in self.captions_left_out.items()]
        lines += [
            f"  without a spatial relation: {self.captions_without_relation:,}",
            f"  failed: {self.failed:,}",
            f"  kept: {self.captions_kept:,}" + self._broken(),
            f"pairs: {self.pairs_generated:,} generated",
        ]
        lines += [f"  rejected by {check}: {count:,}" for check, count in self.checks.items()]
        lines += [f"  {check} did not run: {why}" for check, why in self.checks_not_run.items()]
        images = f" of {quantity(self.images, 'image')}" if self.images else ""
        return [*lines, f"  left: {self.pairs_out:,}, from {quantity(self.captions_with_pairs, 'caption')}{images}"]


def _is_written(name: str, value: object, kind: type) -> bool:
    """Whether a value is one that `Counts.to_json` can give: a number from 0, or texts with such numbers or reasons."""
    if kind is int:
        return _is_number(value)
    is_one = (lambda each: isinstance(each, str)) if name == "checks_not_run" else _is_number
    return isinstance(value, dict) and all(map(is_one, value.values()))


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)
