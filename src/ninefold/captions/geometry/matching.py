"""Matching of a phrase of a caption to exactly one labelled box, by plain word rules.

A phrase matches a label if their nouns (the last word of the part before a preposition) can name the same thing, both
are singulars or both are plurals, and no color, material or size of one contradicts the other's label or description.
A phrase that singles out one of several things ("another car", "the left window") names none in particular. Several
matches are one only where exactly one shares most of the words before the noun.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ninefold.captions.geometry.boxes import Labelled
from ninefold.captions.geometry.lists import (
    BODIES,
    COLORS,
    ENDS_PHRASE,
    GENERIC,
    GROUPS,
    MATERIALS,
    ONE_THING,
    SELECTING,
    SIZES,
    WEAK,
)
from ninefold.captions.geometry.words import is_plural, same_noun, singular

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_DETERMINERS = frozenset(("a", "an", "the", "this", "that", "its", "his", "her", "their", "some"))


@dataclass(frozen=True, slots=True)
class Phrase:
    """A noun phrase, taken apart."""

    noun: str
    """Its noun in the singular; "" if there is none."""
    plural: bool
    """Whether it names several things."""
    before: tuple[str, ...]
    """The words before its noun."""

    @classmethod
    def of(cls, text: str) -> "Phrase":
        """Take a phrase or a label apart."""
        words = [word.replace("’", "'") for word in _WORD.findall(text.lower())]
        words = [word.removesuffix("'s") for word in words if word not in _DETERMINERS]
        # "A group of people" are the people, and "a body of water" is the water.
        of = next((place for place, word in enumerate(words[:-1]) if word == "of" and place), 0)
        several = of > 0 and words[of - 1] in GROUPS
        if several or (of and words[of - 1] in BODIES):
            words = words[of + 1 :]
        end = next((place for place, word in enumerate(words) if word in ENDS_PHRASE and place), len(words))
        words = words[:end]
        if not words or _names_two(words):
            return cls("", False, ())
        plural = several or (is_plural(words[-1]) and words[-1] not in ONE_THING)
        return cls(singular(words[-1]), plural, tuple(words[:-1]))


@dataclass(frozen=True, slots=True)
class Match:
    """The labelled thing that a phrase names, or why there is none."""

    found: Labelled | None
    """The thing; None if it is none or several."""
    why: str = ""
    """Why there is none, in a few words."""


def match(text: str, objects: Sequence[Labelled]) -> Match:
    """Return the one labelled thing that a phrase names."""
    phrase = Phrase.of(text)
    same = [(thing, label) for thing in objects if _same_class(phrase, label := Phrase.of(thing.label))]
    fitting = [(thing, label) for thing, label in same if not _conflict(phrase, thing, label)]
    thing, label = (_best(phrase, fitting) if fitting else None) or (None, phrase)
    whys = (
        (not phrase.noun, "no phrase of one thing"),
        (not same, "no label of its class"),
        (not SELECTING.isdisjoint((*phrase.before, phrase.noun)), "one of several things, or a part"),
        (not fitting, "labels of its class have other properties"),
        (thing is None, "several labels of its class"),
        (phrase.plural != label.plural, "one thing, and a label of several, or the reverse"),
        (thing is not None and thing.box is None, "its box is malformed"),
    )
    why = next((why for is_so, why in whys if is_so), "")
    return Match(None if why else thing, why)


def _same_class(phrase: Phrase, label: Phrase) -> bool:
    """Whether a phrase can name a thing of a label's class."""
    if not phrase.noun or not label.noun:
        return False
    return any(same_noun(noun, other) for noun in _names(phrase) for other in _names(label))


def _names(phrase: Phrase) -> tuple[str, ...]:
    """Return the nouns that a thing goes by: an "owl statue" is also called an owl."""
    kind = phrase.before[-1:] if phrase.noun in GENERIC else ()
    return phrase.noun, *map(singular, kind)


def _best(phrase: Phrase, fitting: Sequence[tuple[Labelled, Phrase]]) -> tuple[Labelled, Phrase] | None:
    """Return the match that shares most words with a phrase, the same noun first; None if there are several."""
    shared = [(label.noun == phrase.noun, len(set(phrase.before).intersection(label.before))) for _, label in fitting]
    best = [pair for pair, share in zip(fitting, shared, strict=True) if share == max(shared)]
    return best[0] if len(best) == 1 else None


def _conflict(phrase: Phrase, thing: Labelled, label: Phrase) -> bool:
    """Whether a phrase has a property that its label and the thing's description have otherwise."""
    described = _WORD.findall(thing.description.lower())
    for names in (COLORS, MATERIALS, SIZES):
        wanted = {names[word] for word in _split(phrase.before) if word in names}
        of_label = {names[word] for word in _split(label.before) if word in names}
        found = of_label or (
            {names[word] for word in _split(described) if word in names} if names is not SIZES else set()
        )
        if wanted and found and wanted.isdisjoint(found):
            return True
    if phrase.noun in WEAK or label.noun in WEAK:
        of_phrase, of_label = _kinds(phrase), _kinds(label)
        return bool(of_phrase and of_label and of_phrase.isdisjoint(of_label))
    return False


def _kinds(phrase: Phrase) -> set[str]:
    return {singular(word) for word in phrase.before} - set(COLORS) - set(MATERIALS) - set(SIZES)


def _split(words: Sequence[str]) -> list[str]:
    return [part for word in words for part in word.split("-")]


def _names_two(words: Sequence[str]) -> bool:
    """Whether words name two things: "a cat and a dog", but not "a black and white cat"."""
    places = [place for place, word in enumerate(words) if word in {"and", "or"}]
    return any(
        place + 1 >= len(words) - 1 or not any(words[place - 1] in names for names in (COLORS, MATERIALS, SIZES))
        for place in places
    )
