"""Negations in a model's text: the words that negate, and how far they reach."""

import re

from ninefold.questions.formats.words import CONSUMED, NO_LETTER_AFTER, NO_LETTER_BEFORE

MARKS = "[\\s_*`~\"'\u201c\u201d\u2018\u2019(\\[]"
"""The pattern of white space or of a mark that may stand around a word, as in ``not **true**``."""

_SHORT = r"(?:is|are|was|were|do|does|did|has|have|had|ca|could|wo|would|should|must|need|ai)n['\u2019]?t"
JUST_NOT = rf"(?:not|never|cannot|\w{{1,9}}n['\u2019]t|{_SHORT})"
"""The pattern of a word that, right before another one, turns it into its opposite."""

NEGATION = rf"{NO_LETTER_BEFORE}(?:{JUST_NOT}|neither|nor){NO_LETTER_AFTER}"
"""The pattern of a word that negates what follows in its clause."""

_CONJUNCTIONS = "but|because|since|although|though|while|whereas|however|therefore|instead"
CLAUSE_ENDS = rf"[.;!?\n]|\s[-\u2010-\u2015]+\s|[\u2013\u2014]|{NO_LETTER_BEFORE}(?:{_CONJUNCTIONS}){NO_LETTER_AFTER}"
"""The pattern of what ends a clause: a negation does not reach beyond it. Most commas do so too."""

# An aside says nothing itself: it holds neither a verb that may begin another statement nor an answer.
_STATES = (
    rf"is|are|was|were|so|thus|hence|therefore|because|since|but|rather|instead|answer|option|choice|choose|pick|"
    rf"true|false|yes|no|correct|incorrect|(?-i:[A-HJ-Z])|{JUST_NOT}|neither|nor"
)
_WORD = rf"(?!(?:{_STATES}){NO_LETTER_AFTER})[^\W_]+(?:['\u2019-](?!s\b)[^\W_]+)*"
_WORDS = rf"\s*{_WORD}(?:\s+{_WORD}){{0,6}}\s*"
_DASH = r"(?:\s[-\u2010-\u2015]+\s|[\u2013\u2014])"
_SAME_CLAUSE = r"[^.;:!?\n,()\u2013\u2014\0]{0,80}?"
_ASIDE = re.compile(
    rf"{_SAME_CLAUSE}(,{_WORDS},|\({_WORDS}\)|{_DASH}{_WORDS}{_DASH}|[,\n]\s*(?=that\b))", re.IGNORECASE
)
_LEFT_OPEN = re.compile(
    rf"{MARKS}*?([,\n]\s*|{_DASH}\s*){MARKS}*"
    rf"(?=(?:{CONSUMED}|(?i:true|false|yes|no|correct|incorrect){NO_LETTER_AFTER}|[A-HJ-Z]{NO_LETTER_AFTER}))"
)
_NEGATION = re.compile(NEGATION, re.IGNORECASE)


def joined(text: str) -> str:
    """Return a text of the same length in which negations reach over asides.

    Asides after a negation become spaces: "not, I think, true" is "not true". A negation that ends its line or clause
    right before an answer ("It is not / true") may negate it or not; what parts them becomes "=", which ends no clause
    and is not "right before".
    """
    for match in _NEGATION.finditer(text):
        position = match.end()
        while aside := _ASIDE.match(text, position):
            start, position = aside.span(1)
            text = text[:start] + " " * (position - start) + text[position:]
        if parted := _LEFT_OPEN.match(text, match.end()):
            start, end = parted.span(1)
            text = text[:start] + "=" * (end - start) + text[end:]
    return text
