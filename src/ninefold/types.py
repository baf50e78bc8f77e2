"""The frozen types that all rooms share. Nothing else is passed between rooms; add a field before you add a type."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from ninefold.space import GRID, Box, Cell

Factor = str | int | float | bool | None
"""One fact about an example, flat enough to be a column of a table."""

Clustering = Literal["census", "group"]
"""The unit of intervals: the single row in a complete design ("census"), or groups of rows with correlated errors."""

AnswerKind = Literal["label", "empty", "no label", "several labels", "truncated", "refused"]
"""The outcome of reading an answer; all except "label" are invalid, and each kind is counted separately.

"truncated" is a text, or a thought, that the token limit cut off before an answer. "refused" is an example that a
server answered with a refusal or with nothing that is an answer; `Prediction.refused` holds its reason.
"""


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
    """Its cell in the scene's grid."""

    @property
    def look(self) -> str:
        """Color and shape, the name that a question uses; size is not part of it."""
        return f"{self.color} {self.shape}"


@dataclass(frozen=True, slots=True)
class Scene:
    """An image to be drawn: everything that decides its pixels, in integers and names."""

    things: tuple[Thing, ...]
    """Its things, the target of the question first."""
    canvas: int = 672
    """Side of the square image, in pixels."""
    grid: int = GRID
    """Cells along each side."""
    background: str = "black"
    """A name from the vocabulary's table of colors."""
    antialias: bool = False
    """Whether edges are smooth; crisp images contain only the colors of things and background."""


ImageSource = bytes | Path | Scene
"""An image of an example: encoded bytes, the path of a file, or a scene to render."""

NO_IMAGE = b""
"""The image of an example that has none, such as a question about a caption whose image is not at hand."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer read from a model's text."""

    kind: AnswerKind
    """"label", or why no label can be read."""
    label: str | None = None
    """The one label the text holds, where ``kind`` is "label"."""


class AnswerFormat(Protocol):
    """A way to read a model's text, given the options of the example; it never guesses."""

    name: str
    """Its name, which examples hold in ``answer_format``."""

    def read(self, text: str, options: Sequence[str], *, truncated: bool = False) -> Answer:
        """Return the option that a text gives, or why none can be read.

        Args:
            text: The model's text, or a stored true answer. Both are read alike; equal labels mean a right answer.
            options: The answers offered, in the order of the prompt; may be empty.
            truncated: Whether the token limit stopped the text.
        """
        ...


class Question(Protocol):
    """A kind of question: its labels, its answer format, and its text for a scene."""

    name: str
    """Its name in data sets and commands."""
    labels: tuple[str, ...]
    """All possible answers, in canonical order."""
    answer_format: str
    """Name of its answer format."""

    def ask(self, scene: Scene) -> tuple[str, str]:
        """Return the question about a scene's target, and its answer."""
        ...


@runtime_checkable
class BoxQuestion(Question, Protocol):
    """A question that can also be asked of a named bounding box."""

    def ask_box(self, category: str, box: Box, width: int, height: int) -> tuple[str, str]:
        """Return the question about a box in an image of the given size in pixels, and its answer."""
        ...


@dataclass(frozen=True, slots=True)
class Example:
    """An image, a question about it, and the true answer."""

    id: str
    """Unique within its data set, and the same in every run that makes it."""
    image: ImageSource
    """Encoded bytes, the path of a file, or a scene to render; `NO_IMAGE` if there is none."""
    question: str
    """The question alone, e.g. "Where is the red square?"."""
    prompt: str
    """The exact text that a model is given, verbatim."""
    options: tuple[str, ...]
    """The answers offered, in the order the prompt lists them; may be empty."""
    answer: str
    """The true answer, one of the options if there are any."""
    answer_format: str = "labels"
    """Name of the answer format."""
    group: str = ""
    """The unit that splits and intervals keep together: an image id, a block of a design, a benchmark's pair."""
    factors: Mapping[str, Factor] = field(default_factory=dict)
    """The row of the design, or the source's facts; every value becomes a column."""
    turns: tuple[tuple[str, str], ...] = ()
    """Further turns of a conversation about the image, each a prompt and its true answer; only training reads them."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """A model's output for one example."""

    id: str
    """The example's id."""
    text: str
    """The model's exact text."""
    truncated: bool = False
    """Whether the token limit cut it off."""
    scores: tuple[float, ...] | None = None
    """One log-probability per option, if requested."""
    refused: str | None = None
    """The reason why there is no answer to this example, such as a server's content filter."""
