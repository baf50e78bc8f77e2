"""Labelled boxes of an image, on a grid of 0..999, with damaged coordinates repaired where only one repair is possible.

Two forms are read. ``normalized_coords`` (IIW-400, google/imageinwords): y_min, x_min, y_max, x_max on 0..999, as
numbers or strings of digits. ``box`` with ``image_size`` (the form of COCO): x, y, width, height, and the image's width
and height, all in pixels.

In the published file of IIW-400, y_max has lost its trailing zeros in 94 of 1,899 boxes, so that it is below y_min: ten
or a hundred times the value is right. Where y_max is below 100 but not below y_min, a zero may be lost or not: such a
box is ambiguous.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal

GRID = 999
"""Largest coordinate."""

Axis = Literal["x", "y"]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in the image; x grows to the right and y downwards, both from 0 to 999."""

    x_min: float
    """Left edge."""
    y_min: float
    """Upper edge."""
    x_max: float
    """Right edge."""
    y_max: float
    """Lower edge."""
    repaired: bool = False
    """Whether the lower edge had lost trailing zeros, which are put back."""
    ambiguous: bool = False
    """Whether the lower edge may be another one: nothing vertical can be decided by this box."""

    def range(self, axis: Axis) -> tuple[float, float]:
        """Return its smallest and its largest coordinate on an axis."""
        return (self.x_min, self.x_max) if axis == "x" else (self.y_min, self.y_max)

    def center(self, axis: Axis) -> float:
        """Return the coordinate of its center on an axis."""
        return sum(self.range(axis)) / 2

    def length(self, axis: Axis) -> float:
        """Return its extent on an axis."""
        low, high = self.range(axis)
        return high - low

    def share_in(self, other: "Box") -> float:
        """Return the share of its area that lies in another box, from 0 to 1."""
        sides = [min(self.range(a)[1], other.range(a)[1]) - max(self.range(a)[0], other.range(a)[0]) for a in AXES]
        return max(0.0, sides[0]) * max(0.0, sides[1]) / (self.length("x") * self.length("y"))

    def gap(self, other: "Box", axis: Axis) -> float:
        """Return the distance of two boxes on an axis; 0 where they overlap."""
        return max(0.0, max(self.range(axis)[0], other.range(axis)[0]) - min(self.range(axis)[1], other.range(axis)[1]))


AXES: tuple[Axis, Axis] = ("x", "y")


@dataclass(frozen=True, slots=True)
class Labelled:
    """An object of an image, as a person has labelled it."""

    index: int
    """Its place in the list of the image's objects, from 0."""
    label: str
    """Its class in one to a few words."""
    description: str = ""
    """A sentence about it; "" if there is none."""
    box: Box | None = None
    """Where it is; None if it has no usable box."""


def labelled(objects: object) -> Iterator[Labelled]:
    """Yield the objects of a row's field ``objects``, in order; what is no object of a label yields one without box."""
    for index, value in enumerate(objects if isinstance(objects, Sequence) and not isinstance(objects, str) else ()):
        row = value if isinstance(value, Mapping) else {}
        label, description = (text if isinstance(text := row.get(key), str) else "" for key in ("label", "description"))
        yield Labelled(index, label, description, box_of(row))


def box_of(row: Mapping[str, Any]) -> Box | None:
    """Return the box of one object; None if it has none, or its coordinates are malformed beyond repair."""
    corners = _numbers(row.get("normalized_coords"), 4)
    if corners is not None:
        return _mended(*corners)
    sides, size = _numbers(row.get("box"), 4), _numbers(row.get("image_size"), 2)
    if sides is None or size is None or min(*size, *sides[2:]) <= 0:
        return None
    (x, y, width, height), (across, down) = sides, size
    wide, high = GRID / across, GRID / down
    return _inside(Box(x * wide, y * high, (x + width) * wide, (y + height) * high))


def _mended(y_min: float, x_min: float, y_max: float, x_max: float) -> Box | None:
    """Return a box, with the zeros put back that its lower edge has lost."""
    possible = [value for value in (y_max, 10 * y_max, 100 * y_max) if y_min < value <= GRID and value > 0]
    if y_max >= 100:
        # A number of three digits has lost none.
        possible = possible[:1] if y_min < y_max <= GRID else []
    if not possible:
        return None
    return _inside(Box(x_min, y_min, x_max, possible[0], possible[0] != y_max, len(possible) > 1))


def _inside(box: Box) -> Box | None:
    """Return a box that has an extent and lies in the image; rounding may move an edge by one step."""
    ranges = [box.range(axis) for axis in AXES]
    return box if all(-1 <= low < high <= GRID + 1 for low, high in ranges) else None


def _numbers(value: object, count: int) -> list[float] | None:
    """Return a list of so many finite numbers, given as numbers or as strings; None if it is anything else."""
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != count:
        return None
    try:
        numbers = [float(number) for number in value if not isinstance(number, bool)]
    except (TypeError, ValueError, OverflowError):
        return None
    return numbers if len(numbers) == count and all(map(isfinite, numbers)) else None
