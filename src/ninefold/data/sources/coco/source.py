"""COCO boxes x a question -> examples in the format of every data set; all of them, or a balanced subset."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

from ninefold.data.sources.coco.annotations import Instance, Photo, Skips, read_instances, truncated
from ninefold.errors import DataError
from ninefold.questions.absolute_position import AbsolutePosition
from ninefold.questions.prompt import prompt
from ninefold.space import border_distance, label_of_cell
from ninefold.types import BoxQuestion, Example

# numpy, Pillow and pyarrow are imported where they are used: the command line reads `CocoSpec` for its --help.

ABSOLUTE_POSITION = AbsolutePosition()

COLUMNS = {
    "image_id": "the photo's id in the annotation file",
    "file_name": "the photo's file name",
    "category": "the category asked for, by its raw name",
    "box_x": "left edge of its box in pixels, as the annotation file gives it",
    "box_y": "top edge of its box in pixels",
    "box_w": "width of its box in pixels",
    "box_h": "height of its box in pixels",
    "border_distance": "distance of the box's center to the nearest border between regions; 1 is a side of the photo",
    "image_width": "width of the photo in pixels",
    "image_height": "height of the photo in pixels",
    "region": "the region that the box's center lies in, of nine",
    "cell_row": "row of its cell of 9 x 9, downward from 0",
    "cell_col": "column of its cell, rightward from 0",
    "order": "which of the 18 option orders is used",
    "slot": "place of the answer among the options, from 0",
}
"""What the factors of these sets mean."""


@dataclass(frozen=True)
class CocoSpec:
    """All that decides a data set of photos."""

    annotations: Path
    """COCO's instance annotations, such as instances_val2017.json."""
    images: Path
    """Folder of the photos."""
    split: Literal["test", "train"] = "test"
    """What to make: a test set, or four fifths of the photos to train on and one fifth for validation."""
    subset: int | None = None
    """Keep only this many questions, balanced in region and category as nearly as the photos allow."""
    embed: bool = True
    """Whether photos are copied into the data set; otherwise it keeps their paths."""
    truncate: bool = False
    """Cut boxes to integers before the answer is computed, as the paper's authors do; exact numbers otherwise."""
    seed: int = 0
    """Seed of the option orders, the subset and the hold-out."""


def examples(
    spec: CocoSpec, question: BoxQuestion = ABSOLUTE_POSITION, *, skips: Skips | None = None
) -> dict[str, Iterator[Example]]:
    """Return the examples of each split; photos are opened one by one as they are asked for.

    Examples follow each other by image id, so that a photo with several questions is decoded once. Their images are
    paths. Every photo is decoded before it is used: one that is missing, broken, or not the picture that was annotated
    is skipped with all its questions (see `_problem`).

    Args:
        spec: What to make.
        question: What is asked of each box: any question with nine labels.
        skips: Takes what cannot be used; complete when the iterators have ended.

    Raises:
        DataError: If the annotations cannot be used, hold nothing to ask or less than the subset wanted. The iterators
            raise it if no photo can be used.
    """
    skips = Skips() if skips is None else skips
    targets, _ = _targets(spec, skips)
    return {split: _examples(spec, question, part, skips) for split, part in _parts(spec, targets).items()}


def make(spec: CocoSpec, out: Path, *, progress: bool = False) -> dict[str, Any]:
    """Write a data set of photos.

    Args:
        spec: What to make.
        out: The folder to write; what stood there before is replaced.
        progress: Whether to show a bar on standard error.

    Returns:
        ``questions`` by split, ``skipped`` ({"reason", "count", "names"} each) and, for a subset, the ``balance`` it
        reaches (see `subset.balance`).

    Raises:
        DataError: As `examples` does.
    """
    from ninefold.data.format import dataset
    from ninefold.data.format.card import About
    from ninefold.data.progress import shown
    from ninefold.design import relabeling

    skips = Skips()
    targets, balance = _targets(spec, skips)
    by_split = _parts(spec, targets)
    parts: Mapping[str, Iterable[Example]] = {
        split: _examples(spec, ABSOLUTE_POSITION, part, skips) for split, part in by_split.items()
    }
    if progress:
        parts = shown(parts, {split: len(part) for split, part in by_split.items()})
    about = About(
        title=f"ninefold COCO {spec.split}",
        description=_description(spec, balance),
        spec={
            "kind": "coco",
            "annotations": spec.annotations.name,
            "split": spec.split,
            "subset": spec.subset,
            "truncate": spec.truncate,
            "seed": spec.seed,
            "relabeling": relabeling(spec.seed).tolist(),
        },
        source="coco",
        question="absolute_position",
        labels=ABSOLUTE_POSITION.labels,
        answer_format="labels",
        clustering="group",
        license="other",
        columns=COLUMNS,
        skipped=skips.entries,
    )
    dataset.write(out, parts, about=about, embed=spec.embed)
    return {"questions": dataset.Dataset.open(out).splits, "skipped": skips.entries, "balance": balance}


def _targets(spec: CocoSpec, skips: Skips) -> tuple[list[Instance], dict[str, Any] | None]:
    """Return what to ask about and, for a subset, how balanced it is."""
    if spec.seed < 0:
        raise DataError(f"seed {spec.seed}: seeds are zero or more")
    if not spec.images.is_dir():
        raise DataError(f"{spec.images}: no such folder; name the one that holds the photos, such as val2017")
    targets = read_instances(spec.annotations, skips, truncate=spec.truncate)
    if not targets:
        raise DataError(f"{spec.annotations}: nothing to ask: no photo has exactly one thing of a category")
    return (targets, None) if spec.subset is None else _subset(spec, spec.subset, targets, skips)


