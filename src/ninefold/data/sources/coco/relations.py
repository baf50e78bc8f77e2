"""The source of questions about the relation of two things in a photo: left of, right of, above or below."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, groupby, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

from ninefold.data.sources.coco.annotations import Instance
from ninefold.data.sources.coco.boxes import Unit
from ninefold.data.sources.coco.entries import Photo
from ninefold.data.sources.coco.ids import rank
from ninefold.data.sources.coco.photo_source import PhotoSource
from ninefold.data.sources.coco.relation_questions import (
    DIRECTIONS,
    FORMATS,
    OPPOSITE,
    TEXTS,
    Direction,
    Form,
    Wording,
    direction,
    letters,
    statement,
    true_false,
    words,
)
from ninefold.data.sources.protocol import Split
from ninefold.errors import DataError
from ninefold.specs import check_choices
from ninefold.types import Example, Factor

if TYPE_CHECKING:
    from ninefold.data.checks.facts import SourceFacts
    from ninefold.data.format.card import About

# The command line reads `RelationsSpec` for its --help: heavy packages (numpy, pyarrow) are imported where used.


@dataclass(frozen=True)
class RelationsSpec:
    """Questions about the relation of two things in photos: left of, right of, above or below.

    For example:
      ninefold data relations --annotations instances_val2017.json --images val2017 --out data/relations
      ninefold data relations --annotations world/annotations.json --images world/images --form letters --out data/r
    """

    annotations: Path
    """File of COCO's instance annotations, such as instances_val2017.json."""
    images: Path
    """Folder of the photos."""
    split: Literal["test", "train"] = "test"
    """The splits to make: one test split, or a train split and a validation split of other photos."""
    form: Form = "true-false"
    """The form of the questions: a statement that is true or false, four statements with letters, or which of two in
    words."""
    subset: int = 800
    """Maximum number of questions, and a quarter as many for validation; fewer where the photos allow no more."""
    embed: bool = True
    """Copy the photos into the data set; otherwise it stores their absolute paths, and the photos must stay there."""
    boxes: Unit = "pixels"
    """Unit of the boxes in the annotation file."""
    seed: int = 0
    """Seed of the choice of questions and of the hold-out."""

    def __post_init__(self) -> None:
        """Refuse values that are no choice or out of range."""
        check_choices(self)
        if self.seed < 0:
            raise DataError(f"--seed {self.seed}: seeds are zero or more")
        if self.subset < UNIT[self.form]:
            raise DataError(f"--subset {self.subset}: at least {UNIT[self.form]} questions are needed")


ROWS: Mapping[Form, int] = {"true-false": 8, "letters": 4, "words": 4}
"""Number of questions of one block."""

UNIT: Mapping[Form, int] = {"true-false": 8, "letters": 16, "words": 4}
"""Number of questions that balance each other: those of one block, or for letters of four blocks."""


class _Shown(NamedTuple):
    """Two things of a photo, of which it is clear how they lie."""

    photo: Photo
    subject: Instance
    other: Instance


class _Row(NamedTuple):
    shown: _Shown
    true: Direction
    said: Direction
    wording: Wording
    answer: str


Block = Mapping[Direction, _Shown]
"""Four photos of the same two things, one for each direction in which the first lies from the second."""


