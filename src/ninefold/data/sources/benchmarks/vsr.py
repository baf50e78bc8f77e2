"""Visual Spatial Reasoning: statements about two things in a COCO photo that are true or false (Liu et al. 2023)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ninefold.data.sources.benchmarks.official import (
    AGAIN,
    digest_of,
    find_file,
    json_lines,
    revision_of,
)
from ninefold.data.sources.benchmarks.pictures import Pictures, readable, some
from ninefold.data.sources.benchmarks.source import BenchmarkSource
from ninefold.data.sources.benchmarks.vsr_rows import Row, row_of
from ninefold.data.sources.coco.ids import photo_id
from ninefold.data.sources.protocol import SPLITS_OF, Split, recorded
from ninefold.errors import DataError
from ninefold.specs import check_choices
from ninefold.types import NO_IMAGE, Example

if TYPE_CHECKING:
    import pandas as pd

    from ninefold.data.checks.facts import SourceFacts
    from ninefold.data.format.card import About

PROMPTS = {
    "true-false": ("{caption} True or False?", ("True", "False")),
    "yes-no": ("Is the following statement true? {caption} Yes or No?", ("Yes", "No")),
}
"""Form of the prompt, and the answers offered, the one of a true statement first. True/False is SpaRE's (Figure 7 of
arXiv 2504.20648); the words of Yes/No are ninefold's own."""

FILES = {"test": {"test": "test"}, "train": {"train": "train", "validation": "dev"}}
"""Name of the official file of each split, by part."""

COMMIT = "cambridgeltl/visual-spatial-reasoning@b27a0af"

KNOWN = {
    "8b725a8621f2d0f94745f1fefdcf3ff8a7eb96fd358676296ff9c9a4ff463c6e": ("random", "train"),
    "90de24b811597a913310d043758f1119a1ba9ebf1b1ca8f1e27c4907f01980d4": ("random", "dev"),
    "8ade82a0b93ac9dc1e53f6cf1f11e9d5536776a3715102b6b4d27d4f81d551cc": ("random", "test"),
    "62daf2c5d573667038f88feaf1d26a1154c892083a72d83ed5c7551666ed3066": ("zeroshot", "train"),
    "0abda42fe9333ab6a8671b32886738b5cfa6d37a8c277b56d8368c339c8dffce": ("zeroshot", "dev"),
    "914d9156723b912d8f794b179248af865a68c5f81c9d8e3a21d007778cacaad4": ("zeroshot", "test"),
}
"""Split and part of each official file of `COMMIT`, by its SHA-256."""

FOLDERS = ("images", "trainval2017", "train2017", "val2017")
"""Folders of photos in that of the benchmark."""

COLUMNS = {
    "image_id": "id of the photo in COCO 2017",
    "file_name": "file name of the photo",
    "relation": "the relation that the statement claims",
    "subject": "the first thing; empty in the random split, whose files do not say it",
    "object": "the second thing; empty in the random split",
    "votes_true": "validators who took the statement for true",
    "votes_false": "validators who took it for false",
}


@dataclass(frozen=True)
class VsrSpec:
    """Visual Spatial Reasoning: statements about photos of COCO 2017, each true or false.

    For example:
      ninefold data vsr --directory vsr --out data/vsr
      ninefold data vsr --directory vsr --split random --part train --images coco/trainval2017 --out data/vsr-train
    """

    directory: Path
    """Folder of the official files: splits/SPLIT/test.jsonl or SPLIT/test.jsonl in it, or test.jsonl alone."""
    split: Literal["zeroshot", "random"] = "zeroshot"
    """The official split. Training on random leaks most of zeroshot's test: 830 of its 1,222 rows."""
    part: Literal["test", "train"] = "test"
    """The part of it: the test, or train and validation, whose official name is dev."""
    prompt_form: Literal["true-false", "yes-no"] = "true-false"
    """Form of the prompt: "... True or False?" as SpaRE asks, or "... Yes or No?"."""
    images: Path | None = None
    """Folder of the photos; default: images, trainval2017, train2017 and val2017 in --directory, and that itself."""
    allow_missing: bool = False
    """Leave out the statements whose photo is not there or not readable, and count them."""
    text_only: bool = False
    """Make all rows without their photos, to compare them with other data (`ninefold data overlap`)."""
    embed: bool = True
    """Copy the photos into the data set; otherwise it stores their absolute paths, and the photos must stay there."""

    def __post_init__(self) -> None:
        """Refuse values that are no choice."""
        check_choices(self)


