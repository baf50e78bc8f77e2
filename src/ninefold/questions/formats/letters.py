"""The format of multiple choice: A, B, C ... or the text of an option."""

import re
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from operator import attrgetter
from string import ascii_uppercase
from typing import NamedTuple

from ninefold.questions.formats.denied import without_denied
from ninefold.questions.formats.labels import one_of
from ninefold.questions.formats.words import (
    NO_LETTER_AFTER,
    NO_LETTER_BEFORE,
    REMEMBERED,
    Found,
    OptionPattern,
    occurrences,
    phrase,
    without,
)
from ninefold.types import Answer

_MARKS = r"[\s:*_`~\"'(\[]*"
_ANSWER_IS = re.compile(
    rf"{NO_LETTER_BEFORE}(?:answer|choice)(?:\s+(?:is|would\s+be|must\s+be)|\s*:)(?:\s+option)?{_MARKS}", re.IGNORECASE
)
_OPTION = re.compile(rf"{NO_LETTER_BEFORE}(?:option|choice|choose|select|pick){_MARKS}", re.IGNORECASE)
_OR = re.compile(
    rf"[\s*_`~\"')\].]*(?:,?\s*{NO_LETTER_BEFORE}(?:or|and|and/or){NO_LETTER_AFTER}|[/&])\s*"
    rf"(?:(?:maybe|perhaps|possibly|even|also|either|option|choice)\s+)*{_MARKS}",
    re.IGNORECASE,
)
_COMMA = re.compile(rf"[\s*_`~\"')\]]*,{_MARKS}")

_BEFORE = rf"{NO_LETTER_BEFORE}(?<![-\u2010-\u2015'\u2019])"
_AFTER = rf"{NO_LETTER_AFTER}(?![-\u2010-\u2015'\u2019]\w)"
"""Patterns around a letter that is a word of its own, unlike those in "A-frame" and "A's"."""

# "A" may be the article and "I" the pronoun: before another word they are read as letters only if that word cannot
# follow an article or a pronoun.
_ARTICLE = r"(?<=[AI])\s+(?!(?:is|because|since|as|and|or|but|for|with|which|that)\b)[^\W_]"
_SENTENCE_ENDS = r"(?=\s*(?:$|[.,;:!?)\]*_`\"']))"

# A letter after any other word may be part of a name, as in "vitamin A".
_LEADS = """
is are be was were s say says guess think believe with or and nor so then therefore thus hence probably likely
definitely clearly certainly maybe perhaps possibly answer choice option options choose choosing chose select
selecting selected pick picking picked letter letters label correct by for to than either only just as between
of that means yes no both because if
"""
_LONGEST_WORD = 40
_WORD_BEFORE = re.compile(r"(\w+)[\s*_`~\"'(\[]*$")


class Letters:
    """One of the options, by its letter or by its text; the label is the option's text."""

    name = "letters"

    def read(self, text: str, options: Sequence[str], *, truncated: bool = False) -> Answer:
        """Read the one option that a text chooses.

        Searched in this order, until something is found: the words after "answer is" or "answer:", the words after
        "option" or "choose", then all letters and option texts in the whole text. An option's text inside a longer
        one is not found; where two overlap in part, both are. A letter is a single capital as a word of its own, or
        any letter that is the whole text; neither the article "A" nor the letter of a name ("vitamin A") counts.
        Clauses that deny an option ("it is not B", "A is wrong") are not read.

        Args:
            text: The model's text, or a stored true answer.
            options: The texts of the options, A first, of which 26 have letters; without any, the label is the letter
                itself. Options that are the first letters themselves are chosen by name, in whatever order.
            truncated: Whether the token limit stopped the text.

        Returns:
            The option. Otherwise "empty", "several labels", "truncated" or "no label".
        """
        if not text.strip():
            return Answer("empty")
        choices = _choices(_by_letter(options))
        named = choices.named(text) or choices.whole(text)
        if named:
            return one_of(sorted(named), truncated=truncated)
        text = without_denied(text, tuple(options))
        places = occurrences(text, choices.texts)
        for lead in (_ANSWER_IS, _OPTION):
            stated = {option for match in lead.finditer(text) for option in choices.at(text, match.end(), places)}
            if stated:
                return one_of(sorted(stated), truncated=truncated)
        return one_of(sorted(choices.anywhere(text, places)), truncated=truncated)


def _by_letter(options: Sequence[str]) -> tuple[str, ...]:
    """Return the options in the order of their letters: as offered, unless they are the letters themselves."""
    letters = {option.upper() for option in options} == set(ascii_uppercase[: len(options)])
    return tuple(sorted(options, key=str.upper) if letters else options)


