"""The COCO source: a question about each thing that is the only one of its category in a photo; all, or a subset."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ninefold.data.sources.coco.allotment import Holdout, deal
from ninefold.data.sources.coco.annotations import Instance, truncated
from ninefold.data.sources.coco.boxes import Unit
from ninefold.data.sources.coco.description import description
from ninefold.data.sources.coco.photo_source import PhotoSource
from ninefold.data.sources.protocol import Split
from ninefold.errors import DataError, DesignError, printable
from ninefold.questions.catalog import QUESTIONS, find_question
from ninefold.questions.prompt import prompt
from ninefold.space import LABELS, border_distance, label_of_cell
from ninefold.specs import check_choices
from ninefold.types import BoxQuestion, Example

if TYPE_CHECKING:
    from ninefold.data.checks.facts import SourceFacts
    from ninefold.data.format.card import About

# The command line reads `CocoSpec` for its --help: heavy packages (numpy, pyarrow) are imported where used.


@dataclass(frozen=True)
class CocoSpec:
    """Questions about things in COCO photos, or in any images with annotations in COCO's format.

    For example:
      ninefold data coco --annotations instances_val2017.json --images val2017 --out data/coco
      ninefold data coco --annotations instances_val2017.json --images val2017 --subset 1296 --out data/balanced
    """

    annotations: Path
    """File of COCO's instance annotations, such as instances_val2017.json."""
    images: Path
    """Folder of the photos."""
    split: Literal["test", "train"] = "test"
    """The splits to make: one test split, or a train split of four fifths of the photos and a validation split of the
    rest."""
    holdout: Holdout = "image"
    """The unit that validation holds out: whole photos, or single questions as the paper's counts suggest. Then photos
    of training are in validation too, whose losses say less about new photos."""
    question: str = "absolute_position"
    """The question to ask, by its name in `ninefold data questions`; one that can be asked of a box."""
    subset: int | None = None
    """Number of questions to keep, balanced over answers and categories as far as the photos allow; default: all. With
    --split train, so many are kept to train on, and a quarter as many for validation, balanced too, of what it holds
    out."""
    embed: bool = True
    """Copy the photos into the data set; otherwise it stores their absolute paths, and the photos must stay there."""
    truncate: bool = False
    """Truncate boxes to integers before the answer is computed, as in the paper's code; exact numbers by default."""
    boxes: Unit = "pixels"
    """Unit of the file's boxes: pixels as in COCO, or fractions (0 to 1) or percent (0 to 100) of the photo's sides."""
    seed: int = 0
    """Seed of the option orders, the subset and the hold-out."""

    def __post_init__(self) -> None:
        """Refuse values that are no choice or out of range."""
        check_choices(self)
        if self.seed < 0:
            raise DataError(f"seed {self.seed}: seeds are zero or more")


