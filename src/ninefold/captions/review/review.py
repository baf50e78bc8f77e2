"""A review: the sample of a data set with its captions and images, and the verdicts about it on disk."""

import io
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image

from ninefold import images
from ninefold.captions.layout import CAPTIONS, REVIEW
from ninefold.captions.review import sample, text, verdicts
from ninefold.captions.review.rates import Summary, summarize
from ninefold.captions.review.sample import Sample, SampledPair, SampleSpec
from ninefold.captions.review.verdicts import FAULTS, LONGEST_NOTE, Verdict
from ninefold.data.format.columns import opened
from ninefold.data.format.dataset import Dataset
from ninefold.data.format.reading import StoredExamples
from ninefold.errors import DataError, RunError
from ninefold.types import NO_IMAGE, Example

SIDE = 1600
"""Longest side of an image on the page, in pixels."""


@dataclass(frozen=True)
class Shown:
    """The caption of a pair, as the page shows it."""

    text: str
    """The caption."""
    label: str
    """For the description of one object, the object's label; empty otherwise."""


class Review:
    """The sampled pairs of a data set, by their position in the sample, and what judges say about them."""

    def __init__(self, data: Dataset, folder: Path, drawn: Sample) -> None:
        self.data = data
        """The data set."""
        self.folder = folder
        """The folder of the sample and the verdicts."""
        self.sample = drawn
        """The sample."""
        self._examples: StoredExamples = data.sequence(drawn.split)
        # In the order of rows, each group of rows is read once.
        wanted = {self._caption_of(pair) for pair in sorted(drawn.pairs, key=lambda pair: pair.row)}
        self._captions = _captions(data.folder / CAPTIONS, wanted)

    @classmethod
    def open(cls, folder: Path, spec: SampleSpec | None = None) -> "Review":
        """Open a review of a data set; its sample is drawn where there is none.

        Args:
            folder: Folder of the data set.
            spec: What is asked of the sample; None for the stored one, or else as many pairs as the formula gives.

        Raises:
            DataError: If the folder is no data set of captions.
            RunError: If the stored sample is of other pairs.
        """
        data = _opened(folder)
        reviewed = folder / REVIEW
        judged = {pair for judge in verdicts.read_all(reviewed).values() for pair in judge}
        return cls(data, reviewed, sample.stored(data, reviewed, spec or SampleSpec(), judged))

    @classmethod
    def existing(cls, folder: Path) -> "Review":
        """Open a review that has begun.

        Raises:
            RunError: If it has not.
        """
        if not (folder / REVIEW / sample.FILE).exists():
            _opened(folder)
            raise RunError(f"{folder}: has no review yet; begin one with `ninefold captions review {folder}`")
        return cls.open(folder)

    def __len__(self) -> int:
        """Return the number of sampled pairs."""
        return len(self.sample.pairs)

    def example(self, at: int) -> Example:
        """Return the row at a position of the sample.

        Raises:
            IndexError: If there is no such position.
        """
        return self._examples[self._sampled(at).row]

    def shown(self, at: int) -> dict[str, Any]:
        """Return what the page shows of a pair, in JSON types; the caption in three parts, the second is the span."""
        example = self.example(at)
        caption = self._captions[str(example.factors["caption_id"])]
        start, end = _span(caption.text, example)
        told = {name: example.factors.get(name) or "" for name in ("relation", "frame", "subject", "object")}
        return {
            "id": example.id,
            "question": example.question,
            "answer": example.answer,
            "caption": [caption.text[:start], caption.text[start:end], caption.text[end:]],
            "label": caption.label,
            "has_image": example.image != NO_IMAGE,
            **told,
        }

    @lru_cache(maxsize=8)  # noqa: B019  # one review a process
    def image(self, at: int) -> bytes:
        """Return the image of a pair as WebP, upright and at most `SIDE` pixels wide and high.

        Raises:
            DataError: If there is none, or it cannot be read.
        """
        example = self.example(at)
        name = example.id if isinstance(example.image, bytes) else ""
        picture = images.open_pil(example.image, name=name)
        picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        picture.save(buffer, "WEBP", quality=88, method=1)
        return buffer.getvalue()

    def verdicts(self, judge: str) -> dict[int, Verdict]:
        """Return the verdicts of a judge by position, the latest last."""
        at = {pair.id: position for position, pair in enumerate(self.sample.pairs)}
        found = verdicts.read(verdicts.file_of(self.folder, judge))
        return {at[pair]: verdict for pair, verdict in found.items() if pair in at}

    def judge(self, judge: str, at: int, verdict: str, note: str = "", seconds: float = 0.0) -> None:
        """Save a verdict; when this returns, the disk has it.

        Raises:
            IndexError: If there is no such pair.
            RunError: If the verdict or the judge's name is none, or the note is too long.
        """
        if verdict not in ("", *verdicts.CHOICES):
            raise RunError(f"verdict {verdict!r:.40}: choose one of {', '.join(verdicts.CHOICES)}")
        if len(note) > LONGEST_NOTE:
            raise RunError(f"the note has {len(note):,} characters; {LONGEST_NOTE:,} can be saved")
        path = verdicts.file_of(self.folder, judge)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        verdicts.append(path, Verdict(self._sampled(at).id, verdict, note, round(seconds, 1), now))

    def judges(self) -> list[str]:
        """Return the names of the judges so far."""
        return verdicts.judges(self.folder)

    def summary(self) -> Summary:
        """Return rates and agreement of all verdicts."""
        return summarize(self.sample, verdicts.read_all(self.folder))

    def faults(self) -> list[tuple[int, dict[str, Any], list[tuple[str, Verdict]]]]:
        """Return position, pair, and verdicts by judge, of the pairs with a fault or a note."""
        found: dict[int, list[tuple[str, Verdict]]] = {}
        for judge in self.judges():
            for at, verdict in self.verdicts(judge).items():
                found.setdefault(at, []).append((judge, verdict))
        told = (at for at, those in sorted(found.items()) if any(one.note or one.verdict in FAULTS for _, one in those))
        return [(at, self.shown(at), found[at]) for at in told]

    def csv(self) -> str:
        """Return all verdicts as CSV, by judge and position."""
        rows = []
        for judge in self.judges():
            for at, verdict in sorted(self.verdicts(judge).items()):
                pair = self.shown(at)
                rows.append((judge, verdict, {**pair, "source_span": pair["caption"][1]}))
        return text.to_csv(rows)

    def _caption_of(self, pair: SampledPair) -> str:
        example = self._examples[pair.row] if 0 <= pair.row < len(self._examples) else None
        if example is None or example.id != pair.id:
            raise RunError(
                f"{self.folder / sample.FILE}: row {pair.row} is not pair {pair.id}; move the file elsewhere"
            )
        return str(example.factors.get("caption_id"))

    def _sampled(self, at: int) -> SampledPair:
        if not 0 <= at < len(self.sample.pairs):
            raise IndexError(f"pair {at} of {len(self.sample.pairs)}")
        return self.sample.pairs[at]


