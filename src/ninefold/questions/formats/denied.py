"""Clauses of a model's text that deny an option, such as "it is not B"."""

import re

from ninefold.questions.formats.negation import CLAUSE_ENDS, NEGATION, joined
from ninefold.questions.formats.words import (
    CONSUMED,
    NO_LETTER_AFTER,
    NO_LETTER_BEFORE,
    occurrences,
    patterns_of,
    without,
)

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
    longer = tuple(option for option in options if len(option) > 1)
    plain = joined(without(text, occurrences(text, patterns_of(longer))))
    kept, start = [], 0
    for end in [*(match.end() for match in _END.finditer(plain)), len(plain)]:
        kept.append(" " if _DENIAL.search(plain, start, end) else text[start:end])
        start = end
    return "".join(kept)
