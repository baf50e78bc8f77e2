"""Facts of a named set: every row is a scene of that set, as its specification says."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ninefold.data.checks.facts import Fact
from ninefold.scenes.sets import SETS
from ninefold.space import Cell, region_of_cell

if TYPE_CHECKING:
    from ninefold.data.sources.synthetic import SyntheticSpec

Things = Sequence[Mapping[str, Any]]


def set_facts(spec: "SyntheticSpec") -> tuple[Fact, ...]:
    """Return the facts of the rows of a specification; they need the columns of `scene_facts.with_scenes`."""
    levels = SETS[spec.split]

    def in_set(things: Things) -> bool:
        return _look(things[0]) in levels.looks and all(thing["size"] in levels.sizes for thing in things)

    def of_family(things: Things) -> bool:
        rivals = levels.rivals(_look(things[0]))
        return all(_look(thing) in rivals for thing in things[1:])

    def placed(things: Things) -> bool:
        target, *others = (region_of_cell(Cell(thing["row"], thing["col"]), spec.grid) for thing in things)
        return spec.placement == "anywhere" or target not in others

    return (
        Fact("the id is made of color, shape, size, row and column",
             ("id", "color", "shape", "size", "cell_row", "cell_col"),
             lambda name, color, shape, size, row, col: name == f"{color}-{shape}-{size}-r{row}c{col}"),
        Fact(f"the thing asked for is one of the {spec.split} set, and all sizes are those of the set", ("things",),
             in_set),
        Fact("distractors are of the family of the thing asked for", ("things",), of_family),
        Fact(f"distractors stand where the placement {spec.placement} allows", ("things",), placed),
        Fact("distractors, canvas and grid are those of the specification", ("distractors", "canvas", "grid"),
             lambda *found: found == (spec.distractors, spec.canvas, spec.grid)),
        Fact("edges are those of the specification", ("drawing",),
             lambda drawing: drawing["antialias"] is spec.antialias),
    )  # fmt: skip


def _look(thing: Mapping[str, Any]) -> tuple[str, str]:
    return thing["color"], thing["shape"]
