"""The frozen nouns that flow between rooms. Nothing else is passed around; add a field before you add a type."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from ninefold.space import GRID, Box, Cell

Factor = str | int | float | bool | None
"""One fact about an example, flat enough to be a column of a table."""

Clustering = Literal["census", "group"]
"""What intervals are computed over: every row of a complete design, or a sample whose groups err together."""

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
    """An image to be drawn: everything that decides its pixels, in integers and names."""

    things: tuple[Thing, ...]
    """What stands in it, the target of the question first."""
    canvas: int = 672
    """Side of the square image, in pixels."""
    grid: int = GRID
    """Cells along each side."""
    background: str = "black"
    """A name from the vocabulary's table of colors."""
    antialias: bool = False
    """Whether edges are smooth; crisp images hold no other colors than those of things and background."""


ImageSource = bytes | Path | Scene
"""An image as an example holds it: encoded, the path of a file, or a scene to render."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model's text says, once read."""

    kind: AnswerKind
    """"label", or why no label can be read."""
    label: str | None = None
    """The one label the text holds, where ``kind`` is "label"."""


class AnswerFormat(Protocol):
    """A way to read a model's text, given the options of the example; it never guesses."""

    name: str
    """The word that examples name it by, in their ``answer_format``."""

    def read(self, text: str, options: Sequence[str], *, truncated: bool = False) -> Answer:
        """Return the option that a text gives, or why none can be read.

        Args:
            text: The model's text, or a stored true answer: both are read alike, and equal labels mean a right answer.
            options: The answers offered, in the order of the prompt; may be empty.
            truncated: Whether the token limit stopped the text.
        """
        ...


class Question(Protocol):
    """A kind of question: its labels, the format its answers are read with, and how it is asked of a scene."""

    name: str
    """The word that data sets and commands call it by."""
    labels: tuple[str, ...]
    """All possible answers, in canonical order."""
    answer_format: str
    """Name of the format that answers are read with."""

    def ask(self, scene: Scene) -> tuple[str, str]:
        """Return the question about a scene's target, and its answer."""
        ...


@runtime_checkable
class BoxQuestion(Question, Protocol):
    """A question that can be asked of a named bounding box, too."""

    def ask_box(self, category: str, box: Box, width: int, height: int) -> tuple[str, str]:
        """Return the question about a box in an image of the given size in pixels, and its answer."""
        ...


@dataclass(frozen=True, slots=True)
class Example:
    """An image, a question about it, and the truth."""

    id: str
    """Unique within its data set, and the same in every run that makes it."""
    image: ImageSource
    """An encoded image, the path of one, or a scene to render."""
    question: str
    """The question alone, e.g. "Where is the red square?"."""
    prompt: str
    """The exact text a model is given, used verbatim."""
    options: tuple[str, ...]
    """The answers offered, in the order the prompt lists them; may be empty."""
    answer: str
    """The truth, one of the options where there are any."""
    answer_format: str = "labels"
    """Name of the format that the answer is read with."""
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
