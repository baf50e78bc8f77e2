"""Absolute position: the region, one of nine, of a thing (Rizzoli et al. 2025, section 2)."""

from ninefold.space import LABELS, Box, cell_of_box, label_of_cell
from ninefold.types import Scene


class AbsolutePosition:
    """The question for the region of one thing, named by its look or its category."""

    name = "absolute_position"
    labels: tuple[str, ...] = LABELS
    answer_format = "labels"

    def ask(self, scene: Scene) -> tuple[str, str]:
        """Return e.g. ``("Where is the red square?", "top left")`` for a scene's first thing."""
        target = scene.things[0]
        return where_is(target.look), label_of_cell(target.cell, scene.grid)

    def ask_box(self, category: str, box: Box, width: int, height: int) -> tuple[str, str]:
        """Return e.g. ``("Where is the person?", "center")`` for a box of a ``width`` x ``height`` image."""
        return where_is(category), label_of_cell(cell_of_box(box, width, height))


def where_is(name: str) -> str:
    """Return the text of every question about position."""
    return f"Where is the {name}?"
