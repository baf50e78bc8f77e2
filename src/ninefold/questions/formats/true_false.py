"""The format of statements that are true or false; True/False, Yes/No and Correct/Incorrect mean the same."""

import re
from collections.abc import Sequence

from ninefold.questions.formats.labels import one_of
from ninefold.questions.formats.words import NO_LETTER_AFTER, NO_LETTER_BEFORE
from ninefold.types import Answer

_MEANS = {"true": True, "yes": True, "correct": True, "false": False, "no": False, "incorrect": False}
_OPPOSITE_IN_WORDS = {"true", "correct", "false", "incorrect"}

# "not true" is false and "isn't correct" incorrect; "not necessarily true" and "not no" are neither.
_WORD = re.compile(
    rf"(?P<negated>{NO_LETTER_BEFORE}(?:not|never|neither|\w+n['\u2019]?t|cannot)\s+(?P<between>(?:\w+\s+)?))?"
    rf"{NO_LETTER_BEFORE}(?P<word>true|false|yes|no|incorrect|correct){NO_LETTER_AFTER}",
    re.IGNORECASE,
)
_ASKED_BACK = re.compile(rf"{NO_LETTER_BEFORE}(?:true or false|yes or no|correct or incorrect)\s*[?:.]*", re.IGNORECASE)
_STATED = re.compile(rf"{NO_LETTER_BEFORE}answer(?:\s+is|\s*:)[\s:*_`\"'(]*", re.IGNORECASE)


class TrueFalse:
    """True or false, in any of the three usual word pairs; the label is the word of the options."""

    name = "true_false"

    def read(self, text: str, options: Sequence[str], *, truncated: bool = False) -> Answer:
        """Read true or false from a text.

        A word right after "answer is" or "answer:" has priority over all others. A repetition of "True or False?" is
        ignored, "not true" is false, and other negated words ("not necessarily true") are not read.

        Returns:
            The option of that meaning; "True" or "False" if no options are given. Otherwise "empty", "several labels"
            if both occur, "truncated" or "no label".
        """
        if not text.strip():
            return Answer("empty")
        text = _ASKED_BACK.sub(" ", text)
        stated = {said for match in _STATED.finditer(text) for said in _said(_WORD.match(text, match.end()))}
        found = stated or {said for match in _WORD.finditer(text) for said in _said(match)}
        return one_of(sorted(_wording(options)[said] for said in found), truncated=truncated)


def _said(match: re.Match[str] | None) -> list[bool]:
    if match is None:
        return []
    word = match["word"].lower()
    if not match["negated"]:
        return [_MEANS[word]]
    return [not _MEANS[word]] if word in _OPPOSITE_IN_WORDS and not match["between"] else []


def _wording(options: Sequence[str]) -> dict[bool, str]:
    """Return the option of each truth value."""
    return {True: "True", False: "False"} | {
        _MEANS[option.lower()]: option for option in options if option.lower() in _MEANS
    }
