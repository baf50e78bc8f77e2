"""What's Up, controlled images A and B: where one household object is from another, in four photos of every two.

Source: Kamath, Hessel and Chang 2023, "What's 'up' with vision-language models?" (arXiv 2310.19785); files and image
names as in amitakamath/whatsup_vlms@7c1f255.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from pathlib import Path, PurePosixPath
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any, ClassVar

from ninefold.data.sources.benchmarks.official import digest_of, revision_of
from ninefold.data.sources.benchmarks.pictures import Pictures, read_json_rows, readable, some
from ninefold.data.sources.benchmarks.source import BenchmarkSource
from ninefold.data.sources.benchmarks.whatsup_rows import RELATIONS, Photo, Subset, pair_of, photo_of
from ninefold.data.sources.protocol import Split, recorded
from ninefold.errors import DataError
from ninefold.specs import check_choices
from ninefold.types import NO_IMAGE, Example

if TYPE_CHECKING:
    import pandas as pd

    from ninefold.data.checks.facts import SourceFacts
    from ninefold.data.format.card import About

FILES: Mapping[Subset, str] = {"A": "controlled_images_dataset.json", "B": "controlled_clevr_dataset.json"}
"""The official file of each subset; in both, the first caption of a row is the right one."""

QUESTION = "Which sentence describes the image?"

INSTRUCTION = "Answer with the letter of the right sentence."

ORDERS = 4
"""Number of option orders: a Williams design of four options."""


@dataclass(frozen=True)
class WhatsUpSpec:
    """What's Up (controlled images A or B): four photos of every two objects, four sentences to choose from.

    For example:
      ninefold data whatsup --directory whatsup/data --subset A --out data/whatsup-a
    """

    directory: Path
    """Folder of controlled_images_dataset.json (A) or controlled_clevr_dataset.json (B), with the images below it."""
    subset: Subset = "A"
    """A: on, under, left or right of a piece of furniture; B: in front of, behind, left or right of a thing nearby."""
    allow_missing: bool = False
    """Leave rows out whose image is missing or not readable, and count them."""
    text_only: bool = False
    """Make all rows without their images, to compare them with other data (`ninefold data leakage`)."""
    embed: bool = True
    """Copy the images into the data set; otherwise it stores their absolute paths, and the images must stay there."""
    seed: int = 0
    """Seed of the option orders."""

    def __post_init__(self) -> None:
        """Refuse values that are no choice or out of range."""
        check_choices(self)
        if self.seed < 0:
            raise DataError(f"--seed {self.seed}: seeds are zero or more")


path_of = attrgetter("path")


class WhatsUpSource(BenchmarkSource):
    """What's Up, controlled images, with options in designed orders.

    The four photos of two objects are asked with the same prompt, in which the options stand in one of the four orders
    of a Williams design; sets take the orders in turn. So the prompt tells nothing of the answer: in each complete set
    each answer is right once, and each slot of the options holds the right one once. Over all sets, each answer is in
    each slot equally often, up to one (A has 103 sets, B 102). Always choosing the first option is right in exactly one
    photo of four, and in no pair.
    """

    name: ClassVar[str] = "whatsup"
    spec_type: ClassVar[type] = WhatsUpSpec
    spec: WhatsUpSpec

    def __init__(self, spec: WhatsUpSpec) -> None:
        super().__init__(spec)
        self.embed = spec.embed
        self.pictures = Pictures(spec.directory, ("images", "controlled_images", "controlled_clevr"))

    def splits(self) -> Mapping[str, Split]:
        """Return the split "test", in the order of the official file.

        Raises:
            DataError: If the file cannot be read, or images are missing without ``allow_missing``.
        """
        if self.spec.text_only:
            return {"test": Split((self._example(photo, NO_IMAGE) for photo in self._photos), len(self._photos))}
        allow = self.spec.allow_missing
        there = self.pictures.with_images(self._photos, path_of, self.skips, allow_missing=allow)
        usable = readable(there, path_of, self.skips, allow_missing=allow)
        examples = (self._example(photo, path) for photo, path in usable)
        return {"test": Split(some(examples, self._file, self.skips), len(there))}

    def found(self) -> Mapping[str, Any]:
        """Return the revision of the official file, the number of its rows, and the form of the prompt."""
        return {
            "revision": revision_of(digest_of(self._file), None),
            "official_rows": len(self._official),
            "prompt": prompt_of([f"{{{letter}}}" for letter in ascii_uppercase[:ORDERS]]),
            **({} if self.spec.text_only else self.pictures.shown([photo.path for photo in self._photos])),
        }

    def files(self) -> Iterable[Path]:
        """Return the official file, and those of the photos."""
        return {self._file, *self.pictures.files(() if self.spec.text_only else map(path_of, self._photos))}

    def about(self) -> "About":
        """Return the content of the card and the manifest."""
        from ninefold.data.format.card import About
        from ninefold.data.sources.benchmarks.whatsup_facts import COLUMNS

        subset = self.spec.subset
        return About(
            title=f"What's Up, controlled images {subset}",
            description=(
                "Photos of two objects (Kamath et al. 2023), each of which is described by one of four sentences: "
                f"{', '.join(RELATIONS[subset])}. The four photos of two objects are asked with the same prompt, so "
                "that text alone tells nothing of the answer; the options stand in one of four designed orders."
            ),
            spec=recorded(self),
            source=self.name,
            answer_format="letters",
            clustering=self.clustering,
            license="mit",
            columns=COLUMNS,
            skipped=self.skips.entries,
        )

    @staticmethod
    def facts(spec: Mapping[str, Any], question: str | None) -> "SourceFacts":
        """Return the facts of the rows."""
        from ninefold.data.sources.benchmarks.whatsup_facts import facts_of

        return facts_of(WhatsUpSource.spec_of({**spec, "directory": Path()}))

    @staticmethod
    def measures(table: "pd.DataFrame") -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the figures of a score table, and those of its relations and pairs.

        Returns:
            ``accuracy`` of single photos; ``pair_accuracy`` of two photos of the same objects in opposite relations,
            and ``set_accuracy`` of all four, which count only if all their answers are right. Pairs and sets without
            all their photos are left out. The two objects of a set err together, in all intervals.
        """
        from ninefold.analysis.grouped import all_right, rate

        right, sets = table["correct"], table["group"]
        pairs = sets + ": " + table["pair"]
        measures = {
            "accuracy": rate(right, sets),
            "pair_accuracy": all_right(right, pairs, 2, sets),
            "set_accuracy": all_right(right, sets, 4, sets),
        }
        by = {
            "relation": {
                name: {"accuracy": rate(part["correct"], part["group"])}
                for name, part in table.groupby("relation", sort=False)
            },
            "pair": {
                name: {"pair_accuracy": all_right(part["correct"], part["group"], 2, part["group"])}
                for name, part in table.groupby("pair", sort=False)
            },
        }
        return measures, by

    @cached_property
    def _file(self) -> Path:
        name = FILES[self.spec.subset]
        places = [self.spec.directory / name, self.spec.directory / "data" / name]
        found = next((path for path in places if path.is_file()), None)
        if found is None:
            raise DataError(
                f"{self.spec.directory}: {name} is missing; What's Up's README (github.com/amitakamath/whatsup_vlms) "
                "links it, with the images"
            )
        return found

    @cached_property
    def _official(self) -> list[Any]:
        return read_json_rows(self._file)

    @cached_property
    def _photos(self) -> list[Photo]:
        photos: dict[tuple[str, str], Photo] = {}
        captions: dict[str, Mapping[str, str]] = {}
        for number, row in enumerate(self._official):
            photo = photo_of(row, RELATIONS[self.spec.subset])
            if isinstance(photo, str):
                path = row.get("image_path") if isinstance(row, dict) else None
                self.skips.add(photo, path if isinstance(path, str) else f"row {number}")
            elif captions.setdefault(photo.objects, photo.captions) != photo.captions:
                self.skips.add("other captions than an earlier row of the same objects", photo.path)
            elif photos.setdefault((photo.objects, photo.relation), photo) is not photo:
                self.skips.add("the same objects and relation as an earlier row", photo.path)
        if not photos:
            raise DataError(f"{self._file}: no row can be used{self.skips.summary()}; fetch the file again")
        return list(photos.values())

    @cached_property
    def _order_of(self) -> dict[str, int]:
        """The number of the option order of each two objects."""
        return {objects: number % ORDERS for number, objects in enumerate(sorted({p.objects for p in self._photos}))}

    @cached_property
    def _orders(self) -> list[tuple[str, ...]]:
        return orders_of(self.spec)

    def _example(self, photo: Photo, image: Path | bytes) -> Example:
        order = self._order_of[photo.objects]
        options = tuple(photo.captions[relation] for relation in self._orders[order])
        answer = photo.captions[photo.relation]
        return Example(
            id=PurePosixPath(photo.path).stem,
            image=image,
            question=QUESTION,
            prompt=prompt_of(options),
            options=options,
            answer=answer,
            answer_format="letters",
            group=photo.objects,
            factors={
                "file_name": PurePosixPath(photo.path).name,
                "first": photo.first.replace("-", " "),
                "second": photo.second.replace("-", " "),
                "relation": photo.relation,
                "pair": pair_of(photo.relation),
                "order": order,
                "slot": options.index(answer),
            },
        )


def prompt_of(options: Sequence[str]) -> str:
    """Return the prompt: the question, the options in lines with letters, and the instruction."""
    listed = "\n".join(f"{letter}. {option}" for letter, option in zip(ascii_uppercase, options, strict=False))
    return f"{QUESTION}\n{listed}\n{INSTRUCTION}"


def orders_of(spec: WhatsUpSpec) -> list[tuple[str, ...]]:
    """Return the relations that the options state in each order, by number."""
    from ninefold.design import option_orders

    relations = RELATIONS[spec.subset]
    return [tuple(relations[number] for number in order) for order in option_orders(spec.seed, ORDERS)]
