"""The pair: a question and its answer, with the relation, the two things, and the words of the caption behind them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Frame = Literal["image", "viewer", "part"]
"""What a relation is told from.

"image": the picture, as in "on the left" or "in the background". "viewer": another thing, as the viewer sees both, as
in "left of the lamp" or "on the table". "part": the thing's own part, as in "the left side of the sofa".
"""


@dataclass(frozen=True, slots=True)
class Pair:
    """A question about where something is, and its answer."""

    question: str
    """The question, one line."""
    answer: str
    """The answer, one line."""
    relation: str
    """Name of the relation in the taxonomy (Table 11 of the paper); "" if the pair has none."""
    frame: Frame = "viewer"
    """What the relation is told from."""
    subject: str = ""
    """The thing that is somewhere, in the caption's words; "" if unknown."""
    object: str = ""
    """The thing that it is told from; "" where that is the picture itself, or unknown."""
    span_start: int = 0
    """Where the words that state it begin in the caption's text."""
    span_end: int = 0
    """Where they end; equal to the beginning if unknown."""
    fact: int = 0
    """The number of the fact in its caption; pairs of one fact ask the same thing in several forms."""
    form: str = ""
    """Name of the form of the question, such as "where" or "what"; "" if a language model has written it."""
    of_described: bool = False
    """Whether the subject is the object whose description the caption is."""


@dataclass(frozen=True, slots=True)
class Generated:
    """What an engine makes of one caption."""

    pairs: tuple[Pair, ...] = ()
    """Its pairs, before the checks."""
    is_spatial: bool = True
    """Whether the caption states a spatial relation; without one it is not asked for pairs."""
    failed: str = ""
    """Why there is no usable output, in one line; empty if there is."""
    broken: str = ""
    """What of its output could not be used, in one line; empty if all of it could be, or nothing."""
    raw: str = ""
    """Output that was broken wholly or in part, for inspection; empty if all of it was usable."""
    tokens: Mapping[str, int] | None = None
    """Numbers of tokens that the caption has cost, by "prompt" and "completion"; None without a language model."""