class _Choices(NamedTuple):
    """The options of one example with their search patterns."""

    by_letter: dict[str, str]
    """The label by capital letter."""
    letter: re.Pattern[str]
    """A capital as a word of its own."""
    stated: re.Pattern[str]
    """A letter where one is expected: a capital, or a lower-case letter at the end of a sentence."""
    texts: tuple[tuple[str, OptionPattern], ...]
    """Each option with the pattern of its text."""

    def named(self, text: str) -> set[str]:
        """Return the options of which a text is the letter, or the one character; two if it can be either."""
        bare = text.strip().strip(".,:;()[]*_`\"'").strip()
        found = {self.by_letter[bare.upper()]} if bare.upper() in self.by_letter else set()
        return found | {option for option, _ in self.texts if len(option) == 1 and option in {bare, text.strip()}}

    def whole(self, text: str) -> set[str]:
        """Return the option that is a text, word for word; none if another one is part of it, or leads to an option.

        Patterns would find the same, and compiling them takes most of the time where each row has its own options.
        """
        same = {option for option, _ in self.texts if option.casefold() == text.casefold()}
        if len(same) != 1 or len(text) == 1 or not text.isascii() or text != " ".join(text.split()):
            return set()
        words = _words_of(text)
        others = (option for option, _ in self.texts if option not in same)
        if any(_words_of(other) in words for other in others) or _ANSWER_IS.search(text) or _OPTION.search(text):
            return set()
        return same

    def at(self, text: str, position: int, places: Sequence[Found]) -> set[str]:
        """Return the option that begins at a position of a text, with those that "or" or "and" adds to it."""
        found: set[str] = set()
        for _ in range(len(text)):
            options, end = self._first(text, position, places)
            if not options:
                break
            found |= options
            more = _OR.match(text, end)
            comma = None if more else _COMMA.match(text, end)
            if comma and self.letter.match(text, comma.end()):
                more = comma
            if more is None:
                break
            position = more.end()
        return found

    def _first(self, text: str, position: int, places: Sequence[Found]) -> tuple[set[str], int]:
        """Return the option at a position, or several that overlap from there, and where they end."""
        options: set[str] = set()
        end = position
        for place in places[bisect_left(places, position, key=attrgetter("start")) :]:
            if place.start != position and not (options and place.start < end):
                break
            options.add(place.option)
            end = max(end, place.end)
        match = None if options else self.stated.match(text, position)
        return ({self.by_letter[match[0].upper()]}, match.end()) if match else (options, end)

    def anywhere(self, text: str, places: Sequence[Found]) -> set[str]:
        """Return every option that a text names, by text or by letter; none if it may be that no letter is one."""
        named = {place.option for place in places}
        perhaps: set[str] = set()
        text = without(text, places)
        for match in self.letter.finditer(text):
            before = _WORD_BEFORE.search(text, max(0, match.start() - _LONGEST_WORD), match.start())
            clear = before is None or before[1].lower() in _LEADS.split() or before[1] in self.by_letter
            (named if clear else perhaps).add(self.by_letter[match[0]])
        return named | perhaps if named else set()


@lru_cache(REMEMBERED)
def _choices(options: tuple[str, ...]) -> _Choices:
    letters = ascii_uppercase[: len(options)] if options else ascii_uppercase
    capital = rf"{_BEFORE}[{letters}]{_AFTER}(?!{_ARTICLE})"
    small = rf"{_BEFORE}[{letters.lower()}]{_AFTER}{_SENTENCE_ENDS}"
    are_letters = {option.upper() for option in options} == set(letters)
    return _Choices(
        dict(zip(letters, options or letters, strict=False)),
        re.compile(capital),
        re.compile(f"{capital}|{small}"),
        () if are_letters else tuple((option, _text_pattern(option)) for option in options),
    )


def _words_of(text: str) -> str:
    return re.sub(r"[\W_]+", " ", text.casefold()).strip()


def _text_pattern(option: str) -> OptionPattern:
    """Return the pattern of an option's text; for "left" also "on the left" and "to the left side".

    In these phrases "on" is not the option "on". An option of one letter is read like a letter, as a capital.
    """
    if len(option) == 1 and option.isalpha():
        return OptionPattern(option, rf"(?-i:{_BEFORE}{option.upper()}{_AFTER}(?!{_ARTICLE}))")
    ends = r"(?=\s*(?:$|[.,;:!?)\]*]|(?:hand\s+)?side\b|of\b|half\b|part\b|corner\b|edge\b))"
    text = phrase(option)
    if option[:1].isdigit():  # "7" is not in "3.7"
        text = rf"(?<!\d[.,]){text}"
    if option[-1:].isdigit():
        text = rf"{text}(?![.,]\d)"
    return OptionPattern(option, rf"(?:{NO_LETTER_BEFORE}(?:on|to|at|in)\s+the\s+{text}{ends}|{text})")
