"""The reader of COCO's instance annotations: things that are the only one of their category in a photo."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Any, NamedTuple

from ninefold.data.sources.coco.boxes import OTHER_UNIT, Unit, are_corners, grid_of, read_box
from ninefold.data.sources.coco.entries import Category, Photo, entry_name, read_categories, read_photos
from ninefold.data.sources.coco.ids import Id, id_of, rank
from ninefold.data.sources.coco.reading import EXPECTED, read_lists
from ninefold.data.sources.protocol import Skips
from ninefold.errors import DataError
from ninefold.space import Box, Cell, cell_of_box


@dataclass(frozen=True, slots=True)
class Instance:
    """A thing that a question can name: mostly the only one of its category in its photo."""

    id: str
    """Unique in the file: the photo's id and the category, e.g. "139-dining-table"."""
    photo: Photo
    """Its photo."""
    category: str
    """The raw name of its category, e.g. "dining table"."""
    box: Box
    """Its box in pixels, with the file's exact numbers."""
    cell: Cell
    """The cell of its box's center."""
    instances: int = 1
    """Number of annotations of its category in its photo."""


class _File(NamedTuple):
    """An annotation file, with its photos and categories by id."""

    path: Path
    photos: Mapping[Id, Photo]
    categories: Mapping[Id, Category]
    annotations: Sequence[Any]


class _Thing(NamedTuple):
    """The first annotation of its category in its photo that has a usable box."""

    photo: Photo
    category: Category
    box: Box
    instances: int


def read_instances(
    path: Path,
    skips: Skips,
    *,
    truncate: bool = False,
    unit: Unit = "pixels",
    same: Callable[[str], Hashable] = str,
    several: bool = False,
    shown: dict[str, set[str]] | None = None,
) -> list[Instance]:
    """Read a file of instance annotations and keep the targets by the paper's rule.

    All annotations of a category in a photo are counted, crowds included; a category with exactly one is kept, whatever
    its size (Rizzoli et al. 2025, section 3, and sislab-unitn/Getting-to-the-Point@30271de). A broken annotation is no
    target, but counts as an instance if its photo and category are known: a second person without a box makes "the
    person" as ambiguous as one with a box. A box may extend beyond the edge of its photo, its center may not.

    Args:
        path: A file such as ``instances_val2017.json``.
        skips: Collects broken annotations.
        truncate: Cut the box's numbers to integers before its cell is computed, as the authors' code does.
        unit: Unit of the boxes' numbers.
        same: A function of a file name: a value that is equal for names of the same file.
        several: Keep the first annotation with a usable box of a category that has several, too.
        shown: Collects the categories that each photo has any annotation of, by the photo's id as text.

    Returns:
        The targets, sorted by image id and category id. The image ids are all whole numbers of 64 bits, or all texts.

    Raises:
        DataError: If the file is missing, not JSON, not COCO's instance annotations, uses an id of an image or a
            category twice, has boxes of another form, or leaves nothing to ask.
    """
    lists = read_lists(path)
    rows = lists["annotations"]
    if rows and not any(isinstance(row, dict) and "bbox" in row for row in rows):
        raise DataError(f"{path}: no annotation has a bbox; {EXPECTED}")
    categories = read_categories(path, lists["categories"], skips)
    photos = read_photos(path, lists["images"], skips, same)
    file = _File(path, photos, categories, rows)
    counts, boxes = _counted(file, skips, unit)
    things = [
        _Thing(photos[photo], categories[category], box, counts[photo, category])
        for (photo, category), box in boxes.items()
        if several or counts[photo, category] == 1
    ]
    if not things:
        raise DataError(f"{path}: nothing to ask: {_why_none(counts, file)}{skips.summary()}")
    if shown is not None:
        for photo, category in counts:
            shown.setdefault(str(photo), set()).add(categories[category].name)
    things.sort(key=lambda thing: (rank(thing.photo.id), rank(thing.category.id)))
    if not all(isinstance(thing.photo.id, int) and -(2**63) <= thing.photo.id < 2**63 for thing in things):
        things = [thing._replace(photo=thing.photo._replace(id=str(thing.photo.id))) for thing in things]
    return [
        Instance(name, photo, category.name, box, _cell(box, photo, truncate), instances)
        for name, (photo, category, box, instances) in zip(_names(things), things, strict=True)
    ]


