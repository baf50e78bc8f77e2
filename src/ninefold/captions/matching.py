"""Matching: the keywords of the taxonomy in a text.

Words are compared in lower case. A keyword matches whole words that stand together, without punctuation in between. A
word with a hyphen is one word ("built-in" holds no "in"), except for "left" and "right", which tell a position in
compounds too ("upper-left corner", "right-hand side"), and "side-by-side".

All keywords that match count, nested and overlapping ones too: "on the left side of" holds "on", "on the left", "left"
and "left side of". The paper counts so; a keyword of two relations counts in both. Where one has to be chosen, the
order is: more words first, then the one that stands earlier, then the one earlier in the table.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ninefold.captions.taxonomy import KEYWORDS, PLACES, Keyword

_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*|[^\w\s]|_")
"""A word, or a mark, which no keyword goes across."""

_COMPOUND = re.compile(r"(?<![^\W_])[^\W_]+(?:-[^\W_]+)+")
"""A word with hyphens; it is looked for from its first letter alone, so that a long one takes linear time."""

_OPEN = ("left", "right", "side-by-side")
"""What makes the parts of a compound words of their own."""

_MARKS = str.maketrans({chr(code): "|" for code in range(128) if not (chr(code).isalnum() or chr(code).isspace())})
"""Marks of ASCII, each replaced by one of them."""

_PLAIN = str.maketrans({"\N{HYPHEN}": "-", "\N{NON-BREAKING HYPHEN}": "-", "\N{RIGHT SINGLE QUOTATION MARK}": "'"})


@dataclass(frozen=True, slots=True)
class Match:
    """A keyword found in a text."""

    keyword: Keyword
    """The keyword, with its relation."""
    start: int
    """The number of its first word in the text; marks count as words."""
    end: int
    """The number after its last word."""


def words(text: str) -> list[str]:
    """Return the words of a text in lower case, with the marks between them."""
    text = text.lower()
    if text.isascii() and "-" not in text and "'" not in text:
        # The same words as below, several times as fast.
        return text.translate(_MARKS).replace("|", " | ").split()
    if not text.isascii():
        text = text.translate(_PLAIN)
    if "-" in text and any(part in text for part in _OPEN):
        text = _COMPOUND.sub(_opened, text)
    return _WORD.findall(text)


def _opened(found: re.Match[str]) -> str:
    """Return a compound, its parts as words of their own if one of `_OPEN` is among them."""
    compound = found[0]
    return compound.replace("-", " ") if any(f"-{part}-" in f"-{compound}-" for part in _OPEN) else compound


def matches(text: str) -> list[Match]:
    """Return all keywords in a text, nested and overlapping ones too, by position and then by place in the table."""
    return list(_matches(text, _OF_TABLE))


def longest(found: Iterable[Match]) -> list[Match]:
    """Return the matches of which no word belongs to two: each is taken by `order`, if its words are still free."""
    taken: set[int] = set()
    kept: list[Match] = []
    for match in sorted(found, key=order):
        span = range(match.start, match.end)
        if taken.isdisjoint(span):
            taken.update(span)
            kept.append(match)
    return sorted(kept, key=lambda match: match.start)


def order(match: Match) -> tuple[int, int, int]:
    """Return the sort key of a match where one has to be chosen: words, position, place in the table."""
    return match.start - match.end, match.start, match.keyword.place


def has_relation(text: str) -> bool:
    """Whether a text holds any keyword of the taxonomy, or names a place in the picture."""
    return any(_matches(text, _ALL))


def relation_of(question: str, answer: str) -> str:
    """Return the one relation of a question with its answer: that of the first keyword by `order`; "" if there is none.

    Places in the picture count as keywords here ("in the background" is longer than "in"). Where the question asks
    "where", the answer stands before it, since the answer then tells the relation.
    """
    first, second = (answer, question) if question[:5].lower() == "where" else (question, answer)
    found = min(_matches(f"{first} | {second}", _ALL), key=order, default=None)
    return found.keyword.relation if found else ""


_Index = Mapping[str, tuple[tuple[int, list[str], Keyword], ...]]
"""For each first word of keywords: the number of words, the words after the first, and the keyword itself."""


def _matches(text: str, index: _Index) -> Iterator[Match]:
    found = words(text)
    if index.keys().isdisjoint(found):
        return iter(())
    return (
        Match(keyword, start, start + length)
        for start, word in enumerate(found)
        if word in index
        for length, rest, keyword in index[word]
        if length == 1 or found[start + 1 : start + length] == rest
    )


def _index(keywords: Iterable[Keyword]) -> _Index:
    index: dict[str, list[tuple[int, list[str], Keyword]]] = {}
    for keyword in keywords:
        first, *rest = keyword.text.split()
        index.setdefault(first, []).append((1 + len(rest), rest, keyword))
    return {first: tuple(entries) for first, entries in index.items()}


_OF_TABLE, _ALL = _index(KEYWORDS), _index((*KEYWORDS, *PLACES))
