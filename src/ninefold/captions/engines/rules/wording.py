"""Wording: the questions about a fact, in several forms, with their answers."""

from collections import Counter
from collections.abc import Iterator

from ninefold.captions.engines.rules.facts import Fact, Reading
from ninefold.captions.engines.rules.phrases import Phrase, is_unique
from ninefold.captions.engines.rules.vocabulary import PEOPLE
from ninefold.captions.pair import Pair

OPPOSITES: dict[str, str] = {
    "to the left of": "to the right of",
    "to the right of": "to the left of",
    "left of": "right of",
    "right of": "left of",
    "above": "below",
    "below": "above",
    "over": "under",
    "under": "above",
    "beneath": "above",
    "underneath": "above",
    "in front of": "behind",
    "behind": "in front of",
}
"""For each wording that has one, the opposite that a question can offer beside it."""

SIDES: dict[str, tuple[str, str]] = {
    "left": ("on the left", "on the right"), "right": ("on the left", "on the right"),
    "above": ("at the top", "at the bottom"), "below": ("at the top", "at the bottom"),
    "back": ("in the foreground", "in the background"), "front": ("in the foreground", "in the background"),
}  # fmt: skip
"""The two places of the picture that a question offers, by relation."""


def pairs(reading: Reading) -> Iterator[Pair]:
    """Yield the pairs of a caption: those of its facts, numbered, each fact with at least one."""
    shared = Counter(_place_key(fact) for fact in reading.facts)
    asked: set[str] = set()
    number = 0
    for fact in reading.facts:
        made = [
            (form, question, answer)
            for form, question, answer in _forms(fact, reading, shared)
            if question not in asked
        ]
        asked.update(question for _, question, _ in made)
        for form, question, answer in made:
            yield Pair(
                question=question,
                answer=answer,
                relation=fact.relation,
                frame=fact.frame,
                subject=fact.subject.text,
                object=" and ".join(phrase.text for phrase in fact.objects),
                span_start=fact.span[0],
                span_end=fact.span[1],
                fact=number,
                form=form,
                of_described=fact.of_described,
            )
        number += bool(made)


def _place_key(fact: Fact) -> tuple[str, str, tuple[str, ...]]:
    return fact.relation, fact.frame, tuple(phrase.text.lower() for phrase in fact.objects)


def _forms(
    fact: Fact, reading: Reading, shared: Counter[tuple[str, str, tuple[str, ...]]]
) -> Iterator[tuple[str, str, str]]:
    """Yield form, question and answer: where, what and which of two, as far as each has one right answer."""
    subject_clear = is_unique(fact.subject, reading.mentioned)
    objects_clear = all(is_unique(phrase, reading.mentioned) for phrase in fact.objects)
    subject = _definite(fact.subject)
    place = " and ".join(_definite(phrase) if objects_clear else _as_written(phrase) for phrase in fact.objects)
    answer = f"{fact.wording} {place}".strip()
    verb = "are" if fact.subject.is_plural else "is"
    if subject_clear and fact.is_first:
        where = "Where in the image" if fact.frame == "image" else "Where"
        if fact.relation == "facing" and not fact.objects:
            yield "direction", f"Which way {verb} {subject} facing?", fact.wording
            yield "choice", f"{verb.capitalize()} {subject} facing left or right?", fact.wording
        elif fact.relation == "facing":
            yield "what", f"What {verb} {subject} facing?", place
        else:
            yield "where", f"{where} {verb} {subject}?", answer
    if subject_clear:
        yield from _choice(fact, f"{verb.capitalize()} {subject}", place)
    if objects_clear and fact.is_first and shared[_place_key(fact)] == 1 and fact.relation != "facing":
        asked = answer + " of the image" * (
            fact.frame == "image" and "ground" not in answer and "distance" not in answer
        )
        who = "Who" if fact.subject.lemma in PEOPLE else "What"
        yield "what", f"{who} is {asked}?", subject if subject_clear else _as_written(fact.subject)


def _choice(fact: Fact, start: str, place: str) -> Iterator[tuple[str, str, str]]:
    if fact.frame == "image" and fact.relation in SIDES:
        one, other = SIDES[fact.relation]
        picture = "" if "ground" in one else " of the image"
        right = other if fact.relation in {"right", "below", "back"} else one
        word = next(word for word in ("left", "right", "top", "bottom", "foreground", "background") if word in right)
        yield "choice", f"{start} {one} or {other}{picture}?", word
    elif fact.frame == "viewer" and fact.wording in OPPOSITES:
        other = OPPOSITES[fact.wording]
        first, second = sorted((fact.wording, other))
        first = first.removesuffix(" of") if first.endswith((" left of", " right of")) else first
        short = fact.wording.removesuffix(" of") if fact.relation in {"left", "right"} else fact.wording
        yield "choice", f"{start} {first} or {second} {place}?", short


def _definite(phrase: Phrase) -> str:
    """Return a phrase as the name of a thing that is known: with "the", unless it has a determiner that stays."""
    if phrase.article in {"another", "each", "every", "both", "all", "some", "any"}:
        return f"{phrase.article} {phrase.text}"
    return phrase.text if phrase.text.startswith("a few ") else f"the {phrase.text}"


def _as_written(phrase: Phrase) -> str:
    return f"{phrase.article} {phrase.text}".strip()
