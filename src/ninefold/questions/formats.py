"""From a model's text to a label, or to the reason why none can be read."""

import re
from collections.abc import Sequence
from functools import cache

from ninefold.types import Answer

# What may stand between the two words of a label: space of any kind, line breaks, hyphens and dashes, underscores, and
# the marks that Markdown puts around a word ("**top** left", "top-left", "top_left").
_BETWEEN_WORDS = r"[\s_*`~\-\u2010-\u2015]+"
# A label is made of whole words: "centered" does not hold "center", while "_center_" and "center." do.
_NO_LETTER_BEFORE, _NO_LETTER_AFTER = r"(?<![^\W_])", r"(?![^\W_])"
# Takes the place of a label that was read; never part of another one.
_CONSUMED = "\0"


def read_label(text: str, labels: Sequence[str], *, truncated: bool = False) -> Answer:
    """Read the one label that a text holds.

    A response counts only if it holds exactly one of the labels (Rizzoli et al. 2025, section 3). Labels are searched
    from the longest to the shortest and each one found is taken out of the text, so that "top center" is not also
    "center". Upper and lower case are the same. The reading is literal: words that merely mean a label are none
    ("upper left", "centre"), and "left center" holds the label "center" and nothing else.

    Args:
        text: What the model said, word for word.
        labels: All possible answers.
        truncated: Whether the token limit stopped the text.

    Returns:
        The label, if the text holds one, be it once or several times. Otherwise, in this order: "empty" for nothing but
        white space, "several labels" for two or more different ones, "truncated" for a text that the token limit
        stopped before it came to any, and "no label".
    """
    if not text.strip():
        return Answer("empty")
    found = []
    for label, pattern in _patterns(tuple(labels)):
        text, count = pattern.subn(_CONSUMED, text)
        if count:
            found.append(label)
    match found:
        case [label]:
            return Answer("label", label)
        case []:
            return Answer("truncated" if truncated else "no label")
        case _:
            return Answer("several labels")


@cache
def _patterns(labels: tuple[str, ...]) -> list[tuple[str, re.Pattern[str]]]:
    return [
        (
            label,
            re.compile(
                _NO_LETTER_BEFORE + _BETWEEN_WORDS.join(map(re.escape, label.split())) + _NO_LETTER_AFTER,
                re.IGNORECASE,
            ),
        )
        for label in sorted(labels, key=len, reverse=True)
    ]
