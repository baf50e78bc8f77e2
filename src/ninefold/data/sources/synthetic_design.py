"""The design of a synthetic data set: a question asked of a named set, and the items of each split."""

from functools import cached_property, partial
from itertools import product
from typing import TYPE_CHECKING

from ninefold.data.sources.certified_subset import certified
from ninefold.data.sources.protocol import Skips
from ninefold.design import Combination, Holdout, check_grid, evenly_answered, factorial, held_out, relabeling
from ninefold.errors import DesignError
from ninefold.questions.asking import ask
from ninefold.scenes.clutter import check_room
from ninefold.scenes.sets import SETS
from ninefold.space import Cell
from ninefold.types import Question, Scene, Thing

if TYPE_CHECKING:
    from ninefold.data.sources.synthetic import SyntheticSpec


class SyntheticDesign:
    """The items of a named set and a question, and their splits.

    The factors that a question depends on are found by asking it of every object, size and cell; questions need not
    declare them.

    Raises:
        DesignError: If the specification cannot be met, or the question cannot be asked of the set.
    """

    def __init__(self, spec: "SyntheticSpec", question: Question, skips: Skips) -> None:
        if spec.holdout and not SETS[spec.split].holds_out:
            raise DesignError(
                f"holdout {spec.holdout}: the {spec.split} set holds nothing out; leave --holdout out, or make the "
                "training pool with --split train"
            )
        if spec.subset is not None and not SETS[spec.split].holds_out:
            raise DesignError(
                f"--subset {spec.subset}: the {spec.split} set is asked whole; leave it out, or make the training pool "
                "with --split train"
            )
        check_grid(spec.grid)
        check_room(spec.distractors, spec.grid, spec.placement)
        self._spec, self._question = spec, question
        self.relabeling_seed, self._shift = divmod(spec.seed, len(question.labels))
        """Seed of the relabeling: n seeds in a row, from a multiple of n labels, share it and differ in the shift."""
        self._asked = self._ask_all(skips)
        self.objects: list[int] = list(dict.fromkeys(number for number, _, _ in self._asked))
        """Numbers, within the set, of the objects whose answers are labels."""
        self.texts: list[str] = list(dict.fromkeys(text for text, _ in self._asked.values()))
        """The different texts of the question."""
        self._check()
        self.holdout: Holdout = self._holdout()
        """The unit that validation holds out of the training pool."""

    def alone(self, number: int, size: int, cell: Cell) -> Scene:
        """Return the scene of one object alone."""
        spec, levels = self._spec, SETS[self._spec.split]
        color, shape = levels.looks[number]
        target = Thing(shape=shape, color=color, size=levels.sizes[size], cell=cell)
        return Scene((target,), canvas=spec.canvas, grid=spec.grid, antialias=spec.antialias)

    def splits(self) -> dict[str, list[Combination]]:
        """Return the items of each split: of training, those of the subset.

        Raises:
            DesignError: If there is no subset of this size in which text alone tells nothing.
        """
        size = self._spec.subset
        if size is None:
            return self._whole
        if not self.text_tells_nothing:
            random = self.holdout == "random"
            raise DesignError(
                f"--subset {size}: in this design text gives answers away, and so it would in each subset; "
                f"leave {'--holdout random' if random else '--subset'} out"
            )
        kept = certified(self._whole["train"], size, len(self._question.labels), self._spec.seed)
        return {**self._whole, "train": kept}

    @cached_property
    def _whole(self) -> dict[str, list[Combination]]:
        """The items of each split, without a subset."""
        spec, labels = self._spec, self._question.labels
        index_of = {text: index for index, text in enumerate(self.texts)}

        def ask(number: int, size: int, cell: Cell) -> tuple[int, int]:
            text, answer = self._asked[number, size, cell]
            return index_of[text], labels.index(answer)

        design = partial(
            factorial,
            sizes=len(SETS[spec.split].sizes),
            grid=spec.grid,
            ask=ask,
            labels=len(labels),
            relabeled=relabeling(self.relabeling_seed, len(labels)),
            shift=self._shift,
        )
        if not SETS[spec.split].holds_out:
            return {"test": design(self.objects)}
        return held_out(self.objects, design, by=self.holdout, seed=spec.seed)

    @cached_property
    def has_several_blocks(self) -> bool:
        """Whether a text and an option order have several blocks, so that these are told apart by their index."""
        return any(item.block for items in self._whole.values() for item in items)

    @cached_property
    def text_tells_nothing(self) -> bool:
        """Whether, in every split, each text and option order meets every label equally often."""
        return all(
            evenly_answered([(item.text, item.order, item.answer) for item in items], len(self._question.labels))
            for items in self._whole.values()
        )

    def _ask_all(self, skips: Skips) -> dict[tuple[int, int, Cell], tuple[str, str]]:
        """Return question and answer by object, size and cell; objects whose answers are not labels are skipped."""
        levels, labels = SETS[self._spec.split], set(self._question.labels)
        cells = [Cell(row, col) for row in range(self._spec.grid) for col in range(self._spec.grid)]
        asked: dict[tuple[int, int, Cell], tuple[str, str]] = {}
        for number, look in enumerate(levels.looks):
            found = {
                (number, size, cell): ask(self._question, self.alone(number, size, cell))
                for size, cell in product(range(len(levels.sizes)), cells)
            }
            if labels.issuperset(answer for _, answer in found.values()):
                asked |= found
            else:
                skips.add(f"object whose answer is no label of {self._question.name}", " ".join(look))
        return asked

    def _check(self) -> None:
        name = self._question.name
        answers = {answer for _, answer in self._asked.values()}
        missing = [label for label in self._question.labels if label not in answers]
        if missing:
            raise DesignError(
                f"question {name}: no scene of the {self._spec.split} set has the answer {' or '.join(missing)}; "
                "ask another question of it"
            )
        if self._spec.distractors and len(self.texts) < len(self.objects):
            raise DesignError(
                f"question {name}: it does not name the object, so that among distractors it has no one answer; "
                "leave --distractors out"
            )

    def _holdout(self) -> Holdout:
        answers: dict[int, set[str]] = {}
        for (number, _, _), (_, answer) in self._asked.items():
            answers.setdefault(number, set()).add(answer)
        alike = len(set(map(frozenset, answers.values()))) == 1
        if self._spec.holdout == "object" and not alike:
            raise DesignError(
                f"question {self._question.name}: its answer depends on the object, so that --holdout object would "
                "hold out whole answers; use --holdout block"
            )
        return self._spec.holdout or ("object" if alike else "block")
