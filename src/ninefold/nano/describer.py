"""A simulated describer: sentences about a picture that say where its things are, as people write them.

Like people, it begins with what is large and near the middle, says where a thing is by another one that it has named
already, and uses one direction for what lies obliquely, "left" and "right" rather than "above" and "below". It is wrong
at times: it confuses left and right, or the names of similar colors. Places in the picture are those of the captioner,
with its big center. No question that a base is tested on is made here.
"""

from typing import NamedTuple

import numpy as np

from ninefold.nano import captioner
from ninefold.nano.world import WorldImage, WorldThing

MOST = 7
"""Maximum number of things that it mentions."""

SIDEWAYS = 1.3
"""How much further up or down than sideways a thing must lie to be called above or below."""

NEAR = 0.16
"""Distance of centers, in shares of the picture, within which it may say only that a thing is next to another."""

SWAPPED = 0.03
"""Probability that it says left for right, or right for left."""

MISNAMED = 0.02
"""Probability that it gives a thing the name of a similar color."""

SIMILAR = {"cyan": "blue", "blue": "cyan", "magenta": "red", "red": "magenta"}
"""Colors that it confuses."""

WORDS = {
    "left": ("to the left of", "to the left of", "left of"),
    "right": ("to the right of", "to the right of", "right of"),
    "above": ("above", "above", "over"),
    "below": ("below", "below", "under", "beneath"),
    "near": ("next to", "near"),
}
"""The words for each relation; more usual ones stand twice."""

FORMS = (
    "A {thing} is {words} the {other}.",
    "{Words} the {other} is a {thing}.",
    "{Words} the {other}, there is a {thing}.",
)
"""The sentences that place a thing by another."""

PLACES = ("A {thing} is {place} of the picture.", "There is a {thing} {place} of the picture.")
"""The sentences that place a thing in the picture."""

BY_PLACE = 0.15
"""Probability that it places a thing other than the first in the picture, not by another."""


class _Named(NamedTuple):
    thing: WorldThing
    name: str


def description(random: np.random.Generator, image: WorldImage) -> str:
    """Return some sentences about a picture: where its most conspicuous things are."""
    clear = image.named_once()
    things = sorted(clear, key=lambda thing: -_conspicuous(random, thing))[:MOST]
    named: list[_Named] = []
    sentences = []
    for thing in things:
        name = _name(random, thing)
        if not named or random.random() < BY_PLACE:
            sentences.append(_in_picture(random, thing, name))
        else:
            # Near things are told by each other, or by what was named just before.
            other = named[-1] if random.random() < 0.5 else min(named, key=lambda each: _distance(each.thing, thing))
            sentences.append(_by_other(random, _Named(thing, name), other))
        named.append(_Named(thing, name))
    return " ".join(sentences)


def relation(random: np.random.Generator, thing: WorldThing, other: WorldThing) -> str:
    """Return the relation that is said of two things: one of `WORDS`."""
    across, down = (thing.x - other.x), thing.y - other.y
    if float(np.hypot(across, down)) < NEAR and random.random() < 0.5:
        return "near"
    across, down = across + random.normal(0, captioner.BLUR / 2), down + random.normal(0, captioner.BLUR / 2)
    if abs(down) > SIDEWAYS * abs(across):
        return "above" if down < 0 else "below"
    is_left = (across < 0) != (random.random() < SWAPPED)
    return "left" if is_left else "right"


def _by_other(random: np.random.Generator, named: _Named, other: _Named) -> str:
    words = _choice(random, WORDS[relation(random, named.thing, other.thing)])
    form = FORMS[0] if random.random() < 0.5 else _choice(random, FORMS[1:])
    return form.format(thing=named.name, words=words, Words=words[0].upper() + words[1:], other=other.name)


def _in_picture(random: np.random.Generator, thing: WorldThing, name: str) -> str:
    where = captioner.position(random, thing.x, thing.y).removeprefix("center ").removesuffix(" center")
    preposition = "in" if where == "center" else "on" if where in {"left", "right"} else "at"
    return _choice(random, PLACES).format(thing=name, place=f"{preposition} the {where}")


def _name(random: np.random.Generator, thing: WorldThing) -> str:
    color = SIMILAR.get(thing.color, thing.color) if random.random() < MISNAMED else thing.color
    return f"{color} {thing.shape}"


def _conspicuous(random: np.random.Generator, thing: WorldThing) -> float:
    """Return how early a thing is told: by its size and its nearness to the middle, with some chance."""
    off = float(np.hypot(thing.x - 0.5, thing.y - 0.5))
    return float(np.log(thing.w * thing.h)) - 2 * off + float(random.normal(0, 0.7))


def _distance(thing: WorldThing, other: WorldThing) -> float:
    return float(np.hypot(thing.x - other.x, thing.y - other.y))


def _choice(random: np.random.Generator, texts: tuple[str, ...]) -> str:
    return texts[int(random.integers(len(texts)))]
