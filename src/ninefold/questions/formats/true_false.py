"""The format of statements that are true or false; True/False, Yes/No and Correct/Incorrect mean the same."""

import re
from collections.abc import Iterator, Sequence

from ninefold.questions.formats.labels import one_of
from ninefold.questions.formats.negation import CLAUSE_ENDS, JUST_NOT, MARKS, NEGATION, joined
from ninefold.questions.formats.words import NO_LETTER_AFTER, NO_LETTER_BEFORE
from ninefold.types import Answer

_MEANS = {"true": True, "yes": True, "correct": True, "false": False, "no": False, "incorrect": False}
_OPPOSITE_IN_WORDS = {"true", "correct", "false", "incorrect"}

_WORD = re.compile(
    rf"{NO_LETTER_BEFORE}(?:true|false|yes|no|incorrect|correct){NO_LETTER_AFTER}"
    # "true is not the answer" says nothing of the statement.
    rf"(?!{MARKS}*(?:is|was|would|does|do|can|could)?{MARKS}*(?:{NEGATION}|not{NO_LETTER_AFTER}))"
    # "the correct answer" may be any.
    rf"(?!{MARKS}+(?:answers?|options?|choices?|responses?|repl(?:y|ies)|labels?|letters?|solutions?){NO_LETTER_AFTER})",
    re.IGNORECASE,
)
_ASKED_BACK = re.compile(rf"{NO_LETTER_BEFORE}(?:true or false|yes or no|correct or incorrect)\s*[?:.]*", re.IGNORECASE)
_STATED = re.compile(rf"{NO_LETTER_BEFORE}answer(?:\s+is|\s*:){MARKS}*$", re.IGNORECASE)
_CLAUSE_ENDS = re.compile(f"{CLAUSE_ENDS}|,", re.IGNORECASE)

# "not true" is false and "isn't correct" incorrect; "not necessarily true", "hardly true" and "not no" are neither.
_WEAKENED = re.compile(
    rf"{NEGATION}|{NO_LETTER_BEFORE}(?:no|hardly|barely|scarcely|rarely|seldom|without|unlikely|doubt|doubtful|less)"
    rf"{NO_LETTER_AFTER}|{NO_LETTER_BEFORE}far{MARKS}+from{NO_LETTER_AFTER}",
    re.IGNORECASE,
)
_JUST_BEFORE = re.compile(rf"{NO_LETTER_BEFORE}{JUST_NOT}{MARKS}+$", re.IGNORECASE)

# "No" is an answer if it is the whole clause, not in "no idea" and "there is no car".
_BEFORE_NO = re.compile(rf"(?:^|[:)\]]|{NO_LETTER_BEFORE}(?:and|or|so|thus|is)\s){MARKS}*$", re.IGNORECASE)
_AFTER_NO = re.compile(r"[\s_*`~\"'\u2019\u201d)\]:]*(?:$|(?:and|or)\s)", re.IGNORECASE)


class TrueFalse:
    """True or false, in any of the three usual word pairs; the label is the word of the options."""

    name = "true_false"

    def read(self, text: str, options: Sequence[str], *, truncated: bool = False) -> Answer:
        """Read true or false from a text.

        A word right after "answer is" or "answer:" has priority over all others. A repetition of "True or False?" is
        ignored, "not true" is false, and words that are negated in another way ("not necessarily true", "I do not think
        it is true") are not read. A negation reaches over asides: "not, I think, true" is false. "No" counts only as a
        whole clause.

        Returns:
            The option of that meaning; "True" or "False" if no options are given. Otherwise "empty", "several labels"
            if both occur, "truncated" or "no label".
        """
        if not text.strip():
            return Answer("empty")
        said = [word for clause in _CLAUSE_ENDS.split(joined(_ASKED_BACK.sub(" ", text))) for word in _said(clause)]
        stated = {meaning for meaning, is_stated in said if is_stated}
        found = stated or {meaning for meaning, _ in said}
        return one_of(sorted(_wording(options)[meaning] for meaning in found), truncated=truncated)


def _said(clause: str) -> Iterator[tuple[bool, bool]]:
    """Yield, for each word of a clause that can be read, what it says and whether "the answer is" leads to it."""
    for match in _WORD.finditer(clause):
        word, before = match[0].lower(), clause[: match.start()]
        if word == "no" and not (_BEFORE_NO.search(before) and _AFTER_NO.match(clause, match.end())):
            continue
        negation = _JUST_BEFORE.search(before)
        lead = before[: negation.start()] if negation else before
        if _is_weakened(lead) or (negation and word not in _OPPOSITE_IN_WORDS):
            continue
        yield _MEANS[word] is not bool(negation), bool(_STATED.search(lead))


def _is_weakened(lead: str) -> bool:
    """Return whether a word in a clause's beginning denies, or puts in doubt, what follows it."""
    return any(match[0].lower() != "no" or not _AFTER_NO.match(lead, match.end()) for match in _WEAKENED.finditer(lead))


def _wording(options: Sequence[str]) -> dict[bool, str]:
    """Return the option of each truth value."""
    return {True: "True", False: "False"} | {
        _MEANS[option.lower()]: option for option in options if option.lower() in _MEANS
    }
