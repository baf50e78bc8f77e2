"""Words in a model's text: patterns that all answer formats share."""

import re

# Any white space, line breaks, hyphens and dashes, underscores and Markdown marks may separate the words of a phrase
# ("**top** left", "top-left", "top_left").
_BETWEEN_WORDS = r"[\s_*`~\-\u2010-\u2015]+"
NO_LETTER_BEFORE, NO_LETTER_AFTER = r"(?<![^\W_])", r"(?![^\W_])"
"""Patterns around a whole word: "centered" does not hold "center", while "_center_" and "center." do."""

CONSUMED = "\0"
"""Replacement of a phrase that was read; never part of another phrase."""


def phrase(text: str) -> str:
    """Return the pattern of a phrase as whole words."""
    return NO_LETTER_BEFORE + _BETWEEN_WORDS.join(map(re.escape, text.split())) + NO_LETTER_AFTER
