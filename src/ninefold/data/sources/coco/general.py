"""The source of general questions about photos, which ask for no position: what fine-tuning on positions may forget."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

from ninefold.data.sources.coco.annotations import Instance
from ninefold.data.sources.coco.boxes import Unit
from ninefold.data.sources.coco.entries import Photo
from ninefold.data.sources.coco.general_questions import (
    FORMATS,
    LABELS,
    TEXTS,
    Kind,
    claim_of,
    is_there,
    prompt_of,
    what_is_at,
)
from ninefold.data.sources.coco.ids import rank
from ninefold.data.sources.coco.photo_source import PhotoSource
from ninefold.data.sources.protocol import Split
from ninefold.errors import DataError
from ninefold.space import Box
from ninefold.specs import check_choices
from ninefold.types import Example, Factor

if TYPE_CHECKING:
    from ninefold.data.checks.facts import SourceFacts
    from ninefold.data.format.card import About

# The command line reads `GeneralSpec` for its --help: heavy packages (numpy, pyarrow) are imported where used.


@dataclass(frozen=True)
class GeneralSpec:
    """General questions about things in photos, which ask for no position, to see what fine-tuning forgets.

    For example:
      ninefold data general --annotations instances_val2017.json --images val2017 --out data/presence
      ninefold data general --annotations world/annotations.json --images world/images --question naming --out data/n
    """

    annotations: Path
    """File of COCO's instance annotations, such as instances_val2017.json."""
    images: Path
    """Folder of the photos."""
    split: Literal["test", "train"] = "test"
    """The splits to make: one test split, or a train split and a validation split of other photos."""
    question: Kind = "presence"
    """The question: whether a category is in the photo, or what is at a point of it, as nano bases are asked; or the
    same as a statement that is true or false (claim), and with four answers to choose from (choice)."""
    subset: int = 648
    """Number of questions, even over categories as far as the photos allow, and a quarter as many for validation; of
    presence an even number, one less otherwise."""
    embed: bool = True
    """Copy the photos into the data set; otherwise it stores their absolute paths, and the photos must stay there."""
    boxes: Unit = "pixels"
    """Unit of the file's boxes: pixels as in COCO, or fractions (0 to 1) or percent (0 to 100) of the photo's sides."""
    seed: int = 0
    """Seed of the choice of questions and of the hold-out."""

    def __post_init__(self) -> None:
        """Refuse values that are no choice or out of range."""
        check_choices(self)
        if self.seed < 0:
            raise DataError(f"--seed {self.seed}: seeds are zero or more")
        if self.subset < 2:
            raise DataError(f"--subset {self.subset}: at least two questions are needed")


class _Row(NamedTuple):
    photo: Photo
    category: str
    question: str
    answer: str
    box: Box | None
    options: tuple[str, ...] = ()