def truncated(box: Box) -> Box:
    """Return a box with its numbers truncated to integers, as in the paper's code."""
    return Box(*map(int, box))


def _counted(file: _File, skips: Skips, unit: Unit) -> tuple[Counter[tuple[Id, Id]], dict[tuple[Id, Id], Box]]:
    """Return the number of annotations of each photo and category, and the first usable box of each that has one.

    Raises:
        DataError: If the boxes have another form than COCO's.
    """
    counts: Counter[tuple[Id, Id]] = Counter()
    problems: Counter[str] = Counter()
    found: dict[tuple[Id, Id], Box] = {}
    seen: set[Id] = set()
    for number, row in enumerate(file.annotations):
        row_id, image_id, category_id = _ids(row)
        photo = file.photos.get(image_id)
        category = file.categories.get(category_id)
        if photo is None:
            problem = "unknown image_id"
        elif category is None:
            problem = "unknown category_id"
        else:
            key = (photo.id, category.id)
            counts[key] += 1
            box = "id used before" if row_id in seen else read_box(row.get("bbox"), photo, unit)
            if isinstance(box, Box):
                problem = ""
                found.setdefault(key, box)
            else:
                problem = box
            problems[problem] += 1
        if problem:
            skips.add(f"annotation: {problem}", entry_name("annotation", row, number))
        if row_id is not None:
            seen.add(row_id)
    other, sound = problems[OTHER_UNIT[unit]], problems[""]
    if other > sound:
        hint = "read them with --boxes fraction" if unit == "pixels" else f"read them without --boxes {unit}"
        raise DataError(f"{file.path}: {other:,} of {other + sound:,} annotations have a {OTHER_UNIT[unit]}; {hint}")
    if unit == "pixels":
        _check_form(file)
    return counts, found


def _check_form(file: _File) -> None:
    """Refuse boxes that are neither in pixels nor fractions, or no left, top, width and height.

    Raises:
        DataError: If they are corners, or on a grid as wide and high as each photo.
    """
    if are_corners(_boxes(file)):
        raise DataError(
            f"{file.path}: its boxes are corners (left, top, right, bottom): read as COCO's left, top, width and "
            "height, many leave their photos; convert them"
        )
    grid = grid_of(_boxes(file))
    if grid:
        hint = "read them with --boxes percent" if grid == 100 else "convert them to pixels, or to fractions"
        raise DataError(
            f"{file.path}: its boxes are on a grid of 0 to {grid:,}, or made for photos of another size: none ends "
            f"beyond {grid:,}, whatever the size of its photo; {hint}"
        )


def _boxes(file: _File) -> Iterator[tuple[object, Photo]]:
    for row in file.annotations:
        photo = file.photos.get(_ids(row)[1])
        if photo is not None:
            yield row.get("bbox"), photo


def _ids(row: object) -> tuple[Id | None, Any, Any]:
    if isinstance(row, dict):
        return id_of(row.get("id")), id_of(row.get("image_id")), id_of(row.get("category_id"))
    return None, None, None


def _why_none(counts: Mapping[tuple[Id, Id], int], file: _File) -> str:
    if not counts:
        return f"none of its {len(file.photos):,} usable images has an annotation of a known category"
    (photo, category), count = max(counts.items(), key=lambda item: item[1])
    example = f"; image {photo}, for one, has {count:,} of {file.categories[category].name!r}" if count > 1 else ""
    return f"no photo has exactly one thing of a category{example}"


def _names(things: list[_Thing]) -> Iterator[str]:
    """Yield the ids of the things; one that is taken, such as that of "stop-sign" by "stop sign", gets a number."""
    taken: set[str] = set()
    for photo, category, *_ in things:
        plain = plain_id(photo.id, category.name)
        name = next(name for name in chain([plain], (f"{plain}~{n}" for n in count(2))) if name not in taken)
        taken.add(name)
        yield name


def plain_id(image_id: Id, category: str) -> str:
    """Return the id of a thing where no other one has it: the photo's id and the category."""
    return f"{image_id}-{category.replace(' ', '-')}"


def _cell(box: Box, photo: Photo, truncate: bool) -> Cell:
    return cell_of_box(truncated(box) if truncate else box, photo.width, photo.height)
