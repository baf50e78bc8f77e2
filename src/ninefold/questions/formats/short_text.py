"""The format of short free text: a word, a name or a number, compared after normalization."""

import re
import unicodedata
from collections.abc import Sequence

from ninefold.types import Answer

_LEAD = re.compile(r"^(?:(?:so|thus|therefore)[, ]+)?(?:the )?(?:(?:correct|final|right) )?answer(?: is)?\s*:?\s+")
_ARTICLE = re.compile(r"^(?:a|an|the)\s+")
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n\s*|\u2029")
_EDGES = " \t\n\r.,;:!?\"'`*_()[]{}\u2018\u2019\u201c\u201d"
_NUMBERS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]


class ShortText:
    """A few words of free text; two texts are equal if they are equal after normalization."""

    name = "short_text"

    def read(self, text: str, options: Sequence[str], *, truncated: bool = False) -> Answer:
        """Read a short text (see `normalized`).

        Returns:
            The equal option if there are options, otherwise the normalized text itself. "truncated" for a text cut off
            by the token limit, because its end is unknown.
        """
        normal = normalized(text)
        if not normal:
            return Answer("empty")
        if truncated:
            return Answer("truncated")
        if not options:
            return Answer("label", normal)
        equal = [option for option in options if normalized(option) == normal]
        return Answer("label", equal[0]) if equal else Answer("no label")


def normalized(text: str) -> str:
    """Return the normalized form of a text, for comparison.

    Case, compatibility characters, spacing, punctuation at the ends, a leading article and a leading "The answer is"
    are ignored; number words up to twelve become digits. A blank line joins no words.

    >>> normalized("The answer is: **Two**."), normalized("A  Red car!")
    ('2', 'red car')
    """
    paragraphs = _BLANK_LINE.split(unicodedata.normalize("NFKC", text).casefold())
    plain = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs).strip(_EDGES)
    plain = _LEAD.sub("", plain).strip(_EDGES)
    bare = _ARTICLE.sub("", plain).strip(_EDGES) or plain
    return str(_NUMBERS.index(bare)) if bare in _NUMBERS else bare