class RelationsSource(PhotoSource):
    """Questions about the relation of two things, from COCO's instance annotations."""

    name: ClassVar[str] = "relations"
    spec_type: ClassVar[type] = RelationsSpec
    spec: RelationsSpec

    def splits(self) -> Mapping[str, Split]:
        """Return the splits: "test", or "train" and "validation", sorted by photo.

        Raises:
            DataError: If the annotations cannot be used, or show no two things in all four relations.
        """
        return {split: Split(self._examples(rows), len(rows)) for split, rows in self._rows.items()}

    def settings(self) -> Mapping[str, Any]:
        """Return the specification without folders."""
        spec = self.spec
        kept = ("split", "form", "subset", "boxes", "seed")
        return {"annotations": spec.annotations.name, **{name: getattr(spec, name) for name in kept}}

    def about(self) -> "About":
        """Return the content of the card and the manifest."""
        from ninefold.data.format.card import About
        from ninefold.data.sources.coco.relation_facts import COLUMNS, LABELS

        return About(
            title=f"ninefold relations {self.spec.split}: {self.spec.form}",
            description=TEXTS[self.spec.form],
            spec=self.settings(),
            source=self.name,
            labels=LABELS[self.spec.form],
            answer_format=FORMATS[self.spec.form],
            clustering=self.clustering,
            license="other",
            columns=COLUMNS,
            skipped=self.skips.entries,
        )

    @staticmethod
    def facts(spec: Mapping[str, Any], question: str | None) -> "SourceFacts":
        """Return the facts of the rows."""
        from ninefold.data.sources.coco.relation_facts import facts_of

        return facts_of(RelationsSource.spec_of({**spec, "annotations": Path(), "images": Path()}).form)

    @cached_property
    def _rows(self) -> dict[str, list[_Row]]:
        """The questions of each split."""
        sizes = self._sizes(UNIT[self.spec.form])
        return {split: self._asked(part, sizes[split]) for split, part in self._parted(self._read()).items()}

    def _asked(self, instances: Sequence[Instance], size: int) -> list[_Row]:
        """Return the questions of a split, of usable photos, sorted by photo; no photo is opened that is not asked."""
        form = self.spec.form
        while True:
            blocks = choose(instances, size // ROWS[form], self.spec.seed)
            if form == "letters":
                # Each order of the options is used equally often.
                blocks = blocks[: len(blocks) // len(DIRECTIONS) * len(DIRECTIONS)]
            broken = {shown.photo for block in blocks for shown in block.values() if not self._is_usable(shown.photo)}
            if not blocks:
                raise DataError(
                    f"{self.spec.annotations}: too few photos show the same two things in all four relations"
                    f"{self.skips.summary()}; use more photos"
                )
            if not broken:
                rows = rows_of(blocks, form, self.spec.seed)
                return sorted(rows, key=lambda row: (rank(row.shown.photo.id), row.shown.subject.id, row.said))
            instances = [instance for instance in instances if instance.photo not in broken]

    def _examples(self, rows: Sequence[_Row]) -> Iterator[Example]:
        for photo, asked in groupby(rows, key=lambda row: row.shown.photo):
            path = self.photos.usable(photo, self.skips)
            if path is None:
                continue
            for row in asked:
                name = f"{row.shown.subject.id}-{row.said}-{row.shown.other.category.replace(' ', '-')}"
                yield Example(
                    id=name,
                    image=path,
                    question=row.wording.question,
                    prompt=row.wording.prompt,
                    options=row.wording.options,
                    answer=row.answer,
                    answer_format=FORMATS[self.spec.form],
                    group=str(photo.id),
                    factors=self._factors(row),
                )

    def _factors(self, row: _Row) -> dict[str, Factor]:
        photo, subject, other = row.shown
        boxes = {"subject": subject.box, "object": other.box}
        return {
            "image_id": photo.id,
            "file_name": self.photos.recorded(photo.file_name),
            "subject": subject.category,
            "object": other.category,
            "relation": row.true,
            "said": row.said,
            "image_width": photo.width,
            "image_height": photo.height,
            **{f"{of}_{side}": float(x) for of, box in boxes.items() for side, x in box._asdict().items()},
        }


def choose(instances: Sequence[Instance], count: int, seed: int) -> list[Block]:
    """Choose blocks, at most so many: one of every two things first, then a second one of each, and so on.

    Args:
        instances: The things, each the only one of its category in its photo.
        count: Maximum number of blocks.
        seed: Seed of the choice, and of which of two things is the first.
    """
    from ninefold.seeding import rng

    draw = rng(seed, "relations")
    found: dict[tuple[str, str], dict[Direction, list[_Shown]]] = defaultdict(lambda: defaultdict(list))
    ordered = sorted(instances, key=lambda one: (rank(one.photo.id), one.category))
    for photo, group in groupby(ordered, key=lambda one: one.photo):
        for one, other in combinations(group, 2):
            lies = direction(one.box, other.box)
            if lies is not None:
                found[one.category, other.category][lies].append(_Shown(photo, one, other))
    queues: list[list[Block]] = []
    for names in sorted(found):
        shown = {lies: found[names][lies] for lies in DIRECTIONS}
        shuffled = {lies: [part[i] for i in draw.permutation(len(part)).tolist()] for lies, part in shown.items()}
        turned = bool(draw.integers(2))
        blocks = [dict(zip(DIRECTIONS, four, strict=True)) for four in zip(*shuffled.values(), strict=False)]
        queues.append([_turned(block) if turned else block for block in blocks])
    queues = [queues[i] for i in draw.permutation(len(queues)).tolist()]
    in_turn = (block for blocks in zip_longest(*queues) for block in blocks if block is not None)
    return list(in_turn)[:count]


def _turned(block: Block) -> Block:
    """Return a block of which the second thing is the first."""
    return {OPPOSITE[lies]: _Shown(shown.photo, shown.other, shown.subject) for lies, shown in block.items()}


def rows_of(blocks: Sequence[Block], form: Form, seed: int) -> Iterator[_Row]:
    """Yield the questions of blocks.

    Of a block, "true-false" asks eight, the true statement and the opposite one in each photo; the others ask four, one
    of each photo. The letters' orders of options are a Williams design: each order is used equally often with each
    answer if there is a multiple of four blocks.
    """
    from ninefold.design import option_orders

    orders = option_orders(seed, len(DIRECTIONS))
    for number, block in enumerate(blocks):
        for true, shown in block.items():
            subject, other = shown.subject.category, shown.other.category
            if form == "true-false":
                for said in (true, OPPOSITE[true]):
                    yield _Row(shown, true, said, true_false(subject, said, other), str(said == true))
            elif form == "letters":
                order = orders[number % len(orders)]
                yield _Row(shown, true, true, letters(subject, other, order), statement(subject, true, other))
            else:
                yield _Row(shown, true, true, words(subject, true, other), true)
