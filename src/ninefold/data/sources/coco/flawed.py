"""The source of flawed questions: those of `coco`, with flaws of real training sets in stated shares.

Each flaw is switched on its own: crowded positions, long-tailed categories, wrong answers, ambiguous questions. All
sets choose among the questions that the same photos allow, so that sets with different flaws show the same kind.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count as count_from
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ninefold.data.sources.coco.annotations import Instance
from ninefold.data.sources.coco.source import CocoSource, CocoSpec, box_question
from ninefold.errors import DataError, DesignError
from ninefold.space import LABELS
from ninefold.specs import check_finite, option
from ninefold.types import Example

if TYPE_CHECKING:
    from ninefold.data.checks.facts import Columns, SourceFacts
    from ninefold.data.format.card import About
    from ninefold.data.sources.coco.subset import Weights

CROWDED = (4, 5, 4, 10, 36, 11, 8, 12, 10)
"""Percent of the questions in each region, in the order of `ninefold.space.LABELS`: those about the only things of
their category in the 206 openly licensed photos of val2017, rounded."""

FLAW_COLUMNS = {
    "answer": "the answer to learn; on purpose, some are wrong: where it is not true_answer",
    "true_answer": "the right answer, that of the box",
    "instances": "number of things of the category in the photo; the question is ambiguous where it is above 1",
}
"""Meaning of the columns that tell of flaws."""


@dataclass(frozen=True)
class FlawedSpec(CocoSpec):
    """Questions about things in photos, with flaws of real training sets in stated shares, to study what flaws do.

    For example:
      ninefold data flawed --annotations instances_train2017.json --images train2017 --noise 0.2 --out data/noisy
      ninefold data flawed --annotations instances_train2017.json --images train2017 --positions crowded --out data/c
    """

    split: Literal["test", "train"] = "train"
    """The splits to make: one test split, or a train split and a validation split of other photos, with equal flaws."""
    subset: int = 1296
    """Number of questions to train on, or to test; a quarter as many more are kept for validation."""
    positions: Literal["even", "crowded"] = "even"
    """Shares of the regions: even, or those of COCO's photos, where the center has over a third."""
    categories: Literal["even", "long-tailed"] = "even"
    """Shares of the categories: even, or in proportion to 1, 1/2, 1/3 and so on, in a random order."""
    ambiguous: float = 0.0
    """Share of questions about a thing that is not the only one of its category in its photo."""
    noise: float = 0.0
    """Share of wrong answers, each another label at random. A test set has none."""

    def __post_init__(self) -> None:
        """Refuse values that are no choice or out of range."""
        super().__post_init__()
        check_finite(self)
        for name in ("ambiguous", "noise"):
            if not 0 <= getattr(self, name) <= 1:
                raise DesignError(f"{option(name)} {getattr(self, name)}: must be a share, from 0 to 1")
        if self.subset < 1:
            raise DesignError(f"--subset {self.subset}: at least one question is needed")
        if self.noise and self.split == "test":
            raise DesignError(f"--noise {self.noise}: a test set has right answers only; use --split train")


