"""A named set of scenes and a question -> examples, and the dataset folder that holds them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ninefold.errors import DesignError
from ninefold.questions.catalog import QUESTIONS
from ninefold.questions.prompt import prompt
from ninefold.scenes.clutter import Placement, check_room, distractors
from ninefold.scenes.sets import SETS, SetName
from ninefold.space import GRID, label_of_cell
from ninefold.store import canonical_json
from ninefold.types import Example, Question, Scene, Thing

if TYPE_CHECKING:
    from ninefold.design import Combination

# numpy and pyarrow are imported where they are used: the command line reads `SyntheticSpec` for its --help.

COLUMNS = {
    "object": "look of the thing asked for: its color and shape",
    "shape": "its shape",
    "color": "its color",
    "size": "its size: large, or small with half the height and width",
    "region": "the region it stands in, of nine",
    "cell_row": "row of its cell, downward from 0",
    "cell_col": "column of its cell, rightward from 0",
    "order": "which of the 18 option orders is used",
    "slot": "place of the answer among the options, from 0",
    "distractors": "how many other things there are",
    "canvas": "side of the picture in pixels",
    "grid": "cells along each side",
    "scene": "everything in the picture as JSON, the thing asked for first",
}
"""What the factors of these sets mean."""


@dataclass(frozen=True)
class SyntheticSpec:
    """All that decides a synthetic data set."""

    split: SetName
    """The paper's test set (3,888 pictures), or its training pool (1,296 to train on and 324 for validation)."""
    distractors: int = 0
    """How many other things stand in each picture."""
    placement: Placement = "anywhere"
    """Where they may stand: in any free cell, or only outside the target's region."""
    holdout: Literal["object", "block", "random"] = "object"
    """What validation holds out of the training pool. By object or block, text tells nothing; random gives that up."""
    seed: int = 0
    """Seed of the option orders, the hold-out and the distractors."""
    canvas: int = 672
    """Side of the pictures in pixels."""
    grid: int = GRID
    """Cells along each side, a multiple of 3."""
    antialias: bool = False
    """Whether edges are smooth."""


def examples(spec: SyntheticSpec, question: Question = QUESTIONS["absolute_position"]) -> dict[str, Iterator[Example]]:
    """Return the examples of each split, made one by one as they are asked for.

    Args:
        spec: What to make.
        question: What is asked of each scene: any question with nine labels.

    Raises:
        DesignError: If the specification cannot be met.
    """
    return {split: _examples(spec, question, items) for split, items in _items(spec).items()}


def make(spec: SyntheticSpec, out: Path, *, progress: bool = False) -> None:
    """Write a synthetic data set.

    Args:
        spec: What to make.
        out: The folder to write; what stood there before is replaced.
        progress: Whether to show a bar on standard error.

    Raises:
        DesignError: If the specification cannot be met.
    """
    from ninefold.data.format import dataset
    from ninefold.data.format.card import About
    from ninefold.data.progress import shown
    from ninefold.design import relabeling

    parts: Mapping[str, Iterable[Example]] = examples(spec)
    if progress:
        parts = shown(parts, {split: len(items) for split, items in _items(spec).items()})
    about = About(
        title=f"ninefold synthetic {spec.split}",
        description=_description(spec),
        spec={"kind": "synthetic", **asdict(spec), "relabeling": relabeling(spec.seed).tolist()},
        source="synthetic",
        question="absolute_position",
        labels=QUESTIONS["absolute_position"].labels,
        answer_format="labels",
        clustering="census",
        columns=COLUMNS,
    )
    dataset.write(out, parts, about=about)


def _items(spec: SyntheticSpec) -> dict[str, list["Combination"]]:
    from ninefold.design import factorial, held_out, relabeling

    if spec.seed < 0:
        raise DesignError(f"seed {spec.seed}: seeds are zero or more")
    check_room(spec.distractors, spec.grid, spec.placement)
    objects, sizes = len(SETS[spec.split].looks), len(SETS[spec.split].sizes)
    relabeled = relabeling(spec.seed)
    if spec.split == "test":
        return {"test": list(factorial(range(objects), sizes, spec.grid, relabeled))}
    return held_out(objects, sizes, spec.grid, relabeled, by=spec.holdout, seed=spec.seed)


def _examples(spec: SyntheticSpec, question: Question, items: Sequence["Combination"]) -> Iterator[Example]:
    from ninefold.design import relabeling, williams

    orders = relabeling(spec.seed)[williams(len(question.labels))].tolist()
    for item in items:
        scene = _scene(spec, item)
        asked, answer = question.ask(scene)
        options = tuple(question.labels[label] for label in orders[item.order])
        target = scene.things[0]
        row, col = target.cell
        yield Example(
            id=f"{target.color}-{target.shape}-{target.size}-r{row}c{col}",
            image=scene,
            question=asked,
            prompt=prompt(asked, options),
            options=options,
            answer=answer,
            answer_format=question.answer_format,
            group=f"{target.look}|{item.order}",
            factors={
                "object": target.look,
                "shape": target.shape,
                "color": target.color,
                "size": target.size,
                "region": label_of_cell(target.cell, spec.grid),
                "cell_row": row,
                "cell_col": col,
                "order": item.order,
                "slot": options.index(answer),
                "distractors": spec.distractors,
                "canvas": spec.canvas,
                "grid": spec.grid,
                "scene": _json(scene),
            },
        )


def _scene(spec: SyntheticSpec, item: "Combination") -> Scene:
    """Return the scene of an item; its distractors depend on the seed, the set and the item alone."""
    from ninefold.seeding import rng

    named = SETS[spec.split]
    look = named.looks[item.object]
    target = Thing(shape=look[1], color=look[0], size=named.sizes[item.size], cell=item.cell)
    others: tuple[Thing, ...] = ()
    if spec.distractors:
        draw = rng(spec.seed, "distractors", spec.split, item.object, item.size, *item.cell)
        others = distractors(
            target,
            named.rivals(look),
            named.sizes,
            spec.distractors,
            grid=spec.grid,
            placement=spec.placement,
            draw=draw,
        )
    return Scene((target, *others), canvas=spec.canvas, grid=spec.grid, antialias=spec.antialias)


def _json(scene: Scene) -> str:
    things = [
        {"shape": thing.shape, "color": thing.color, "size": thing.size, "row": thing.cell.row, "col": thing.cell.col}
        for thing in scene.things
    ]
    plain = {"canvas": scene.canvas, "grid": scene.grid, "background": scene.background, "antialias": scene.antialias}
    return canonical_json({**plain, "things": things})


def _description(spec: SyntheticSpec) -> str:
    looks, sizes = len(SETS[spec.split].looks), len(SETS[spec.split].sizes)
    around = f", among {spec.distractors} distractors" if spec.distractors else ""
    leak = spec.split == "train" and spec.holdout == "random"
    balance = (
        "spoiled by the random hold-out: text gives answers away" if leak else "balanced: text alone tells nothing"
    )
    return (
        f"Where in the picture is it? Each picture shows one of {looks} objects{around}, in one of {sizes} sizes "
        f"and one of {spec.grid} x {spec.grid} cells, {spec.canvas} x {spec.canvas} pixels on black; every combination "
        "occurs once. The answer is one of the nine regions of the picture. "
        f"The orders in which they are offered are {balance}.\n\n"
        f"It follows the synthetic {spec.split} set of Rizzoli et al. 2025."
    )
