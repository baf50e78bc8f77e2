"""Matching of a phrase of a caption to exactly one labelled box, by plain word rules.

A phrase matches a label if their nouns (the last word of the part before a preposition) can name the same thing, both
are singulars or both are plurals, and no color, material or size of one contradicts the other's label or description.
A phrase that singles out one of several things ("another car", "the left window") names none in particular. Several
matches are one only where exactly one shares most of the words before the noun.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from unicodedata import combining, normalize

from ninefold.captions.geometry.boxes import Labelled
from ninefold.captions.geometry.lists import (
    BODIES,
    ENDS_PHRASE,
    GENERIC,
    GROUPS,
    ONE_THING,
    PROPERTIES,
    QUANTITIES,
    SELECTING,
    WEAK,
)
from ninefold.captions.geometry.nouns import is_kind, same_noun
from ninefold.captions.geometry.words import is_plural, singular

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
    """The words before its noun, without determiners and counts."""
    after: tuple[str, ...] = ()
    """The words after it."""

    @classmethod
    def of(cls, text: str) -> "Phrase":
        """Take a phrase or a label apart."""
        words = [word.replace("’", "'").removesuffix("'s") for word in _WORD.findall(_plain(text))]
        words = [word for word in words if word not in _DETERMINERS]
        # "A group of people" are the people, and "a body of water" is the water.
        of = next((place for place, word in enumerate(words[:-1]) if word == "of" and place), 0)
        several = of > 0 and words[of - 1] in GROUPS
        if several or (of and words[of - 1] in BODIES):
            words = words[of + 1 :]
        end = next((place for place, word in enumerate(words) if word in ENDS_PHRASE and place), len(words))
        named, after = [word for word in words[:end] if word not in QUANTITIES], words[end:]
        if not named or _names_two(named):
            return cls("", False, ())
        plural = several or (is_plural(named[-1]) and named[-1] not in ONE_THING)
        return cls(singular(named[-1]), plural, tuple(named[:-1]), tuple(after))


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
    # A name may stand before or after its class: "Fortress Hohensalzburg".
    turned = not phrase.after and len(label.before) > 0 and {*phrase.before, phrase.noun} == {*label.before, label.noun}
    pairs = [(noun, other) for noun in _names(phrase) for other in _names(label)]
    if turned or any(same_noun(noun, other) for noun, other in pairs):
        return True
    # "The vehicle" may be the Porsche car, but a "rescue vehicle" is not.
    kinds, others = _kinds(phrase), _kinds(label)
    return any(is_kind(noun, other) and not (kinds - {noun} and others - {other}) for noun, other in pairs)


def _names(phrase: Phrase) -> tuple[str, ...]:
    """Return the nouns that a thing goes by: an "owl statue" is an owl too, and a "table top" a tabletop."""
    last = phrase.before[-1:]
    kinds = map(singular, last) if phrase.noun in GENERIC else ()
    return phrase.noun, *kinds, *(word + phrase.noun for word in last)


def _best(phrase: Phrase, fitting: Sequence[tuple[Labelled, Phrase]]) -> tuple[Labelled, Phrase] | None:
    """Return the match that shares most words with a phrase, the same noun first; None if there are several."""
    shared = [
        (
            label.noun == phrase.noun,
            same_noun(label.noun, phrase.noun),
            label.plural == phrase.plural,
            len(set(phrase.before).intersection(label.before)),
        )
        for _, label in fitting
    ]
    best = [pair for pair, share in zip(fitting, shared, strict=True) if share == max(shared)]
    return best[0] if len(best) == 1 else None


def _conflict(phrase: Phrase, thing: Labelled, label: Phrase) -> bool:
    """Whether a phrase has a property that its label, and the thing as its description names it, have otherwise."""
    described = Phrase.of(thing.description)
    known = (*label.before, *(described.before if _same_class(described, label) else ()))
    for names in PROPERTIES:
        wanted, found = _properties(phrase.before, names), _properties(known, names)
        if wanted and found and wanted.isdisjoint(found):
            return True
    if not (same_noun(phrase.noun, label.noun) and {phrase.noun, label.noun} & WEAK):
        return False
    kinds, other = _kinds(phrase), _kinds(label)
    return bool(kinds and other) and not any(same_noun(one, two) or is_kind(one, two) for one in kinds for two in other)


def _plain(text: str) -> str:
    """Return a text in lower case and without accents."""
    return "".join(letter for letter in normalize("NFKD", text.lower()) if not combining(letter))


def _properties(words: Sequence[str], names: Mapping[str, frozenset[str]]) -> frozenset[str]:
    # Of "off-white" and "light-brown", the whole word comes first, then its parts.
    found = [names.get(word) or names.get(part) for word in words for part in word.split("-")]
    return frozenset().union(*filter(None, found))


def _kinds(phrase: Phrase) -> set[str]:
    words = (*phrase.before, *(word for word in phrase.after if word not in ENDS_PHRASE))
    return {singular(word) for word in words if not any(_properties((word,), names) for names in PROPERTIES)}


def _names_two(words: Sequence[str]) -> bool:
    """Whether words name two things: "a cat and a dog", but not "a black and white cat"."""
    places = [place for place, word in enumerate(words) if word in {"and", "or"}]
    return any(
        place + 1 >= len(words) - 1 or not any(words[place - 1] in names for names in PROPERTIES) for place in places
    )