class VsrSource(BenchmarkSource):
    """Statements about two things in a photo, each true or false (Liu et al. 2023, arXiv 2205.00363)."""

    name: ClassVar[str] = "vsr"
    spec_type: ClassVar[type] = VsrSpec
    spec: VsrSpec

    def __init__(self, spec: VsrSpec) -> None:
        super().__init__(spec)
        self.embed = spec.embed
        self.pictures = Pictures(spec.directory, FOLDERS) if spec.images is None else Pictures(spec.images, ())

    def split_names(self) -> tuple[str, ...]:
        """Return "test", or "train" and "validation"."""
        return SPLITS_OF[self.spec.part]

    def splits(self) -> Mapping[str, Split]:
        """Return the splits, in the order of the official files.

        Raises:
            DataError: If a file is missing or not as it is shipped, or images are missing and that is not allowed.
        """
        return {
            split: Split(some(self._examples(split, rows), self._files[split], self.skips), len(rows))
            for split, rows in self._shown.items()
        }

    def settings(self) -> Mapping[str, Any]:
        """Return the settings that determine the rows, given the official files, and the form of the prompt."""
        return {**super().settings(), "prompt": PROMPTS[self.spec.prompt_form][0]}

    def found(self) -> Mapping[str, Any]:
        """Return the revision of the official files, the number of their rows, and which of them are asked.

        Raises:
            DataError: If a file is missing or not as it is shipped.
        """
        digests = map(digest_of, self._files.values())
        names = [row.image for rows in self._rows.values() for row in rows]
        return {
            "revision": ", ".join(revision_of(digest, COMMIT if digest in KNOWN else None) for digest in digests),
            "official_rows": len(names),
            **({} if self.spec.text_only else self.pictures.shown(names)),
        }

    def files(self) -> Iterable[Path]:
        """Return the official files, and those of the photos."""
        names = () if self.spec.text_only else (row.image for rows in self._rows.values() for row in rows)
        return {*self._files.values(), *self.pictures.files(names)}

    def about(self) -> "About":
        """Return the content of the card and the manifest."""
        from ninefold.data.format.card import About

        spec = self.spec
        return About(
            title=f"VSR {spec.split} {spec.part}",
            description=(
                "Statements about two things in a photo of COCO 2017, each true or false, from the official files of "
                "Visual Spatial Reasoning (Liu, Emerson and Collier 2023, arXiv 2205.00363)."
            ),
            spec=recorded(self),
            source=self.name,
            labels=PROMPTS[spec.prompt_form][1],
            answer_format="true_false",
            clustering=self.clustering,
            license="other",
            columns=COLUMNS,
            skipped=self.skips.entries,
        )

    @staticmethod
    def facts(spec: Mapping[str, Any], question: str | None) -> "SourceFacts":
        """Return the facts of the rows."""
        from ninefold.data.checks.facts import Fact, SourceFacts

        made = VsrSource.spec_of({**spec, "directory": Path()})
        form, answers = PROMPTS[made.prompt_form]
        return SourceFacts(
            rows=(
                Fact(
                    "the prompt is the statement in the form of the specification",
                    ("prompt", "question"),
                    lambda prompt, caption: prompt == form.format(caption=caption),
                ),
                Fact("the options are those of the form", ("options",), lambda options: tuple(options) == answers),
                Fact(
                    "the id of the photo is the number in its name, and rows of one photo are a group",
                    ("image_id", "file_name", "group"),
                    lambda image, name, group: photo_id(name) == image and str(image) == group,
                ),
            ),
            manifest={"labels": answers, "clustering": VsrSource.clustering, "answer_format": "true_false"},
        )

    @staticmethod
    def measures(table: "pd.DataFrame") -> tuple[dict[str, Any], dict[str, Any]]:
        """Return accuracy, precision, recall and F1, and the accuracy of each relation.

        A true statement is the positive class. An answer that cannot be read is wrong: of a true statement it is a
        false negative; of a false one it lowers the accuracy, but is no false positive, because nothing was claimed.
        Intervals are clustered by photo.
        """
        import numpy as np

        from ninefold.analysis.grouped import rate, rates

        positive = [options[0] for options in table["options"]]
        is_true = (table["answer"] == positive).to_numpy(bool)
        said_true = (table["label"] == positive).fillna(False).to_numpy(bool)
        right, groups = table["correct"].to_numpy(bool), table["group"].to_numpy(object)
        # F1 = 2 TP / (2 TP + FP + FN): a rate in which a true positive counts twice.
        counted = np.repeat(
            np.flatnonzero(is_true | said_true), np.where(is_true & said_true, 2, 1)[is_true | said_true]
        )
        return (
            {
                "accuracy": rate(right, groups),
                "precision": rate(right[said_true], groups[said_true]),
                "recall": rate(right[is_true], groups[is_true]),
                "f1": {**rate(right[counted], groups[counted]), "n": len(table)},
            },
            {"relation": rates(table, "relation")},
        )

    @cached_property
    def _files(self) -> Mapping[str, Path]:
        """The official file of each split."""
        spec, found = self.spec, {}
        for split, part in FILES[spec.part].items():
            names = [f"splits/{spec.split}/{part}.jsonl", f"{spec.split}/{part}.jsonl", f"{part}.jsonl"]
            path = find_file(spec.directory, names, f"VSR {spec.split}")
            known = KNOWN.get(digest_of(path), (spec.split, part))
            if known != (spec.split, part):
                raise DataError(f"{path}: is the official file {'/'.join(known)}, not {spec.split}/{part}")
            found[split] = path
        return found

    @cached_property
    def _rows(self) -> Mapping[str, list[Row]]:
        found = {split: [row_of(*line, path) for line in json_lines(path)] for split, path in self._files.items()}
        empty = next((self._files[split] for split, rows in found.items() if not rows), None)
        if empty is not None:
            raise DataError(f"{empty}: holds no rows; {AGAIN}")
        return found

    @cached_property
    def _shown(self) -> Mapping[str, list[tuple[Row, Path | None]]]:
        """The rows of each split whose photo is there, each with its file; all of them, without, if text alone is."""
        if self.spec.text_only:
            return {split: [(row, None) for row in rows] for split, rows in self._rows.items()}
        allow = self.spec.allow_missing
        find = self.pictures.with_images
        return {
            split: list(find(rows, lambda row: row.image, self.skips, allow_missing=allow))
            for split, rows in self._rows.items()
        }

    def _examples(self, split: str, rows: Iterable[tuple[Row, Path | None]]) -> Iterator[Example]:
        form, answers = PROMPTS[self.spec.prompt_form]
        if not self.spec.text_only:
            there = ((row, path) for row, path in rows if path is not None)
            rows = readable(there, lambda row: row.image, self.skips, allow_missing=self.spec.allow_missing)
        for row, path in rows:
            image = photo_id(row.image)
            yield Example(
                id=f"{self.spec.split}-{split}-{row.number:05d}",
                image=NO_IMAGE if path is None else path,
                question=row.caption,
                prompt=form.format(caption=row.caption),
                options=answers,
                answer=answers[1 - row.label],
                answer_format="true_false",
                group=str(image),
                factors={
                    "image_id": image,
                    "file_name": row.image,
                    "relation": row.relation,
                    "subject": row.subject,
                    "object": row.object,
                    "votes_true": row.votes_true,
                    "votes_false": row.votes_false,
                },
            )