class FlawedSource(CocoSource):
    """Things in photos, each asked one question, with flaws of real training sets in stated shares."""

    name: ClassVar[str] = "flawed"
    spec_type: ClassVar[type] = FlawedSpec
    several: ClassVar[bool] = True
    spec: FlawedSpec

    def __init__(self, spec: FlawedSpec) -> None:
        super().__init__(spec)
        self._wrong: dict[str, str] = {}
        """The wrong answers, by the target's id; complete once the targets are chosen."""
        self._categories: list[str] = []
        """The names of all categories that can be asked for; complete once the targets are read."""

    def targets(self) -> list[Instance]:
        """Return all targets, before any is chosen."""
        found = super().targets()
        self._categories = sorted({target.category for target in found})
        return found

    def settings(self) -> Mapping[str, Any]:
        """Return the specification without folders, and the relabeling of the option orders."""
        flaws = {name: getattr(self.spec, name) for name in ("positions", "categories", "ambiguous", "noise")}
        return {**super().settings(), **flaws}

    def about(self) -> "About":
        """Return the content of the card and the manifest."""
        from ninefold.data.sources.coco.description import description
        from ninefold.data.sources.coco.subset import balance_table

        about = super().about()
        flaws = "\n".join(f"- {flaw}" for flaw in _flaws(self.spec))
        tables = [f"In {split}:\n\n{balance_table(balance)}" for split, balance in self.balances.items()]
        text = f"**Flawed on purpose**, to study what flaws of training data do:\n\n{flaws}" if flaws else "Not flawed."
        return replace(
            about,
            title=f"ninefold flawed {self.spec.split}: {self.question.name.replace('_', ' ')}",
            description="\n\n".join([text, f"Apart from that: {description(self.question, self.spec, {})}", *tables]),
            columns={**about.columns, **FLAW_COLUMNS},
        )

    @staticmethod
    def facts(spec: Mapping[str, Any], question: str | None) -> "SourceFacts":
        """Return the facts of the rows, and the number of rows with each flaw."""
        from ninefold.data.checks.facts import Fact
        from ninefold.data.sources.coco.facts import facts_of

        made = FlawedSource.spec_of({**spec, "annotations": Path(), "images": Path()})
        facts = facts_of(box_question(str(question)), seed=made.seed, truncate=made.truncate, truth="true_answer")

        def prepared(columns: "Columns", where: str) -> "Columns":
            counts, rows = _counts(columns), len(columns["id"])
            as_stated = {
                f"{name} as stated": [counts[name] == round(share * rows)] * rows
                for name, share in (("wrong", made.noise), ("ambiguous", made.ambiguous))
            }
            return facts.prepare(columns, where) | as_stated

        of_flaws = (
            Fact("a photo has one thing of the category or more", ("instances",), lambda count: count >= 1),
            Fact(f"{made.noise:.1%} of the answers of its split are wrong", ("wrong as stated",), bool),
            Fact(f"{made.ambiguous:.1%} of the questions of its split are ambiguous", ("ambiguous as stated",), bool),
        )
        return replace(facts, rows=(*facts.rows, *of_flaws), prepare=prepared, flaws=_sentences)

    @cached_property
    def _weights(self) -> "Weights":
        from ninefold.data.sources.coco.subset import Weights
        from ninefold.seeding import rng

        names = self._categories
        ranks = rng(self.spec.seed, "flawed categories").permutation(len(names)).tolist()
        tailed = self.spec.categories == "long-tailed"
        crowded = self.spec.positions == "crowded"
        return Weights(
            {name: 1 / (1 + rank) if tailed else 1.0 for name, rank in zip(names, ranks, strict=True)},
            dict(zip(LABELS, CROWDED if crowded else (1,) * len(LABELS), strict=True)),
        )

    def _subset(self, targets: Sequence[Instance], split: str, size: int) -> tuple[list[Instance], dict[str, Any]]:
        """Choose targets by the stated shares, and which of them get a wrong answer."""
        from ninefold.data.sources.coco.subset import REGIONS, TooFewError, balance, sound_subset

        ids: set[str] = set()
        parts = {
            kind: [target for target in targets if (target.instances > 1) == (kind == "ambiguous")]
            for kind in ("ambiguous", "unambiguous")
        }
        supply = {kind: len(part) for kind, part in parts.items()}
        for kind, count in self._needed(size).items():
            part = parts[kind]
            try:
                if count:
                    chosen, _ = sound_subset(
                        part, count, self.spec.seed, REGIONS, self._is_usable, weights=self._weights
                    )
                    ids.update(target.id for target in chosen)
            except TooFewError as error:
                raise DataError(
                    f"--subset {self.spec.subset}: {split} needs {count:,} {kind} questions, and there are "
                    f"{error.usable:,}{self.skips.summary()}; {self._advice(split, supply | {kind: error.usable})}"
                ) from error
        kept = [target for target in targets if target.id in ids]
        self._mislabel(kept, split)
        return kept, balance(kept, targets, REGIONS)

    def _needed(self, size: int) -> dict[str, int]:
        """Return the number of ambiguous and of unambiguous questions among a number of questions."""
        rare = round(size * self.spec.ambiguous)
        return {"ambiguous": rare, "unambiguous": size - rare}

    def _advice(self, split: str, supply: Mapping[str, int]) -> str:
        """Return what to do about a supply of questions that is too small for a split."""
        fitting = takewhile(
            lambda size: all(count <= supply[kind] for kind, count in self._needed(size).items()), count_from(1)
        )
        largest = max(fitting, default=0)
        if not largest:
            return "use another share of --ambiguous"
        return f"use --subset {4 * largest + 3 if split == 'validation' else largest} or less"

    def _mislabel(self, targets: Sequence[Instance], split: str) -> None:
        from ninefold.seeding import rng

        draw = rng(self.spec.seed, "flawed answers", split)
        for index in draw.permutation(len(targets))[: round(self.spec.noise * len(targets))].tolist():
            _, right = super()._ask(targets[index])
            others = [label for label in self.question.labels if label != right]
            self._wrong[targets[index].id] = others[draw.integers(len(others))]

    def _ask(self, target: Instance) -> tuple[str, str]:
        question, right = super()._ask(target)
        return question, self._wrong.get(target.id, right)

    def _example(
        self, target: Instance, path: Path, asked: tuple[str, str], order: int, options: tuple[str, ...]
    ) -> Example:
        example = super()._example(target, path, asked, order, options)
        _, right = super()._ask(target)
        return replace(example, factors={**example.factors, "true_answer": right, "instances": target.instances})


def _flaws(spec: FlawedSpec) -> Iterator[str]:
    """Yield the flaws of a set in words."""
    if spec.positions == "crowded":
        shares = ", ".join(f"{label} {percent} %" for label, percent in zip(LABELS, CROWDED, strict=True))
        yield f"positions are crowded as in COCO's photos: {shares}, as nearly as the photos allow;"
    if spec.categories == "long-tailed":
        yield "categories are long-tailed: in proportion to 1, 1/2, 1/3 and so on, as nearly as the photos allow;"
    if spec.ambiguous:
        yield (
            f"{spec.ambiguous:.1%} of the questions are ambiguous: `instances` things of the category are in the "
            "photo, and the answer is that of the one listed first;"
        )
    if spec.noise:
        yield f"**{spec.noise:.1%} of the answers are wrong**, each another label at random; `true_answer` is right."


def _counts(columns: "Columns") -> dict[str, int]:
    from ninefold.data.checks.facts import need

    need(columns, ("answer", "true_answer", "instances"), "flawed rows")
    answers = zip(columns["answer"], columns["true_answer"], strict=True)
    return {
        "wrong": sum(answer != right for answer, right in answers),
        "ambiguous": sum(count > 1 for count in columns["instances"]),
    }


def _sentences(columns: "Columns") -> dict[str, int]:
    counts = _counts(columns)
    return {
        "have a wrong answer": counts["wrong"],
        "ask for one of several things of a category": counts["ambiguous"],
    }
