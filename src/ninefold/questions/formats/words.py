"""What counts as a word in a model's text: patterns that every answer format shares."""

import re

# Space of any kind, line breaks, hyphens and dashes, underscores, and the marks that Markdown puts around a word may
# stand between the words of a phrase ("**top** left", "top-left", "top_left").
_BETWEEN_WORDS = r"[\s_*`~\-\u2010-\u2015]+"
NO_LETTER_BEFORE, NO_LETTER_AFTER = r"(?<![^\W_])", r"(?![^\W_])"
"""Edges of a whole word: "centered" does not hold "center", while "_center_" and "center." do."""

CONSUMED = "\0"
"""Takes the place of a phrase that was read; never part of another one."""


def phrase(text: str) -> str:
    """Return the pattern of a phrase of whole words."""
    return NO_LETTER_BEFORE + _BETWEEN_WORDS.join(map(re.escape, text.split())) + NO_LETTER_AFTER
