"""An attribute of the one thing in a scene: its color or its shape (CIVET's "property", sislab-unitn/CIVET@4a3238f)."""

from typing import Literal

from ninefold.scenes.sets import HUES
from ninefold.types import Scene


class Attribute:
    """The question for an attribute; it names neither the thing nor the answer, so the scene must hold one thing."""

    answer_format = "labels"

    def __init__(self, name: Literal["color", "shape"], labels: tuple[str, ...]) -> None:
        self.name: str = name
        self.labels = labels

    def ask(self, scene: Scene) -> tuple[str, str]:
        """Return e.g. ``("What is the color of the object?", "red")`` for a scene's first thing."""
        return f"What is the {self.name} of the object?", getattr(scene.things[0], self.name)


COLOR = Attribute("color", HUES)
SHAPE = Attribute("shape", ("square", "circle", "triangle", "star"))
