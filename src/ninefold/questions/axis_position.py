"""Position along one axis: the third of the image's width, or height, that holds a thing.

Wording and labels are CIVET's (sislab-unitn/CIVET@4a3238f).
"""

from typing import Literal

from ninefold.questions.absolute_position import where_is
from ninefold.space import REGIONS, Box, Cell, cell_of_box
from ninefold.types import Scene


class AxisPosition:
    """The question for the third that holds one thing, along one axis."""

    answer_format = "labels"

    def __init__(self, name: str, axis: Literal["row", "col"], labels: tuple[str, str, str]) -> None:
        self.name = name
        self.labels: tuple[str, ...] = labels
        self._axis = axis

    def ask(self, scene: Scene) -> tuple[str, str]:
        """Return e.g. ``("Where is the red square?", "left")`` for a scene's first thing."""
        target = scene.things[0]
        return where_is(target.look), self._label(target.cell, scene.grid)

    def ask_box(self, category: str, box: Box, width: int, height: int) -> tuple[str, str]:
        """Return e.g. ``("Where is the person?", "center")`` for a box of a ``width`` x ``height`` image."""
        return where_is(category), self._label(cell_of_box(box, width, height, REGIONS), REGIONS)

    def _label(self, cell: Cell, grid: int) -> str:
        index: int = getattr(cell, self._axis)
        return self.labels[index * REGIONS // grid]


HORIZONTAL = AxisPosition("horizontal_position", "col", ("left", "center", "right"))
VERTICAL = AxisPosition("vertical_position", "row", ("top", "center", "bottom"))
