"""The pages of a review as HTML: the one to judge pairs on, and the summary."""

from dataclasses import dataclass

from ninefold.captions.review.rates import ANY, MEASURES, PAPER
from ninefold.captions.review.review import Review
from ninefold.captions.review.text import coefficient, worded
from ninefold.captions.review.verdicts import CHOICES, LONGEST_NOTE
from ninefold.web.page import render


@dataclass(frozen=True, slots=True)
class Choice:
    """A verdict on the page."""

    verdict: str
    """The verdict."""
    number: int
    """The number that is its first key."""
    letter: str
    """The letter that is its second key."""
    meaning: str
    """When it is the one to choose."""


_MEANINGS = (
    ("r", "The question is clear, and its answer is true of the image; without an image, of the caption."),
    ("w", "The things are there, but not placed so, or it is told from another side than the question says."),
    ("o", "A thing is not there, or it is another thing or another one of its kind."),
    ("n", "The question does not ask where something is, or is no question that makes sense."),
    ("s", "You cannot tell. A skipped pair counts neither as right nor as wrong."),
)

JUDGED = tuple(
    Choice(verdict, number, *told) for number, (verdict, told) in enumerate(zip(CHOICES, _MEANINGS, strict=True), 1)
)
"""The verdicts, their keys and meanings."""


def judging(review: Review) -> str:
    """Return the page to judge pairs on; its script asks for everything that depends on the judge."""
    return render(
        __package__,
        "review.html.j2",
        styles=("review.css",),
        scripts=("review.js",),
        name=review.data.name,
        pairs=len(review),
        judges=review.judges(),
        choices=JUDGED,
        longest_note=LONGEST_NOTE,
    )


def summary(review: Review, token: str) -> str:
    """Return the page of rates, agreement and faults.

    Args:
        review: The review.
        token: The token of the link, for links to the other pages.
    """
    return render(
        __package__,
        "summary.html.j2",
        filters={"worded": worded, "coefficient": coefficient},
        styles=("review.css",),
        scripts=(),
        name=review.data.name,
        token=token,
        found=review.summary(),
        faults=review.faults(),
        any=ANY,
        measures=MEASURES,
        paper=PAPER,
        choices=JUDGED,
    )
