"""The synthetic source: a named set of scenes with a question, exactly balanced."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ninefold.data.sources.protocol import SPLITS_OF, Skips, Source, Split
from ninefold.errors import DesignError
from ninefold.questions.asking import ask
from ninefold.questions.catalog import find_question
from ninefold.questions.prompt import prompt
from ninefold.scenes.clutter import Placement, distractors
from ninefold.scenes.sets import SETS, SetName
from ninefold.scenes.vocabulary import MIN_CELL
from ninefold.space import GRID, label_of_cell
from ninefold.specs import check_choices
from ninefold.types import Clustering, Example, Scene

if TYPE_CHECKING:
    from ninefold.data.checks.facts import SourceFacts
    from ninefold.data.format.card import About
    from ninefold.data.sources.synthetic_design import SyntheticDesign
    from ninefold.design import Combination

MAX_CANVAS = 8192
"""Largest side of an image in pixels: decoded it takes 200 MB."""

# The command line reads `SyntheticSpec` for its --help: heavy packages (numpy, pyarrow) are imported where used.


@dataclass(frozen=True)
class SyntheticSpec:
    """Synthetic scenes of the paper's objects, each asked one question; balanced as its certificate states.

    For example:
      ninefold data synthetic --split test --out data/test
      ninefold data synthetic --split train --distractors 3 --out data/train
      ninefold data synthetic --split train --subset 126 --out data/train-126
      ninefold data synthetic --split test --question horizontal_position --out data/left-or-right
    """

    split: SetName
    """The paper's test set (3,888 images of 24 objects), or its training pool (1,620 of 10), of which a fifth is held
    out for validation: 1,296 and 324. Questions about color or shape leave out objects whose answer is no label."""
    question: str = "absolute_position"
    """The question to ask, by its name in `ninefold data questions`."""
    distractors: int = 0
    """Number of other objects in each image; with one or more, a model must read the question to find the target."""
    placement: Placement = "anywhere"
    """Positions of distractors: in any free cell, or only outside the target's region."""
    holdout: Literal["object", "block", "random"] | None = None
    """The unit that validation holds out of the training pool: by default whole objects or, if the answer depends on
    the object, whole blocks. With both, text alone gives no information; with random it gives answers away. Positions
    are exactly even in each split with whole objects; with blocks they are in the pool, but not in each split."""
    subset: int | None = None
    """Number of training examples to keep, in whole blocks (one text and every answer once: 9 examples for nine
    positions), so that text alone still tells nothing; of one seed, smaller subsets are parts of larger ones.
    Validation stays whole. Default: all."""
    seed: int = 0
    """Seed of the option orders, hold-out, subset and distractors. On a test set, the seeds 0 to n-1 of a question with
    n labels put every answer once in every slot among the options, and so do the n seeds after them."""
    canvas: int = 672
    """Side of the square images, in pixels."""
    grid: int = GRID
    """Number of cells along each side of the image, a multiple of 3."""
    antialias: bool = False
    """Draw smooth (anti-aliased) edges; crisp ones by default."""

    def __post_init__(self) -> None:
        """Refuse values that are no choice or out of range."""
        check_choices(self)
        if self.seed < 0:
            raise DesignError(f"seed {self.seed}: seeds are zero or more")
        if self.canvas > MAX_CANVAS:
            raise DesignError(f"--canvas {self.canvas}: at most {MAX_CANVAS:,} pixels")
        if self.grid * MIN_CELL > MAX_CANVAS:
            raise DesignError(
                f"--grid {self.grid}: cells of {MIN_CELL} pixels would not fit the largest canvas, {MAX_CANVAS:,}; "
                f"at most {MAX_CANVAS // MIN_CELL}"
            )
        if self.grid * MIN_CELL > self.canvas:
            raise DesignError(
                f"--canvas {self.canvas}: too small for {self.grid} x {self.grid} cells; use {self.grid * MIN_CELL} or "
                "more"
            )


