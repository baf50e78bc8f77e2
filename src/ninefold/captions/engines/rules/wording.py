"""Wording: the questions about a fact, in several forms, with their answers."""

from collections import Counter
from collections.abc import Iterator

from ninefold.captions.engines.rules.facts import Fact, Reading
from ninefold.captions.engines.rules.phrases import Phrase, is_unique
from ninefold.captions.engines.rules.vocabulary import PEOPLE, singular, words
from ninefold.captions.pair import Pair

MOVING = frozenset({"toward_towards", "away_from", "through", "movement_along"})
"""Relations of a way, which questions say with the caption's own verb."""

_COPULAS = words("is are has have becomes become appears appear seems seem remains remain being")
"""Verbs that say nothing of a way."""

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

CHOSEN: dict[str, str] = {
    "left": "left", "right": "right", "above": "top", "below": "bottom", "back": "background", "front": "foreground",
}  # fmt: skip
"""The one of them that answers it, in a word."""

_WAYS = words("through toward towards away")
"""Words by which one asks with a verb alone: "What runs through the field?", not "What is through it?"."""

_VAGUE = words("person individual object thing item figure piece one")
"""Nouns that answer nothing without a modifier."""


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
    verb = _copula(fact)
    if fact.relation == "part_of":
        if subject_clear:
            yield "whole", f"What {verb} {subject} part of?", place
        return
    if subject_clear and fact.relation == "facing":
        yield from _facing(fact, subject, place)
    elif subject_clear and fact.is_first:
        where = "Where in the image" if fact.frame == "image" else "Where"
        yield "where", f"{where} {_moves(fact, subject) or f'{verb} {subject}'}?", answer
    if subject_clear:
        yield from _choice(fact, f"{verb.capitalize()} {subject}", place)
    if objects_clear and fact.is_first and shared[_place_key(fact)] == 1 and _can_ask_what(fact):
        needs_picture = fact.frame == "image" and fact.relation not in {"back", "front", "far"}
        does = f"{_does(fact)} {answer}" + " of the image" * needs_picture
        who = "Who" if fact.subject.lemma in PEOPLE else "What"
        yield "what", f"{who} {does}?", subject if subject_clear else _as_written(fact.subject)


def _can_ask_what(fact: Fact) -> bool:
    """Whether one can ask what is at a place, and the answer says something."""
    says_nothing = fact.subject.lemma in _VAGUE and not fact.subject.modifiers
    lacks_verb = fact.wording.split()[0] in _WAYS and _does(fact) == "is"
    return fact.relation != "facing" and not says_nothing and not lacks_verb


def _copula(fact: Fact) -> str:
    return "are" if fact.subject.is_plural else "is"


def _facing(fact: Fact, subject: str, place: str) -> Iterator[tuple[str, str, str]]:
    verb = _copula(fact)
    if fact.objects:
        yield "what", f"What {verb} {subject} facing?", place
    else:
        yield "direction", f"Which way {verb} {subject} facing?", fact.wording
        yield "choice", f"{verb.capitalize()} {subject} facing left or right?", fact.wording


def _moves(fact: Fact, subject: str) -> str:
    """Return subject and verb of a question for the way of something: "does the path run", "is the dog walking"."""
    if fact.relation not in MOVING or fact.verb[1] not in {"VBZ", "VBP", "VBG"} or fact.verb[0] in _COPULAS:
        return ""
    word, tag = fact.verb
    if tag == "VBG":
        return f"{_copula(fact)} {subject} {word}"
    return f"{'do' if fact.subject.is_plural else 'does'} {subject} {singular(word) if tag == 'VBZ' else word}"


def _does(fact: Fact) -> str:
    """Return the verb of a question for what is on a way: "runs along the river"; "is" for all other relations."""
    word, tag = fact.verb
    if fact.relation not in MOVING or tag not in {"VBZ", "VBP", "VBG", "VBN"} or word in _COPULAS:
        return "is"
    if tag == "VBP":
        return f"{word}es" if word.endswith(("o", "s", "x", "ch", "sh")) else f"{word}s"
    return word if tag == "VBZ" else f"is {word}"


def _choice(fact: Fact, start: str, place: str) -> Iterator[tuple[str, str, str]]:
    if fact.frame == "image" and fact.relation in SIDES:
        one, other = SIDES[fact.relation]
        picture = "" if "ground" in one else " of the image"
        yield "choice", f"{start} {one} or {other}{picture}?", CHOSEN[fact.relation]
    elif fact.frame == "part" and fact.relation in {"left", "right", "above", "below"}:
        one, other = SIDES[fact.relation]
        if fact.relation in {"left", "right"}:
            one, other = "on the left side", "on the right side"
        yield "choice", f"{start} {one} or {other} of {place}?", CHOSEN[fact.relation]
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
    # "A few boats", "half a dozen eggs": the amount has an article of its own.
    has_article = not {"a", "an", "the"}.isdisjoint(phrase.text.lower().split()[:2])
    is_name = phrase.is_proper or has_article or phrase.text.startswith(("more ", "lots ", "plenty "))
    return phrase.text if is_name else f"the {phrase.text}"


def _as_written(phrase: Phrase) -> str:
    return f"{phrase.article} {phrase.text}".strip()
