"""Words in a model's text: patterns that all answer formats share."""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple

_MARKUP = r"[*_~`]"
_BLANK = r"[^\S\n\r\v\f\x1c-\x1e\x85\u2028\u2029]"
_LINE_BREAK = r"(?:\r\n|[\n\r\x85\u2028])"
_SPACE = rf"(?:{_BLANK}+(?:{_LINE_BREAK}{_BLANK}*)?|{_LINE_BREAK}{_BLANK}*)"
_HYPHEN = r"[-\u2010-\u2013]"
_BETWEEN_WORDS = rf"(?:{_MARKUP}*(?:{_SPACE}|{_HYPHEN}){_MARKUP}*|{_MARKUP}+)"

_LOOSELY_BETWEEN_WORDS = r"[\s*_~`\u2022\u2010-\u2015-]+"

NO_LETTER_BEFORE, NO_LETTER_AFTER = r"(?<![^\W_])", r"(?![^\W_])"
"""Patterns around a whole word: "centered" does not hold "center", while "_center_" and "center." do."""

CONSUMED = "\0"
"""Replacement of a phrase that was read; never part of another phrase."""


def phrase(text: str) -> str:
    """Return the pattern of a phrase as whole words.

    Its words may be joined by white space with at most one line break ("top left"), or by one hyphen or short dash
    without spaces ("top-left"), or by an underscore ("top_left"), each with Markdown marks around ("**top** left").
    Nothing else joins words: not a blank line, a dash between spaces ("center - right"), a long dash, a comma or
    another mark.
    """
    return NO_LETTER_BEFORE + _BETWEEN_WORDS.join(map(re.escape, text.split())) + NO_LETTER_AFTER


REMEMBERED = 1024
"""Number of lists of options whose patterns are kept: each row of a benchmark may have its own."""


class OptionPattern:
    """The pattern of an option in any case, compiled when a text may hold it: that takes milliseconds."""

    def __init__(self, option: str, pattern: str) -> None:
        """Keep an option's text and its pattern, which matches no text that lacks one of the option's words."""
        self._words = option.lower().split() if option.isascii() else []
        self._pattern = pattern

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """Return the matches in a text, one after another."""
        # Of other letters, some equal an ASCII letter in another case.
        if text.isascii():
            lower = text.lower()
            if not all(word in lower for word in self._words):
                return iter(())
        return self._compiled.finditer(text)

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self._pattern, re.IGNORECASE)


class Found(NamedTuple):
    """A place in a text that holds an option."""

    start: int
    """Its first character."""
    end: int
    """The character after its last one."""
    option: str
    """The option."""


def occurrences(text: str, patterns: Sequence[tuple[str, OptionPattern]]) -> list[Found]:
    """Return every place where a text holds an option, in order.

    A place inside a longer one is left out: "top center" does not also hold "center". Places that overlap in part all
    count: "top center left" holds both "top center" and "center left", and nothing in it prefers either.

    Args:
        text: The text to search.
        patterns: Each option with the pattern of its text.
    """
    found = [Found(*match.span(), option) for option, pattern in patterns for match in pattern.finditer(text)]
    # Sorted by start and then by length, a place lies inside an earlier one if it ends no later.
    kept: list[Found] = []
    for place in sorted(found, key=lambda place: (place.start, -place.end)):
        if not kept or place.end > kept[-1].end:
            kept.append(place)
    return kept


def without(text: str, places: Sequence[Found]) -> str:
    """Return a text of the same length in which `CONSUMED` replaces some places."""
    for start, end, _ in places:
        text = text[:start] + CONSUMED * (end - start) + text[end:]
    return text


@lru_cache(REMEMBERED)
def patterns_of(options: tuple[str, ...]) -> tuple[tuple[str, OptionPattern], ...]:
    """Return each option with the pattern of its text as a phrase."""
    return tuple((option, OptionPattern(option, phrase(option))) for option in options)


@lru_cache(REMEMBERED)
def loose_patterns_of(options: tuple[str, ...]) -> tuple[tuple[str, OptionPattern], ...]:
    """Return each option with its pattern, with any blank lines, dashes and list marks between its words.

    Of "center - right" it is unknown whether "center right" is meant.
    """
    return tuple(
        (
            option,
            OptionPattern(
                option,
                NO_LETTER_BEFORE + _LOOSELY_BETWEEN_WORDS.join(map(re.escape, option.split())) + NO_LETTER_AFTER,
            ),
        )
        for option in options
    )