class GeneralSource(PhotoSource):
    """General questions about things in photos, in the format of COCO's annotations."""

    name: ClassVar[str] = "general"
    spec_type: ClassVar[type] = GeneralSpec
    spec: GeneralSpec

    def __init__(self, spec: GeneralSpec) -> None:
        super().__init__(spec)
        self._shown: dict[str, set[str]] = {}
        """The categories that each photo shows, by its id as text; complete once the annotations are read."""

    def splits(self) -> Mapping[str, Split]:
        """Return the splits: "test", or "train" and "validation", sorted by photo.

        Raises:
            DataError: If the annotations cannot be used, or allow fewer questions.
        """
        return {split: Split(self._examples(rows), len(rows)) for split, rows in self._rows.items()}

    def settings(self) -> Mapping[str, Any]:
        """Return the specification without folders."""
        spec = self.spec
        return {
            "annotations": spec.annotations.name,
            "split": spec.split,
            "question": spec.question,
            "subset": spec.subset,
            "boxes": spec.boxes,
            "seed": spec.seed,
        }

    def about(self) -> "About":
        """Return the content of the card and the manifest."""
        from ninefold.data.format.card import About
        from ninefold.data.sources.coco.general_facts import COLUMNS

        kind = self.spec.question
        presence = kind in LABELS
        return About(
            title=f"ninefold general {self.spec.split}: {kind}",
            description=TEXTS[kind] + (self._constants() if presence else ""),
            spec=self.settings(),
            source=self.name,
            labels=LABELS[kind] if presence else self._categories,
            answer_format=FORMATS[kind],
            clustering=self.clustering,
            license="other",
            columns={name: text for name, text in COLUMNS.items() if not (presence and name.startswith("box_"))},
            skipped=self.skips.entries,
        )

    def _constants(self) -> str:
        """Return, as a paragraph, how often the best constant answer for each photo is right."""
        yes, no = LABELS[self.spec.question]
        counts = {split: Counter((row.photo, row.answer) for row in rows) for split, rows in self._rows.items()}
        right = {
            split: sum(max(count[photo, yes], count[photo, no]) for photo in {photo for photo, _ in count})
            for split, count in counts.items()
        }
        shares = " and ".join(
            f"{right[split]:,} times of {len(rows):,} in {split} ({100 * right[split] / len(rows):.1f} %)"
            for split, rows in self._rows.items()
        )
        return f"\n\nWhoever gives the same answer to all questions about a photo is right at most {shares}."

    @staticmethod
    def facts(spec: Mapping[str, Any], question: str | None) -> "SourceFacts":
        """Return the facts of the rows."""
        from ninefold.data.sources.coco.general_facts import facts_of

        return facts_of(GeneralSource.spec_of({**spec, "annotations": Path(), "images": Path()}).question)

    @cached_property
    def _instances(self) -> list[Instance]:
        return self._read(several=True, shown=self._shown)

    @property
    def _categories(self) -> tuple[str, ...]:
        return tuple(sorted({instance.category for instance in self._instances}))

    @cached_property
    def _rows(self) -> dict[str, list[_Row]]:
        """The questions of each split."""
        sizes = self._sizes(2)
        choose = self._presence if self.spec.question in LABELS else self._naming
        by_split = self._parted(self._instances)
        return {split: _sound(part, sizes[split], choose, self._is_usable) for split, part in by_split.items()}

    def _naming(self, instances: Sequence[Instance], size: int) -> list[_Row]:
        from ninefold.data.sources.coco.subset import balanced

        lone = [instance for instance in instances if instance.instances == 1]
        self._check(size, len(lone))
        return [
            _Row(
                one.photo,
                one.category,
                what_is_at(one.box, one.photo.width, one.photo.height),
                one.category,
                one.box,
                self._offered(one.category, number),
            )
            for number, one in enumerate(balanced(lone, size, self.spec.seed))
        ]

    def _offered(self, category: str, number: int) -> tuple[str, ...]:
        """Return the options of the question with a number: the category in each place in turn, and three others."""
        if self.spec.question != "choice":
            return ()
        from ninefold.seeding import rng

        others = [name for name in self._categories if name != category]
        if len(others) < 3:
            raise DataError(f"{self.spec.annotations}: --question choice needs four categories or more")
        drawn = rng(self.spec.seed, "choice", number).permutation(len(others))[:3].tolist()
        options = [others[index] for index in drawn]
        options.insert(number % 4, category)
        return tuple(options)

    def _presence(self, instances: Sequence[Instance], size: int) -> list[_Row]:
        from ninefold.data.sources.coco import presence
        from ninefold.seeding import rng

        photos = list(dict.fromkeys(instance.photo for instance in instances))
        photos = [photos[index] for index in rng(self.spec.seed, "presence").permutation(len(photos)).tolist()]
        shown = [self._shown[str(photo.id)] for photo in photos]
        self._check(size, presence.possible(shown, self._categories))
        kind = self.spec.question
        ask, (yes, no) = (is_there if kind == "presence" else claim_of), LABELS[kind]
        return [
            _Row(photos[index], name, ask(name), yes if there else no, None, () if kind == "presence" else LABELS[kind])
            for index, name, there in presence.choose(shown, self._categories, size)
        ]

    def _check(self, size: int, possible: int) -> None:
        if size > possible:
            raise DataError(
                f"--subset {self.spec.subset}: {size:,} {self.spec.question} questions are needed of one split, and "
                f"its photos allow {possible:,}{self.skips.summary()}; {self._advice(size, possible)}"
            )

    def _advice(self, size: int, possible: int) -> str:
        """Return what to do about photos that allow fewer questions of a split than are needed."""
        largest = 4 * possible + 3 if size < self.spec.subset else possible
        return f"use --subset {largest} or less" if possible > 1 else "use more photos, or other annotations"

    def _examples(self, rows: Sequence[_Row]) -> Iterator[Example]:
        for photo, asked in groupby(rows, key=lambda row: row.photo):
            path = self.photos.usable(photo, self.skips)
            if path is None:
                continue
            for row in asked:
                yield Example(
                    id=f"{photo.id}-{row.category.replace(' ', '-')}",
                    image=path,
                    question=row.question,
                    prompt=prompt_of(self.spec.question, row.question, row.options),
                    options=row.options,
                    answer=row.answer,
                    answer_format=FORMATS[self.spec.question],
                    group=str(photo.id),
                    factors=self._factors(row),
                )

    def _factors(self, row: _Row) -> dict[str, Factor]:
        photo, box = row.photo, row.box
        numbers = {} if box is None else {f"box_{side}": float(number) for side, number in box._asdict().items()}
        return {
            "image_id": photo.id,
            "file_name": self.photos.recorded(photo.file_name),
            "category": row.category,
            "image_width": photo.width,
            "image_height": photo.height,
            **numbers,
        }


def _sound(
    instances: Sequence[Instance],
    size: int,
    choose: Callable[[Sequence[Instance], int], list[_Row]],
    is_usable: Callable[[Photo], bool],
) -> list[_Row]:
    """Return a choice of questions about usable photos, in the order of their ids, opening only the photos needed."""
    while True:
        rows = choose(instances, size)
        broken = {row.photo for row in rows if not is_usable(row.photo)}
        if not broken:
            return sorted(rows, key=lambda row: (rank(row.photo.id), row.category))
        instances = [instance for instance in instances if instance.photo not in broken]
