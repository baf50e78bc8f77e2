"""3DSRBench: multiple choice about heights, places, orientations and several objects in three dimensions.

Source: Ma et al. 2024, "3DSRBench: A comprehensive 3D spatial reasoning benchmark" (arXiv 2412.07825); files of
huggingface.co/datasets/ccvl/3DSRBench, and the kits' copies of them. The four protocols are those of
VLMEvalKit@e8e78f0.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any, ClassVar

from ninefold import store
from ninefold.data.sources.benchmarks.official import digest_of, revision_of
from ninefold.data.sources.benchmarks.pictures import Pictures, readable, some
from ninefold.data.sources.benchmarks.source import BenchmarkSource
from ninefold.data.sources.benchmarks.tables import KitRow, kit_rows, tables_of
from ninefold.data.sources.benchmarks.threedsrbench_rows import AREAS, Item, item_of
from ninefold.data.sources.protocol import Split, recorded
from ninefold.errors import DataError
from ninefold.types import NO_IMAGE, Example
from ninefold.version import __version__

if TYPE_CHECKING:
    import pandas as pd

    from ninefold.data.checks.facts import SourceFacts
    from ninefold.data.format.card import About


@dataclass(frozen=True)
class ThreeDsrBenchSpec:
    """3DSRBench: multiple choice about three-dimensional relations, also in mirrored photos and other option orders.

    For example:
      ninefold data 3dsrbench --directory 3DSRBench --out data/3dsrbench
    """

    directory: Path
    """Folder of 3dsrbench_v1_vlmevalkit_circular.tsv, which holds the images too; or of another table of 3DSRBench
    (.tsv or .parquet), with coco_images.zip unpacked below it where the table holds no images."""
    allow_missing: bool = False
    """Leave rows out whose image is missing or not readable, and count them."""
    text_only: bool = False
    """Make all rows without their images, to compare them with other data (`ninefold data leakage`)."""
    embed: bool = True
    """Copy images that are files into the data set; otherwise it stores their absolute paths, and they must stay
    there. Images that the table holds are always copied."""


class ThreeDsrBenchSource(BenchmarkSource):
    """3DSRBench, with the prompt of VLMEvalKit and lmms-eval, word for word."""

    name: ClassVar[str] = "3dsrbench"
    spec_type: ClassVar[type] = ThreeDsrBenchSpec
    spec: ThreeDsrBenchSpec

    def __init__(self, spec: ThreeDsrBenchSpec) -> None:
        super().__init__(spec)
        self.embed = spec.embed
        self.pictures = Pictures(spec.directory, ("coco_images", "images", "val2017", "train2017"))
        self._rows_of: tuple[Counter[str], ...] = (Counter(), Counter(), Counter())
        """Number of rows of each group: of flips, of circles, and of questions."""
        self._unusable = 0
        """Number of rows of the table that are no question."""

    def splits(self) -> Mapping[str, Split]:
        """Return the split "test", in the order of the table.

        Raises:
            DataError: If no table can be read, or images are missing without ``allow_missing``.
        """
        if self.spec.text_only:
            return {"test": Split((self._example(item, NO_IMAGE) for item in self._items), len(self._items))}
        absent = self._absent
        found = self.pictures.with_images(
            absent,
            lambda item: item.image_name,
            self.skips,
            allow_missing=self.spec.allow_missing,
            elsewhere=len(self._items) - len(absent),
        )
        files = {item.number: path for item, path in found}
        examples = some(self._examples(files), self._files[0], self.skips)
        return {"test": Split(examples, len(self._items) - len(absent) + len(files))}

    def found(self) -> Mapping[str, Any]:
        """Return the revision of the table, the number of its rows, and the form of the prompt."""
        return {
            "revision": self._told["revision"],
            "official_rows": self._told["official_rows"],
            "prompt": prompt_of("{question}", ("{A}", "{B}")),
            **({} if self.spec.text_only else self.pictures.shown(self._told["absent"])),
        }

    def files(self) -> Iterable[Path]:
        """Return the table, and the files of images that it does not hold."""
        return {*self._files, *self.pictures.files(() if self.spec.text_only else self._told["absent"])}

    def about(self) -> "About":
        """Return the content of the card and the manifest."""
        from ninefold.data.format.card import About
        from ninefold.data.sources.benchmarks.threedsrbench_facts import COLUMNS

        return About(
            title="3DSRBench",
            description=(
                "Multiple-choice questions about three-dimensional relations in photos (Ma et al. 2024). Where the "
                "table has them, each question is also asked of the mirrored photo, and with its options rotated."
            ),
            spec=recorded(self),
            source=self.name,
            answer_format="letters",
            clustering=self.clustering,
            license="cc-by-4.0",
            columns=COLUMNS,
            skipped=self.skips.entries,
        )

    @staticmethod
    def facts(spec: Mapping[str, Any], question: str | None) -> "SourceFacts":
        """Return the facts of the rows."""
        from ninefold.data.sources.benchmarks.threedsrbench_facts import FACTS

        return FACTS

    @staticmethod
    def measures(table: "pd.DataFrame") -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the figures of a score table, and those of its categories and areas.

        Returns:
            ``vanilla``, the accuracy of rows, each alone; ``flip``, ``circular`` and ``flip_circular``, the shares of
            questions that are right in the photo and in the mirrored one, in all orders of options, and in all of
            both. A group counts only if all its rows are right, and not at all if a row is missing. Without mirrored
            photos, or without rotated options, in the table, the figures that need them are of no questions. Photos
            err as a whole, in all intervals.
        """
        from ninefold.data.sources.benchmarks.threedsrbench_figures import figures

        return figures(table)

    @cached_property
    def _files(self) -> list[Path]:
        """The table: one file, or the shards of one. The one with rotated options comes first, then a TSV."""
        advice = "fetch 3dsrbench_v1_vlmevalkit_circular.tsv from huggingface.co/datasets/ccvl/3DSRBench"
        return tables_of(self.spec.directory, "3dsr", "3DSRBench", advice, first="circular")

    @cached_property
    def _told(self) -> dict[str, Any]:
        """The revision of the table, the number of its rows, and the names of the images that it does not hold."""

        def read() -> dict[str, Any]:
            return {
                "revision": ", ".join(revision_of(digest_of(path), None) for path in self._files),
                "official_rows": len(self._items) + self._unusable,
                "absent": [item.image_name for item in self._absent],
            }

        # A finished run asks this too, of a table of half a gigabyte.
        found: dict[str, Any] = store.remembered(self._files, f"{self.name} of ninefold {__version__}:", read)
        return found

    def _table(self) -> Iterator[KitRow]:
        for file in self._files:
            yield from kit_rows(file)

    @cached_property
    def _items(self) -> list[Item]:
        items: dict[str, Item] = {}
        for number, row in enumerate(self._table()):
            name = row.values.get("qid", row.values.get("index", ""))
            item = item_of(number, name, row)
            if isinstance(item, str):
                self.skips.add(item, name or f"row {number}")
            elif items.setdefault(name, item) is not item:
                self.skips.add("the id of an earlier row", name)
        if not items:
            raise DataError(f"{self._files[0]}: no row can be used{self.skips.summary()}; fetch the file again")
        self._unusable = sum(skip["count"] for skip in self.skips.entries)
        for item in items.values():
            for counter, group in zip(self._rows_of, item.qid.groups, strict=True):
                counter[group] += 1
        return list(items.values())

    @property
    def _absent(self) -> list[Item]:
        """The questions whose image is not in the table."""
        return [item for item in self._items if not item.holds_image]

    def _examples(self, files: Mapping[int, Path]) -> Iterator[Example]:
        items = {item.number: item for item in self._items}

        def with_images() -> Iterator[tuple[Item, Path | bytes]]:
            for number, row in enumerate(self._table()):
                image = files.get(number) or row.image
                if number in items and image is not None:
                    yield items[number], image

        usable = readable(
            with_images(), lambda item: item.image_name, self.skips, allow_missing=self.spec.allow_missing
        )
        return (self._example(item, image) for item, image in usable)

    def _example(self, item: Item, image: Path | bytes) -> Example:
        flips, circle, question = (
            counter[group] for counter, group in zip(self._rows_of, item.qid.groups, strict=True)
        )
        return Example(
            id=item.name,
            image=image,
            question=item.question,
            prompt=prompt_of(item.question, item.options),
            options=item.options,
            answer=item.answer,
            answer_format="letters",
            group=item.file_name or item.qid.base,
            factors={
                "file_name": item.file_name,
                "category": item.category,
                "area": AREAS[item.category],
                "flipped": item.qid.flipped,
                "rotation": item.qid.rotation,
                "slot": item.options.index(item.answer),
                "flip_rows": flips,
                "circular_rows": circle,
                "question_rows": question,
            },
        )


def prompt_of(question: str, options: Sequence[str]) -> str:
    """Return the prompt, word for word as both kits have it."""
    listed = "".join(f"{letter}. {option}\n" for letter, option in zip(ascii_uppercase, options, strict=False))
    return f"Question: {question}\nOptions:\n{listed}Please select the correct answer from the options above. \n"
