"""The check of answers: parts of the answer occur in the description (section 3, check 3 of the paper)."""

from collections.abc import Iterator, Sequence

from ninefold.captions.caption import Caption
from ninefold.captions.checks.protocol import Checked, Image
from ninefold.captions.checks.words import FUNCTION_WORDS, GENERIC, PLACES, content_words, forms, plain_words, quoted
from ninefold.captions.pair import Pair
from ninefold.captions.spec import ChecksSpec

_VERDICTS = frozenset({"yes", "no", "true", "false"})


class AnswerInCaption:
    """Rejects pairs whose answer does not occur in their caption.

    Words are compared in singular and plural. The words of the described object's label belong to the caption. The
    paper says "subsets of the answer, such as key phrases"; these rules read it:

    - "content words": the given share of the answer's content words occurs;
    - "noun phrase": one run of content words, without function words between them, occurs as it stands;
    - "any word": one content word occurs.

    An answer may name no thing: yes or no, no content word at all ("under it"), only words of its question ("Is it to
    the left or to the right?" "Left"), or only places ("on the left"). Then the things of the question are held against
    the caption, by the given share: its content words but for places, which a caption may tell the other way round. Of
    these answers only those that name a new place are held against the caption themselves.
    """

    def __init__(self, spec: ChecksSpec) -> None:
        """Take the settings."""
        self.rule = spec.answer_rule
        self.share = spec.answer_share

    def rejected(self, images: Sequence[Image]) -> Iterator[tuple[Checked, str]]:
        """Yield the pairs whose answer does not occur, each with the words that do not."""
        caption: Caption | None = None
        text: list[str] = []
        known: set[str] = set()
        for image in images:
            for item in image:
                if item.caption is not caption:
                    caption = item.caption
                    text = plain_words(f"{caption.label} {caption.text}" if caption.label else caption.text)
                    known = set(text)
                if detail := self._missing(item.pair, text, known):
                    yield item, detail

    def limits(self) -> str:
        """Return "": every pair is checked."""
        return ""

    def _missing(self, pair: Pair, text: list[str], known: set[str]) -> str:
        """Return what the caption does not hold of a pair, in one line; "" if it holds enough."""
        answer = content_words(pair.answer)
        lacking = _lacking(answer, known)
        names_places = PLACES.issuperset(answer)
        if self.rule == "content words" and not lacking and not names_places:
            return ""  # as most
        asked = content_words(pair.question)
        says_nothing = all(word in asked or word in _VERDICTS for word in answer)
        if says_nothing or names_places:
            things = [word for word in asked if word not in PLACES and word not in GENERIC]
            absent = _lacking(things, known)
            if len(things) - len(absent) < self.share * len(things):
                return f"the caption holds no {quoted(*absent)} of the question"
        if says_nothing or self._is_held(pair.answer, text, len(answer), len(lacking)):
            return ""
        return f"the caption holds no {quoted(*(lacking or answer))}"

    def _is_held(self, answer: str, text: list[str], words: int, lacking: int) -> bool:
        """Whether enough of an answer with so many content words occurs in a text that lacks some of them."""
        if self.rule == "noun phrase":
            return any(_stands(run, text) for run in _runs(answer))
        return lacking < words if self.rule == "any word" else words - lacking >= self.share * words


def _lacking(words: list[str], known: set[str]) -> list[str]:
    """Return the words that do not occur, in singular or plural."""
    return [word for word in words if word not in known and known.isdisjoint(forms(word))]


def _runs(answer: str) -> Iterator[list[str]]:
    """Yield the runs of content words of an answer."""
    run: list[str] = []
    for word in plain_words(answer):
        if word not in FUNCTION_WORDS:
            run.append(word)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _stands(run: list[str], text: list[str]) -> bool:
    """Whether words stand together in a text, in singular or plural."""
    return any(
        all(text[start + offset] in forms(word) for offset, word in enumerate(run))
        for start in range(len(text) - len(run) + 1)
    )
