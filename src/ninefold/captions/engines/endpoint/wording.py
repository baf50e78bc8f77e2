"""From a model's question and answer to a pair: relation, frame, the two things, and the sentence behind them.

A language model gives the words alone. What they do not say plainly stays empty.
"""

import re
from typing import NamedTuple

from ninefold.captions.caption import Caption
from ninefold.captions.checks.words import content_words, forms
from ninefold.captions.matching import relation_of
from ninefold.captions.pair import Frame, Pair

_PICTURE = r"(?:the\s+|this\s+)?(?:image|picture|photo(?:graph)?|scene|frame|shot|view|composition|painting|drawing)\b"
_PART = re.compile(
    rf"\b(?:left|right|top|bottom|front|back|rear|upper|lower|middle)(?:[\s-]+(?:left|right|hand))?[\s-]+"
    rf"(?:side|half|part|portion|edge|corner|end|section)s?\s+of\s+(?!{_PICTURE})\w",
    re.IGNORECASE,
)
_IMAGE = re.compile(
    rf"\b(?:fore|back)ground\b|\bmiddle\s+ground\b|\bmidground\b|\bof\s+{_PICTURE}|\bin\s+{_PICTURE}"
    r"|\b(?:left|right|top|bottom)[\s-]?most\b"
    r"|\b(?:on|at|in|along)\s+the\s+(?:far\s+|very\s+|upper\s+|lower\s+)?(?:left|right|top|bottom|center|middle)"
    r"(?:[\s-]+(?:left|right|hand))?(?:[\s-]+(?:side|half|part|edge|corner))?\s*(?:$|[?.,;|])",
    re.IGNORECASE,
)

_ARTICLE = re.compile(r"^(?:the|a|an|this|that|these|those|its|his|her|their)\s+", re.IGNORECASE)
_THING = r"(?P<{}>[\w' -]{{2,60}}?)"
_PLACED = r"(?:located|positioned|placed|situated|found|seen|standing|sitting|lying|hanging|parked)"
_RELATION = (
    r"(?:(?:directly\s+|just\s+|immediately\s+)?(?:(?:to|on|at|in)\s+the\s+(?:left|right|front|back|top|bottom|far\s+left|far\s+right|"
    r"left\s+side|right\s+side|center|middle)\s+of|in\s+front\s+of|on\s+top\s+of|next\s+to|close\s+to|adjacent\s+to|"
    r"left\s+of|right\s+of|above|below|behind|under|underneath|beneath|beside|near|inside|outside|on|in|over|between|around|against|opposite))"
)
_FORMS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"where\s+(?:is|are)\s+{_THING.format('subject')}(?:\s+{_PLACED})?"
        rf"(?:\s+(?:in\s+relation\s+to|relative\s+to|with\s+respect\s+to|compared\s+to)\s+{_THING.format('object')})?\?",
        rf"what\s+is\s+the\s+(?:position|location|placement)\s+of\s+{_THING.format('subject')}"
        rf"(?:\s+(?:in\s+relation\s+to|relative\s+to|with\s+respect\s+to|compared\s+to)\s+{_THING.format('object')})?\?",
        rf"(?P<asked>what|who)\s+(?:is|are|can\s+be\s+seen)\s+(?:{_PLACED}\s+)?{_RELATION}\s+{_THING.format('object')}\?",
    )
)
_LONGEST_NAME = 6
"""Maximum number of words of an answer that names a thing."""

_SENTENCE = re.compile(r"[^.!?\n]+(?:[.!?]+(?![\s\"'\u201d)\]]|\Z)[^.!?\n]+)*[.!?]*[\"'\u201d)\]]*")


class Sentence(NamedTuple):
    """A sentence of a caption."""

    start: int
    """Where it begins in the caption's text."""
    end: int
    """Where it ends."""
    words: frozenset[str]
    """Its content words in singular and plural."""


def sentences(text: str) -> list[Sentence]:
    """Return the sentences of a text; a line end ends one too."""
    found = []
    for match in _SENTENCE.finditer(text):
        words = match[0].strip()
        if words:
            start = match.start() + len(match[0]) - len(match[0].lstrip())
            found.append(Sentence(start, start + len(words), _all_forms(words)))
    return found


def pairs_of(caption: Caption, said: tuple[tuple[str, str], ...]) -> tuple[Pair, ...]:
    """Return the pairs of a caption's questions and answers."""
    parts = sentences(caption.text)
    return tuple(_pair(number, question, answer, parts) for number, (question, answer) in enumerate(said))


def frame_of(question: str, answer: str) -> Frame:
    """Return what a question and its answer tell a relation from, by their wording.

    >>> frame_of("What is on the left side of the sofa?", "A cat"), frame_of("What is left of the sofa?", "A cat")
    ('part', 'viewer')
    """
    text = f"{question} | {answer}"
    if _PART.search(text):
        return "part"
    return "image" if _IMAGE.search(text) else "viewer"


def things_of(question: str, answer: str) -> tuple[str, str]:
    """Return subject and object where the question's form makes them plain, else "" for each.

    >>> things_of("What is to the left of the lamp?", "A cat"), things_of("Where is the cat?", "Left of the lamp")
    (('cat', 'lamp'), ('cat', ''))
    """
    for form in _FORMS:
        found = form.fullmatch(question)
        if found is not None:
            groups = found.groupdict()
            named = answer if groups.get("asked") and len(answer.split()) <= _LONGEST_NAME else ""
            return _name(groups.get("subject") or named), _name(groups.get("object") or "")
    return "", ""


def _pair(number: int, question: str, answer: str, parts: list[Sentence]) -> Pair:
    subject, other = things_of(question, answer)
    start, end = _span(question, answer, parts)
    return Pair(
        question,
        answer,
        relation_of(question, answer),
        frame=frame_of(question, answer),
        subject=subject,
        object=other,
        span_start=start,
        span_end=end,
        fact=number,
    )


def _span(question: str, answer: str, parts: list[Sentence]) -> tuple[int, int]:
    """Return the first of the sentences that share most content words with a pair; (0, 0) if none shares one."""
    asked = {word for word in content_words(f"{question} {answer}") if len(word) > 1}
    shared = [len(asked & part.words) for part in parts]
    most = max(shared, default=0)
    if not most:
        return 0, 0
    best = parts[shared.index(most)]
    return best.start, best.end


def _all_forms(text: str) -> frozenset[str]:
    return frozenset(form for word in content_words(text) for form in forms(word))


def _name(thing: str) -> str:
    return _ARTICLE.sub("", thing.strip(" .,;:!\"'"))
