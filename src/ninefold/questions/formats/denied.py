"""Clauses of a model's text that deny an option, such as "it is not B"."""

import re
from functools import cache

from ninefold.questions.formats.words import CLAUSE_ENDS, CONSUMED, NEGATION, NO_LETTER_AFTER, NO_LETTER_BEFORE, phrase

_DENIAL = re.compile(
    rf"{NEGATION}|{NO_LETTER_BEFORE}(?:wrong|incorrect|false|except|excluded|eliminated|unlikely|rather than|"
    rf"instead of|avoid|exclude|eliminate|reject|rule out|rules out|ruled out){NO_LETTER_AFTER}",
    re.IGNORECASE,
)
# In "not A, B or C" the comma ends nothing.
_COMMA = rf",(?!\s*(?:(?:or|nor|and)\s+)?(?:{CONSUMED}|[A-Za-z]{NO_LETTER_AFTER}))"
_END = re.compile(
    rf"{CLAUSE_ENDS}|{_COMMA}|{NO_LETTER_BEFORE}(?:and\s+(?=not\b)|(?=rather than\b|instead of\b))", re.IGNORECASE
)


def without_denied(text: str, options: tuple[str, ...]) -> str:
    """Return a text without its clauses that deny something; the words of the options themselves deny nothing."""
    plain = text
    for pattern in _patterns(options):
        plain = pattern.sub(lambda match: CONSUMED * len(match[0]), plain)
    kept, start = [], 0
    for end in [*(match.end() for match in _END.finditer(plain)), len(plain)]:
        kept.append(" " if _DENIAL.search(plain, start, end) else text[start:end])
        start = end
    return "".join(kept)


@cache
def _patterns(options: tuple[str, ...]) -> list[re.Pattern[str]]:
    ordered = sorted(options, key=len, reverse=True)
    return [re.compile(phrase(option), re.IGNORECASE) for option in ordered if len(option) > 1]
