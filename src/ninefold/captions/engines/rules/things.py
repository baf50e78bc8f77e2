"""Things: what a noun phrase names, as far as its noun tells: a thing with a place, a container, the picture itself."""

from ninefold.captions.engines.rules.parse import Parse
from ninefold.captions.engines.rules.phrases import Phrase
from ninefold.captions.engines.rules.vocabulary import (
    ABSTRACT,
    CAMERA,
    CONTAINERS,
    COUNTED,
    ING_NOUNS,
    KINDS_OF,
    MASS,
    PARTS,
    PICTURE,
    REFLECTION,
    SURFACES,
    singular,
)

_TURNS = frozenset({"faces", "looks", "leans", "points", "turns", "heads"})
_WAYS = [[way] for way in ("left", "right", "toward", "towards", "forward", "away", "outward", "upward", "downward")]
"""Verbs that parsers take for nouns, where one of the ways follows: "and faces left"."""


def is_thing(parse: Parse, phrase: Phrase) -> bool:
    """Whether a noun phrase names a thing that can be somewhere in the picture."""
    word = parse.lower[phrase.head]
    if not parse.is_noun(phrase.head) or len(word) < 2 or phrase.article == "no":
        return False
    if word in REFLECTION or word in CAMERA or is_picture(parse, phrase):
        return False
    if word in _TURNS and phrase.first == phrase.head and parse.lower[phrase.head + 1 : phrase.head + 2] in _WAYS:
        return False
    if word in SURFACES and not phrase.modifiers:
        return False
    if word in ABSTRACT or singular(word) in ABSTRACT:
        # "The top of the wall" and "a number of boats" are things; so are "a porch light" and "a seating area".
        of_thing = phrase.last > phrase.head and phrase.lemma not in ABSTRACT and word in PARTS
        counted = phrase.article in {"a", "an", "another"} or phrase.is_plural
        counted = counted and singular(word) in COUNTED
        return of_thing or counted or (word in KINDS_OF and _is_specified(parse, phrase.head))
    # A verb form that is tagged as a noun: "black showing".
    return not word.endswith(("ness", "ity", "tude")) and (not word.endswith("ing") or word in ING_NOUNS)


def is_picture(parse: Parse, phrase: Phrase) -> bool:
    """Whether a noun phrase names the picture that the caption describes, not a picture on a wall."""
    if parse.lower[phrase.head] not in PICTURE:
        return False
    return phrase.article not in {"a", "an", "another"} and not phrase.is_plural and not phrase.modifiers


def is_container(parse: Parse, phrase: Phrase) -> bool:
    """Whether things can be in what a noun phrase names."""
    word = parse.lower[phrase.head]
    return word in CONTAINERS or singular(word) in CONTAINERS or phrase.lemma in CONTAINERS


def is_idiom(parse: Parse, phrase: Phrase) -> bool:
    """Whether a bare noun after "in" or "on" makes an idiom of it: "on display", "in place"."""
    return phrase.first == phrase.last and parse.tags[phrase.head] == "NN" and parse.lower[phrase.head] not in MASS


def _is_specified(parse: Parse, noun: int) -> bool:
    """Whether a noun before it or a number or quotation after it says which thing: "porch light", 'number "7"'."""
    following = parse.words[noun + 1 : noun + 2]
    return any(parse.dependencies[child] == "compound" for child in parse.children[noun]) or bool(
        following and (following[0] in {'"', "“", "'", "‘"} or following[0].isdigit())
    )
