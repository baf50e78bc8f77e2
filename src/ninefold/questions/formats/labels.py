"""The format of answers from a fixed list: the one label that a text holds."""

from collections.abc import Sequence

from ninefold.questions.formats.words import loose_patterns_of, occurrences, patterns_of
from ninefold.types import Answer

_DASHES = " \t\r\n-\u2010\u2011\u2012\u2013\u2014\u2015"


class Labels:
    """Exactly one of the options, word for word, anywhere in the text."""

    name = "labels"

    def read(self, text: str, options: Sequence[str], *, truncated: bool = False) -> Answer:
        """Read the one option that a text holds.

        A response counts only if it holds exactly one of the options (Rizzoli et al. 2025, section 3). An option inside
        a longer one is not found: "top center" is not also "center". Where two options overlap in part, as in "top
        center left", both are found, and neither is chosen. Case is ignored. White space with at most one line break,
        one hyphen or short dash without spaces, an underscore and Markdown marks join the words of an option (see
        `words.phrase`). Blank lines, long dashes, dashes with spaces and list marks neither join nor part them: "center
        - right" holds no label. Commas, full stops, all other marks and words part them: "center. Right of it" holds
        "center". The reading is literal: synonyms of an option do not count ("upper left", "centre"), and "left center"
        holds the option "center" and nothing else.

        Args:
            text: The model's exact text.
            options: All possible answers.
            truncated: Whether the token limit stopped the text.

        Returns:
            The option, if the text holds just one, once or several times. Otherwise, in this order: "empty" for
            nothing but white space, "several labels" for two or more different ones, "truncated" for a text that the
            token limit cut off before any label, or right after one that may have gone on ("center" of "center left"),
            and "no label".
        """
        if not text.strip():
            return Answer("empty")
        text = text.rstrip()
        places = occurrences(text, patterns_of(tuple(options)))
        found = list(dict.fromkeys(place.option for place in places))
        if len(found) == 1:
            if truncated and not text[places[0].end :].strip(_DASHES) and _may_go_on(found[0], options):
                return Answer("truncated")
            # In "center - right" the place of "center" lies within one that may be meant as "center right".
            if not set(places) <= set(occurrences(text, loose_patterns_of(tuple(options)))):
                found = []
        return one_of(found, truncated=truncated)


def _may_go_on(label: str, options: Sequence[str]) -> bool:
    """Return whether a label that a text was cut off after may be the beginning of a longer one."""
    return any(option.lower().startswith(f"{label.lower()} ") for option in options)


def one_of(found: Sequence[str], *, truncated: bool) -> Answer:
    """Return the answer of a non-empty text from the distinct labels found in it."""
    match found:
        case [label]:
            return Answer("label", label)
        case []:
            return Answer("truncated" if truncated else "no label")
        case _:
            return Answer("several labels")
