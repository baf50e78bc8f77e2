"""The format of multiple choice: A, B, C ... or the text of an option."""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from string import ascii_uppercase
from typing import NamedTuple

from ninefold.questions.formats.labels import one_of
from ninefold.questions.formats.words import CONSUMED, NO_LETTER_AFTER, NO_LETTER_BEFORE, phrase
from ninefold.types import Answer

_MARKS = r"[\s:*_`~\"'(\[]*"
_ANSWER_IS = re.compile(
    rf"{NO_LETTER_BEFORE}(?:answer|choice)(?:\s+(?:is|would\s+be|must\s+be)|\s*:)(?:\s+option)?{_MARKS}", re.IGNORECASE
)
_OPTION = re.compile(rf"{NO_LETTER_BEFORE}(?:option|choice|choose|select|pick){_MARKS}", re.IGNORECASE)

_BEFORE = rf"{NO_LETTER_BEFORE}(?<![-\u2010-\u2015'\u2019])"
_AFTER = rf"{NO_LETTER_AFTER}(?![-\u2010-\u2015'\u2019]\w)"
"""Patterns around a letter that is a word of its own, unlike those in "A-frame" and "A's"."""

# "A" may be the article and "I" the pronoun: before another word they are read as letters only if that word cannot
# follow an article or a pronoun.
_ARTICLE = r"(?<=[AI])\s+(?!(?:is|because|since|as|and|or|but|for|with|which|that)\b)[^\W_]"
_SENTENCE_ENDS = r"(?=\s*(?:$|[.,;:!?)\]*_`\"']))"


class Letters:
    """One of the options, by its letter or by its text; the label is the option's text."""

    name = "letters"

    def read(self, text: str, options: Sequence[str], *, truncated: bool = False) -> Answer:
        """Read the one option that a text chooses.

        Searched in this order, until something is found: the words after "answer is" or "answer:", the words after
        "option" or "choose", then all letters and option texts in the whole text, the longest first. A letter is a
        single capital as a word of its own, or any letter that is the whole text; the article "A" does not count.

        Args:
            text: The model's text, or a stored true answer.
            options: The texts of the options, A first; without any, the label is the letter itself.
            truncated: Whether the token limit stopped the text.

        Returns:
            The option. Otherwise "empty", "several labels", "truncated" or "no label".
        """
        if not text.strip():
            return Answer("empty")
        if options and all(len(option) == 1 for option in options):
            options = sorted(options)  # letters themselves
        choices = _choices(tuple(options))
        bare = text.strip().strip(".,:;()[]*_`\"'").strip()
        if bare.upper() in choices.by_letter:
            return Answer("label", choices.by_letter[bare.upper()])
        for lead in (_ANSWER_IS, _OPTION):
            stated = {option for match in lead.finditer(text) for option in choices.at(text, match.end())}
            if stated:
                return one_of(sorted(stated), truncated=truncated)
        return one_of(sorted({*choices.anywhere(text)}), truncated=truncated)


class _Choices(NamedTuple):
    """The options of one example with their search patterns."""

    by_letter: dict[str, str]
    """The label by capital letter."""
    letter: re.Pattern[str]
    """A capital as a word of its own."""
    stated: re.Pattern[str]
    """A letter where one is expected: a capital, or a lower-case letter at the end of a sentence."""
    texts: tuple[tuple[str, re.Pattern[str]], ...]
    """Each option with the pattern of its text, the longest first."""

    def at(self, text: str, position: int) -> list[str]:
        """Return the option that begins at a position of a text, in a list; empty if there is none."""
        for option, pattern in self.texts:
            if pattern.match(text, position):
                return [option]
        match = self.stated.match(text, position)
        return [self.by_letter[match[0].upper()]] if match else []

    def anywhere(self, text: str) -> Iterator[str]:
        """Yield every option that a text names, by text or by letter."""
        for option, pattern in self.texts:
            text, count = pattern.subn(CONSUMED, text)
            if count:
                yield option
        for match in self.letter.finditer(text):
            yield self.by_letter[match[0]]


@cache
def _choices(options: tuple[str, ...]) -> _Choices:
    letters = ascii_uppercase[: len(options)] if options else ascii_uppercase
    capital = rf"{_BEFORE}[{letters}]{_AFTER}(?!{_ARTICLE})"
    small = rf"{_BEFORE}[{letters.lower()}]{_AFTER}{_SENTENCE_ENDS}"
    ordered = sorted(options, key=len, reverse=True)
    return _Choices(
        dict(zip(letters, options or letters, strict=True)),
        re.compile(capital),
        re.compile(f"{capital}|{small}"),
        tuple((option, re.compile(_text_pattern(option), re.IGNORECASE)) for option in ordered if len(option) > 1),
    )


def _text_pattern(option: str) -> str:
    """Return the pattern of an option's text; for "left" also "on the left" and "to the left side".

    In these phrases "on" is not the option "on".
    """
    ends = r"(?=\s*(?:$|[.,;:!?)\]*]|(?:hand\s+)?side\b|of\b|half\b|part\b|corner\b|edge\b))"
    return rf"(?:{NO_LETTER_BEFORE}(?:on|to|at|in)\s+the\s+{phrase(option)}{ends}|{phrase(option)})"
