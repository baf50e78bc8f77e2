"""The check of answers: parts of the answer occur in the description (section 3, check 3 of the paper)."""

from collections.abc import Iterator, Sequence

from ninefold.captions.caption import Caption
from ninefold.captions.checks.protocol import Checked, Image
from ninefold.captions.checks.words import FUNCTION_WORDS, GENERIC, PLACES, content_words, forms, plain_words
from ninefold.captions.spec import ChecksSpec

_VERDICTS = frozenset({"yes", "no", "true", "false"})


class AnswerInCaption:
    """Rejects pairs whose answer does not occur in their caption.

    Words are compared in singular and plural. The words of the described object's label belong to the caption. The
    paper says "subsets of the answer, such as key phrases"; these rules read it:

    - "content words": the given share of the answer's content words occurs;
    - "noun phrase": one run of content words, without function words between them, occurs as it stands;
    - "any word": one content word occurs.

    An answer may say nothing of its own: yes or no, no content word at all ("under it"), or only words of its question
    ("Is it to the left or to the right?" "Left"). Then the things of the question are held against the caption, by the
    given share: its content words but for those that tell where, which a caption may tell the other way round.
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
                if detail := self._missing(item, text, known):
                    yield item, detail

    def limits(self) -> str:
        """Return "": every pair is checked."""
        return ""

    def _missing(self, item: Checked, text: list[str], known: set[str]) -> str:
        """Return what the caption does not hold of an answer, in one line; "" if it holds enough."""
        answer = [word for word in plain_words(item.pair.answer) if word not in FUNCTION_WORDS]
        own = [word for word in answer if word not in known and known.isdisjoint(forms(word))]
        if answer and not own and self.rule == "content words":
            return ""
        asked = content_words(item.pair.question)
        if all(word in asked or word in _VERDICTS for word in answer):
            things = [word for word in asked if word not in PLACES and word not in GENERIC]
            lacking = [word for word in things if known.isdisjoint(forms(word))]
            enough = len(things) - len(lacking) >= self.share * len(things)
            return "" if enough else f"the caption holds no {', '.join(map(repr, lacking))} of the question"
        if self.rule == "noun phrase":
            enough = any(_stands(run, text) for run in _runs(item.pair.answer))
        elif self.rule == "any word":
            enough = len(own) < len(answer)
        else:
            enough = len(answer) - len(own) >= self.share * len(answer)
        lacking = own or answer
        return "" if enough else f"the caption holds no {', '.join(map(repr, lacking))}"


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