class CocoSource(PhotoSource):
    """The only things of their category in COCO photos, each asked one question.

    Photos are opened lazily, one by one. Every photo is decoded before it is used: a missing or broken photo, or one
    that is not the annotated image, is skipped with all its questions. Photos are told apart by the bytes of their
    files: what is annotated under several image ids of one file, or of copies of it, is counted together.
    """

    name: ClassVar[str] = "coco"
    spec_type: ClassVar[type] = CocoSpec
    several: ClassVar[bool] = False
    """Whether things are asked about too that are not the only one of their category in their photo."""

    def __init__(self, spec: CocoSpec) -> None:
        super().__init__(spec)
        self.question = box_question(spec.question)

    def splits(self) -> Mapping[str, Split]:
        """Return the splits: "test", or "train" and "validation". Their images are paths.

        Examples are sorted by image id: a photo with several questions is decoded once.

        Raises:
            DataError: If the annotations cannot be used, or hold no target or fewer than the subset needs. Reading the
                examples raises it if no photo can be used.
        """
        return {split: Split(self._examples(targets), len(targets)) for split, (targets, _) in self._parts.items()}

    @property
    def balances(self) -> dict[str, dict[str, Any]]:
        """Return the balance of each split over answer and category (see `subset.balance`); none without a subset."""
        return {split: balance for split, (_, balance) in self._parts.items() if balance is not None}

    def settings(self) -> Mapping[str, Any]:
        """Return the specification without folders, and the relabeling of the option orders."""
        from ninefold.design import relabeling

        spec = self.spec
        # A set of boxes in pixels that holds out photos, as all did at first, keeps the manifest that it had.
        unit = {} if spec.boxes == "pixels" else {"boxes": spec.boxes}
        holdout = {} if spec.holdout == "image" else {"holdout": spec.holdout}
        return {
            "annotations": spec.annotations.name,
            "split": spec.split,
            **holdout,
            "question": self.question.name,
            "subset": spec.subset,
            "truncate": spec.truncate,
            **unit,
            "seed": spec.seed,
            "relabeling": relabeling(spec.seed, len(self.question.labels)).tolist(),
        }

    def about(self) -> "About":
        """Return the content of the card and the manifest."""
        from ninefold.data.format.card import About
        from ninefold.data.sources.coco.facts import BOX_COLUMNS
        from ninefold.data.sources.option_facts import OPTION_COLUMNS

        spec = self.spec
        return About(
            title=f"ninefold COCO {spec.split}: {self.question.name.replace('_', ' ')}",
            description=description(self.question, spec, self.balances),
            spec=self.settings(),
            source=self.name,
            question=self.question.name,
            labels=self.question.labels,
            answer_format=self.question.answer_format,
            clustering=self.clustering,
            license="other",
            columns=BOX_COLUMNS | OPTION_COLUMNS,
            skipped=self.skips.entries,
            notes=list(self._notes()),
        )

    def _notes(self) -> Iterator[str]:
        for detail in self.photos.details.values():
            yield f"for example, {printable(detail)}"
        if self.spec.split == "train" and self.spec.holdout == "question":
            yield "--holdout question: photos of train are in validation too"
        for split, balance in self.balances.items():
            for level, counts in balance.items():
                yield f"{split} questions for each {level}: {' to '.join(map(str, dict.fromkeys(counts['reached'])))}"

    @staticmethod
    def facts(spec: Mapping[str, Any], question: str | None) -> "SourceFacts":
        """Return the facts of the rows of any data set of photos."""
        from ninefold.data.sources.coco.facts import facts_of

        made = CocoSource.spec_of({**spec, "annotations": Path(), "images": Path()})
        return facts_of(box_question(str(question)), seed=made.seed, truncate=made.truncate)

    @cached_property
    def _parts(self) -> dict[str, tuple[Sequence[Instance], dict[str, Any] | None]]:
        """The targets of each split and, for a subset, their balance."""
        spec, targets = self.spec, self.targets()
        try:
            by_split = self._parted(targets, spec.holdout)
        except DataError as error:
            raise DataError(f"{spec.annotations}: {error}{self.skips.summary()}") from error
        if spec.subset is None:
            return {split: (part, None) for split, part in by_split.items()}
        sizes = self._sizes(1)
        return {split: self._subset(part, split, sizes[split]) for split, part in by_split.items()}

    def targets(self) -> list[Instance]:
        """Return all targets, before a subset is chosen.

        Raises:
            DataError: If the annotations cannot be used, or there are no photos.
        """
        spec = self.spec
        targets = self._read(truncate=spec.truncate, several=self.several)
        # In a wrong folder, balancing again and again without the photos found missing would take long.
        if spec.subset is not None and not any(self.photos.find(target.photo.file_name) for target in targets):
            for photo in dict.fromkeys(target.photo for target in targets):
                self.photos.usable(photo, self.skips)
            raise self._no_photo()
        return targets

    def _subset(self, targets: Sequence[Instance], split: str, size: int) -> tuple[list[Instance], dict[str, Any]]:
        from ninefold.data.sources.coco.subset import Answers, TooFewError, sound_subset

        level = "region" if self.question.labels == LABELS else "answer"
        answers = Answers(level, self.question.labels, lambda target: self._ask(target)[1])
        try:
            return sound_subset(targets, size, self.spec.seed, answers, self._is_usable)
        except TooFewError as error:
            raise DataError(_too_few(self.spec, split, error.usable, self.skips.summary())) from error

    def _examples(self, targets: Sequence[Instance]) -> Iterator[Example]:
        from ninefold.design import option_orders

        orders = option_orders(self.spec.seed, len(self.question.labels))
        asked = [self._ask(target) for target in targets]
        dealt = deal([target.category for target in targets], [answer for _, answer in asked], len(orders))
        made = 0
        for photo, indices in groupby(range(len(targets)), key=lambda index: targets[index].photo):
            path = self.photos.usable(photo, self.skips)
            if path is None:
                continue
            for index in indices:
                options = tuple(self.question.labels[label] for label in orders[dealt[index]])
                yield self._example(targets[index], path, asked[index], dealt[index], options)
                made += 1
        if not made:
            raise self._no_photo()

    def _no_photo(self) -> DataError:
        detail = next(iter(self.photos.details.values()))
        return DataError(
            f"{self.spec.images}: no photo can be used{self.skips.summary()}; {detail}; "
            f"is it the folder of {self.spec.annotations.name}?"
        )

    def _ask(self, target: Instance) -> tuple[str, str]:
        box = truncated(target.box) if self.spec.truncate else target.box
        return self.question.ask_box(target.category, box, target.photo.width, target.photo.height)

    def _example(
        self, target: Instance, path: Path, asked: tuple[str, str], order: int, options: tuple[str, ...]
    ) -> Example:
        question, answer = asked
        photo, box = target.photo, target.box
        return Example(
            id=target.id,
            image=path,
            question=question,
            prompt=prompt(question, options),
            options=options,
            answer=answer,
            answer_format=self.question.answer_format,
            group=str(photo.id),
            factors={
                "image_id": photo.id,
                "file_name": self.photos.recorded(photo.file_name),
                "category": target.category,
                "box_x": float(box.x),
                "box_y": float(box.y),
                "box_w": float(box.w),
                "box_h": float(box.h),
                "border_distance": border_distance(box, photo.width, photo.height),
                "image_width": photo.width,
                "image_height": photo.height,
                "region": label_of_cell(target.cell),
                "cell_row": target.cell.row,
                "cell_col": target.cell.col,
                "order": order,
                "slot": options.index(answer),
            },
        )


def _too_few(spec: CocoSpec, split: str, usable: int, left_out: str) -> str:
    """Return the message about a subset that is larger than the questions in usable photos, or empty."""
    if not usable:
        return f"{spec.images}: no photo that is left for {split} can be used{left_out}"
    largest, there = usable, f"there are {usable:,} questions{' to train on' * (split == 'train')}"
    if split == "validation":
        largest = 4 * usable + 3
        there = f"validation needs a quarter as many questions, and there are {usable:,}"
    advice = f"{largest} or less" if spec.subset and spec.subset > largest else f"1 to {largest}"
    return f"--subset {spec.subset}: {there}{left_out}; use --subset {advice}"


def box_question(name: str) -> BoxQuestion:
    """Return a question that can be asked of a box.

    Raises:
        DesignError: If there is no question of that name, or it cannot be asked of a box.
    """
    question = find_question(name)
    if not isinstance(question, BoxQuestion):
        able = ", ".join(other.name for other in QUESTIONS.values() if isinstance(other, BoxQuestion))
        raise DesignError(f"question {name}: cannot be asked of a box in a photo; these can: {able}")
    return question
