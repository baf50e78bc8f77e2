"""The format of answers from a fixed list: the one label that a text holds, searched from the longest."""

import re
from collections.abc import Sequence
from functools import cache

from ninefold.questions.formats.words import CONSUMED, phrase
from ninefold.types import Answer


class Labels:
    """Exactly one of the options, word for word, anywhere in the text."""

    name = "labels"

    def read(self, text: str, options: Sequence[str], *, truncated: bool = False) -> Answer:
        """Read the one option that a text holds.

        A response counts only if it holds exactly one of the options (Rizzoli et al. 2025, section 3). Options are
        searched from the longest to the shortest, and each one found is removed from the text: "top center" is not
        also "center". Case is ignored. The reading is literal: synonyms of an option do not count ("upper left",
        "centre"), and "left center" holds the option "center" and nothing else.

        Args:
            text: The model's exact text.
            options: All possible answers.
            truncated: Whether the token limit stopped the text.

        Returns:
            The option, if the text holds just one, once or several times. Otherwise, in this order: "empty" for
            nothing but white space, "several labels" for two or more different ones, "truncated" for a text that the
            token limit cut off before any label, and "no label".
        """
        if not text.strip():
            return Answer("empty")
        found = []
        for option, pattern in _patterns(tuple(options)):
            text, count = pattern.subn(CONSUMED, text)
            if count:
                found.append(option)
        return one_of(found, truncated=truncated)


def one_of(found: Sequence[str], *, truncated: bool) -> Answer:
    """Return the answer of a non-empty text from the distinct labels found in it."""
    match found:
        case [label]:
            return Answer("label", label)
        case []:
            return Answer("truncated" if truncated else "no label")
        case _:
            return Answer("several labels")


@cache
def _patterns(options: tuple[str, ...]) -> list[tuple[str, re.Pattern[str]]]:
    return [(option, re.compile(phrase(option), re.IGNORECASE)) for option in sorted(options, key=len, reverse=True)]