def _subset(spec: CocoSpec, size: int, targets: list[Instance], skips: Skips) -> tuple[list[Instance], dict[str, Any]]:
    """Choose a balanced subset among photos that can be used, opening only those that it needs."""
    from ninefold.data.sources.coco.subset import balance, balanced

    sound: set[Photo] = set()
    while True:
        if not 0 < size <= len(targets):
            raise DataError(f"--subset {size}: choose 1 to {len(targets)}, the questions there are")
        chosen = balanced(targets, size, spec.seed)
        new = dict.fromkeys(target.photo for target in chosen if target.photo not in sound)
        broken = {photo for photo in new if not _sound(spec.images, photo, skips)}
        if not broken:
            return chosen, balance(chosen, targets)
        sound.update(photo for photo in new if photo not in broken)
        targets = [target for target in targets if target.photo not in broken]


def _parts(spec: CocoSpec, targets: Sequence[Instance]) -> dict[str, list[Instance]]:
    """Split by photo, since questions about one photo are not independent."""
    if spec.split == "test":
        return {"test": list(targets)}
    from ninefold.seeding import rng

    photos = sorted({target.photo for target in targets})
    if len(photos) < 5:
        raise DataError(f"{spec.annotations}: {len(photos)} photos to ask about; --split train needs at least 5")
    draw = rng(spec.seed, "coco holdout")
    held = {photos[place] for place in draw.permutation(len(photos))[: len(photos) // 5].tolist()}
    return {
        "train": [target for target in targets if target.photo not in held],
        "validation": [target for target in targets if target.photo in held],
    }


def _examples(spec: CocoSpec, question: BoxQuestion, targets: Sequence[Instance], skips: Skips) -> Iterator[Example]:
    from ninefold.design import relabeling, williams

    table = relabeling(spec.seed)[williams(len(question.labels))].tolist()
    orders = _orders(targets, len(table))
    made = 0
    for photo, places in groupby(range(len(targets)), key=lambda place: targets[place].photo):
        if not _sound(spec.images, photo, skips):
            continue
        for place in places:
            options = tuple(question.labels[label] for label in table[orders[place]])
            yield _example(spec, question, targets[place], orders[place], options)
            made += 1
    if not made:
        why = "; ".join(f"{entry['reason']}: {entry['count']}" for entry in skips.entries)
        raise DataError(f"{spec.images}: no photo can be used ({why}); is it the folder of {spec.annotations.name}?")


def _orders(targets: Sequence[Instance], orders: int) -> list[int]:
    """Return each target's option order.

    The orders of a region are dealt out in turn, one category after the other, so that each order, and with it each
    slot of the answer, comes equally often in a region, and as equally as numbers allow in a region and category.
    Regions all begin with the same order: a category then meets an order in many regions, and its text tells less.
    """
    dealt: Counter[str] = Counter()
    chosen = [0] * len(targets)
    for place in sorted(range(len(targets)), key=lambda place: targets[place].category):
        region = label_of_cell(targets[place].cell)
        chosen[place] = dealt[region] % orders
        dealt[region] += 1
    return chosen


def _example(spec: CocoSpec, question: BoxQuestion, target: Instance, order: int, options: tuple[str, ...]) -> Example:
    photo, box = target.photo, target.box
    decisive = truncated(box) if spec.truncate else box
    asked, answer = question.ask_box(target.category, decisive, photo.width, photo.height)
    return Example(
        id=f"{photo.id}-{target.category.replace(' ', '-')}",
        image=spec.images / photo.file_name,
        question=asked,
        prompt=prompt(asked, options),
        options=options,
        answer=answer,
        answer_format=question.answer_format,
        group=str(photo.id),
        factors={
            "image_id": photo.id,
            "file_name": photo.file_name,
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


def _sound(folder: Path, photo: Photo, skips: Skips) -> bool:
    problem = _problem(folder / photo.file_name, photo)
    if problem:
        skips.add(f"photo: {problem}", photo.file_name)
    return not problem


def _problem(path: Path, photo: Photo) -> str:
    """Say why a photo cannot be used, or "".

    Models see pictures with EXIF rotation applied, while a box may have been drawn on either view of them. Where a
    quarter turn is undone, the size that the annotation states tells which view it was; where the size is the same
    either way, nothing tells.
    """
    from ninefold import images

    try:
        if not path.is_file():
            return "missing"
        height, width = images.open_rgb(path).shape[:2]
        turn = images.orientation(path)
    except (DataError, OSError):  # the latter for a file name longer than the system allows
        return "truncated, or not readable as a picture"
    if (width, height) != (photo.width, photo.height):
        return "another size than its annotation states (with EXIF rotation applied)"
    if turn != 1 and (turn < 5 or width == height):
        return "EXIF rotation leaves open which way up its boxes were drawn"
    return ""


def _description(spec: CocoSpec, balance: Mapping[str, Any] | None) -> str:
    numbers = "cut to integers, as the paper's authors do" if spec.truncate else "exactly as written"
    text = (
        "Where in the photo is it? Each question asks for the only thing of its category in a COCO photo: all "
        "annotations of a category are counted, crowds included, and a category with exactly one is kept (Rizzoli et "
        "al. 2025). The answer is the region of nine that holds the center of the thing's box, its numbers "
        f"{numbers}; a center on a border belongs to the region on its right or below it."
    )
    if balance is None:
        return text
    rows = "\n".join(
        f"| {name} | {_span(found['reached'])} | {_span(found['possible']) if 'possible' in found else ''} |"
        for name, found in balance.items()
    )
    return f"""{text}

These {spec.subset:,} questions are chosen to be even in region and category, as nearly as the photos allow:

| questions for each | reached | possible, were nothing else balanced |
| --- | --- | --- |
{rows}"""


def _span(counts: Sequence[int]) -> str:
    return " to ".join(str(count) for count in dict.fromkeys(counts))