def _opened(folder: Path) -> Dataset:
    data = Dataset.open(folder)
    if not (folder / CAPTIONS).is_file():
        raise DataError(f"{folder}: holds no captions; review a data set of `ninefold captions run`")
    return data


def _captions(path: Path, wanted: set[str]) -> dict[str, Shown]:
    """Return the captions with these ids, read in constant memory.

    Raises:
        DataError: If the file is broken, or one is missing.
    """
    columns = ["id", "text", "label"]
    found = {}
    with opened(path) as file:
        kinds = {field.name: field.type for field in file.schema_arrow}
        wrong = next((name for name in columns if kinds.get(name) != pa.string()), None)
        if wrong is not None:
            raise DataError(f"{path}: column {wrong}: missing, or no text; make the data set again")
        for batch in file.iter_batches(columns=columns):
            for row in batch.filter(pc.is_in(batch["id"], pa.array(sorted(wanted), batch["id"].type))).to_pylist():
                found[row["id"]] = Shown(str(row["text"] or ""), str(row["label"] or ""))
    missing = next((name for name in wanted if name not in found), None)
    if missing is not None:
        raise DataError(f"{path}: has no caption {missing}, which a pair names; make the data set again")
    return found


def _span(caption: str, example: Example) -> tuple[int, int]:
    """Return where the words of a pair begin and end in its caption; an empty span where they are not there."""
    start, end = (int(example.factors.get(name) or 0) for name in ("span_start", "span_end"))
    is_there = 0 <= start <= end <= len(caption) and caption[start:end] == (example.factors.get("source_span") or "")
    return (start, end) if is_there else (0, 0)
