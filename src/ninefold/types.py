"""The frozen nouns that flow between rooms. Nothing else is passed around; add a field before you add a type."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from ninefold.space import GRID, Box, Cell

Factor = str | int | float | bool | None
"""One fact about an example, flat enough to be a column of a table."""

AnswerKind = Literal["label", "empty", "no label", "several labels", "truncated"]
"""What an answer turns out to be; everything but "label" is invalid, and each class is counted apart."""


@dataclass(frozen=True, slots=True)
class Thing:
    """One object of a scene."""

    shape: str
    """A name from the vocabulary's table of shapes."""
    color: str
    """A name from the vocabulary's table of colors."""
    size: str
    """A name from the vocabulary's table of sizes."""
    cell: Cell
    """Where it stands, in the scene's grid."""

    @property
    def look(self) -> str:
        """How a question names it: color and shape; size does not count."""
        return f"{self.color} {self.shape}"


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture to be drawn: everything that decides its pixels, in integers and names."""

    things: tuple[Thing, ...]
    """What stands in it, the target of the question first."""
    canvas: int = 672
    """Side of the square picture, in pixels."""
    grid: int = GRID
    """Cells along each side."""
    background: str = "black"
    """A name from the vocabulary's table of colors."""
    antialias: bool = False
    """Whether edges are smooth; crisp pictures hold no other colors than those of things and background."""


ImageSource = bytes | Path | Scene
"""An image as an example holds it: encoded, the path of a file, or a scene to render."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model's text says, once read."""

    kind: AnswerKind
    """"label", or why no label can be read."""
    label: str | None = None
    """The one label the text holds, where ``kind`` is "label"."""


class Question(Protocol):
    """A kind of question: its labels, how it is asked of a scene or a box, and how an answer is read."""

    name: str
    """The word that data sets and commands call it by; also the answer format stored with every example."""
    labels: tuple[str, ...]
    """All possible answers, in canonical order."""

    def ask(self, scene: Scene) -> tuple[str, str]:
        """Return the question about a scene's target, and its answer."""
        ...

    def ask_box(self, category: str, box: Box, width: int, height: int) -> tuple[str, str]:
        """Return the question about a box of a picture of the given size in pixels, and its answer."""
        ...

    def read(self, text: str, *, truncated: bool = False) -> Answer:
        """Read a model's text; ``truncated`` says that the token limit stopped it."""
        ...


@dataclass(frozen=True, slots=True)
class Example:
    """A picture, a question about it, and the truth."""

    id: str
    """Unique within its data set, and the same in every run that makes it."""
    image: ImageSource
    """An encoded picture, the path of one, or a scene to render."""
    question: str
    """The question alone, e.g. "Where is the red square?"."""
    prompt: str
    """The exact text a model is given, used verbatim."""
    options: tuple[str, ...]
    """The answers offered, in the order the prompt lists them; may be empty."""
    answer: str
    """The truth, one of the options where there are any."""
    answer_format: str = "absolute_position"
    """The name of the question whose ``read`` understands the answer."""
    group: str = ""
    """What must stay together in splits and intervals: an image id, a block of a design, a benchmark's pair."""
    factors: Mapping[str, Factor] = field(default_factory=dict)
    """The row of the design, or the source's facts; every value becomes a column."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model said of one example."""

    id: str
    """The example's id."""
    text: str
    """The model's exact text."""
    truncated: bool = False
    """Whether the token limit stopped it."""
    scores: tuple[float, ...] | None = None
    """One log-probability per option, where the model was asked for them."""
