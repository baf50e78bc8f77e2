"""Where is it in the picture? One of nine regions (Rizzoli et al. 2025, section 2)."""

from ninefold.questions.formats import read_label
from ninefold.space import LABELS, Box, cell_of_box, label_of_cell
from ninefold.types import Answer, Scene


class AbsolutePosition:
    """The question for the region of one thing, named by its look or its category."""

    name = "absolute_position"
    labels: tuple[str, ...] = LABELS

    def ask(self, scene: Scene) -> tuple[str, str]:
        """Return e.g. ``("Where is the red square?", "top left")`` for a scene's first thing."""
        target = scene.things[0]
        return self._question(target.look), label_of_cell(target.cell, scene.grid)

    def ask_box(self, category: str, box: Box, width: int, height: int) -> tuple[str, str]:
        """Return e.g. ``("Where is the person?", "center")`` for a box of a ``width`` x ``height`` picture."""
        return self._question(category), label_of_cell(cell_of_box(box, width, height))

    def read(self, text: str, *, truncated: bool = False) -> Answer:
        """Read a model's text; see `read_label`."""
        return read_label(text, self.labels, truncated=truncated)

    @staticmethod
    def _question(name: str) -> str:
        return f"Where is the {name}?"
