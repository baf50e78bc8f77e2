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


MARKS = "[\\s_*`~\"'\u201c\u201d\u2018\u2019(\\[]"
"""The pattern of white space or of a mark that may stand around a word, as in ``not **true**``."""

NEGATION = rf"{NO_LETTER_BEFORE}(?:not|never|neither|nor|cannot|\w+n['\u2019]?t){NO_LETTER_AFTER}"
"""The pattern of a word that negates what follows in its clause."""

CLAUSE_ENDS = (
    r"[.;!?\n]|\s[-\u2010-\u2015]+\s|[\u2013\u2014]"
    rf"|{NO_LETTER_BEFORE}(?:but|because|since|although|though|while|whereas|however|therefore|instead){NO_LETTER_AFTER}"
)
"""The pattern of what ends a clause: a negation does not reach beyond it. Most commas do so too."""