class SyntheticSource(Source):
    """The scenes of a named set, each asked one question with one of its option orders."""

    name: ClassVar[str] = "synthetic"
    spec_type: ClassVar[type] = SyntheticSpec
    embed = True
    clustering: ClassVar[Clustering] = "census"
    from_spec_alone = True

    def __init__(self, spec: SyntheticSpec) -> None:
        self.spec = spec
        self.question = find_question(spec.question)
        self.skips = Skips()

    def split_names(self) -> tuple[str, ...]:
        """Return "test", or "train" and "validation"."""
        return SPLITS_OF[self.spec.split]

    def splits(self) -> Mapping[str, Split]:
        """Return the splits: "test", or "train" and "validation".

        Raises:
            DesignError: If the specification cannot be met.
        """
        by_split = self._design.splits()
        return {split: Split(self._examples(items), len(items)) for split, items in by_split.items()}

    def settings(self) -> Mapping[str, Any]:
        """Return the specification with its hold-out resolved, and the relabeling of the option orders."""
        from ninefold.design import relabeling

        resolved = replace(self.spec, holdout=self._design.holdout)
        relabeled = relabeling(self._design.relabeling_seed, len(self.question.labels))
        values = asdict(resolved)
        # A whole set keeps the manifest that it had before there were subsets.
        if self.spec.subset is None:
            del values["subset"]
        return {**values, "relabeling": relabeled.tolist()}

    @classmethod
    def spec_of(cls, settings: Mapping[str, Any]) -> SyntheticSpec:
        """Return the specification that has these settings; that of a set that holds nothing out names no hold-out."""
        spec = super().spec_of({**settings, "holdout": None})
        held = settings.get("holdout") if SETS[spec.split].holds_out else None
        found: SyntheticSpec = replace(spec, holdout=held)
        return found

    def about(self) -> "About":
        """Return the content of the card and the manifest."""
        from ninefold.data.format.card import About
        from ninefold.data.sources.option_facts import OPTION_COLUMNS
        from ninefold.data.sources.scene_facts import SCENE_COLUMNS

        return About(
            title=f"ninefold synthetic {self.spec.split}: {self.question.name.replace('_', ' ')}",
            description=self._description(),
            spec=self.settings(),
            source=self.name,
            question=self.question.name,
            labels=self.question.labels,
            answer_format=self.question.answer_format,
            clustering=self.clustering,
            columns=SCENE_COLUMNS | OPTION_COLUMNS,
            skipped=self.skips.entries,
        )

    @staticmethod
    def facts(spec: Mapping[str, Any], question: str | None) -> "SourceFacts":
        """Return the facts of the rows of any synthetic data set."""
        from ninefold.data.checks.facts import SourceFacts
        from ninefold.data.sources.option_facts import listed_orders, of_question, option_facts
        from ninefold.data.sources.scene_facts import SceneCheck, scene_facts, with_scenes
        from ninefold.data.sources.set_facts import set_facts

        asked, made = find_question(str(question)), SyntheticSource.spec_of(spec)
        orders = listed_orders(asked, made.seed // len(asked.labels))
        return SourceFacts(
            rows=(*option_facts(asked, orders), *scene_facts(asked), *set_facts(made)),
            manifest={**of_question(asked), "clustering": SyntheticSource.clustering},
            images=SceneCheck,
            prepare=with_scenes,
        )

    @cached_property
    def _design(self) -> "SyntheticDesign":
        from ninefold.data.sources.synthetic_design import SyntheticDesign

        return SyntheticDesign(self.spec, self.question, self.skips)

    def _examples(self, items: "Sequence[Combination]") -> Iterator[Example]:
        """Yield the examples; their groups are blocks, named by target, option order and, if several, index."""
        from ninefold.data.sources.scene_facts import scene_json
        from ninefold.design import option_orders

        labels = self.question.labels
        orders = option_orders(self._design.relabeling_seed, len(labels))
        for item in items:
            scene = self._scene(item)
            asked, answer = ask(self.question, scene)
            options = tuple(labels[label] for label in orders[item.order])
            target = scene.things[0]
            row, col = target.cell
            named = target.look if target.look in asked else asked
            yield Example(
                id=f"{target.color}-{target.shape}-{target.size}-r{row}c{col}",
                image=scene,
                question=asked,
                prompt=prompt(asked, options),
                options=options,
                answer=answer,
                answer_format=self.question.answer_format,
                group="|".join(
                    [named, str(item.order), *([str(item.block)] if self._design.has_several_blocks else [])]
                ),
                factors={
                    "object": target.look,
                    "shape": target.shape,
                    "color": target.color,
                    "size": target.size,
                    "region": label_of_cell(target.cell, self.spec.grid),
                    "cell_row": row,
                    "cell_col": col,
                    "order": item.order,
                    "slot": options.index(answer),
                    "distractors": self.spec.distractors,
                    "canvas": self.spec.canvas,
                    "grid": self.spec.grid,
                    "scene": scene_json(scene),
                },
            )

    def _scene(self, item: "Combination") -> Scene:
        """Return the scene of an item; its distractors depend only on the seed, the set and the item."""
        from ninefold.seeding import rng

        spec, levels = self.spec, SETS[self.spec.split]
        scene = self._design.alone(item.object, item.size, item.cell)
        if not spec.distractors:
            return scene
        others = distractors(
            scene.things[0],
            levels.rivals(levels.looks[item.object]),
            levels.sizes,
            spec.distractors,
            grid=spec.grid,
            placement=spec.placement,
            draw=rng(spec.seed, "distractors", spec.split, item.object, item.size, *item.cell),
        )
        return replace(scene, things=(*scene.things, *others))

    def _description(self) -> str:
        spec, sizes, looks = self.spec, len(SETS[self.spec.split].sizes), len(self._design.objects)
        around = f", among {spec.distractors} distractors" if spec.distractors else ""
        leak = SETS[spec.split].holds_out and self._design.holdout == "random"
        balance = "spoiled by the random hold-out: text gives answers away" if leak else "balanced"
        if not leak:
            even = self._design.text_tells_nothing
            told = "tells nothing" if even else "gives answers away as far as certificate.json states"
            balance = f"{balance}: text alone {told}"
        if SETS[spec.split].holds_out and self._design.holdout == "block":
            balance += ". Blocks are held out whole, so that positions are even in both splits together, not in each"
        once = "once"
        if spec.subset is not None:
            once = f"at most once: {spec.subset:,} examples to train on are kept, in whole blocks"
        return (
            f'Questions such as "{self._design.texts[0]}". Each image shows one of {looks} objects{around}, in one of '
            f"{sizes} sizes and one of {spec.grid} x {spec.grid} cells, {spec.canvas} x {spec.canvas} pixels on black; "
            f"every combination occurs {once}. The answer is one of {len(self.question.labels)} labels: "
            f"{', '.join(self.question.labels)}. The orders in which they are offered are {balance}.\n\n"
            f"It follows the synthetic {spec.split} set of Rizzoli et al. 2025."
        )


def examples(spec: SyntheticSpec) -> dict[str, Iterator[Example]]:
    """Return the examples of each split, made lazily.

    Raises:
        DesignError: If the specification cannot be met.
    """
    return {split: iter(part.examples) for split, part in SyntheticSource(spec).splits().items()}
