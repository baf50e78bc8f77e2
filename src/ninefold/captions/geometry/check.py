"""The check of facts by boxes: each fact's things are matched to boxes, and its relation is decided by them.

Files play no part here (see `ninefold.captions.geometry.run`).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ninefold.captions.geometry import decide
from ninefold.captions.geometry.boxes import Box, Labelled
from ninefold.captions.geometry.decide import Decision, Outcome
from ninefold.captions.geometry.lists import OWN_SIDES, SELECTING
from ninefold.captions.geometry.matching import Match, Phrase, match


@dataclass(frozen=True, slots=True)
class Fact:
    """A spatial relation that a caption states, of the pairs that ask for it."""

    caption: str
    """Id of its caption."""
    number: int
    """Its number in the caption."""
    relation: str
    """Name of its relation in the taxonomy."""
    frame: str
    """What it is told from: "image", "viewer" or "part"."""
    subject: str
    """The thing that is somewhere."""
    object: str
    """The thing that it is told from; "" if there is none."""
    words: str = ""
    """The words of the caption that state it."""
    described: int | None = None
    """Index of the labelled thing that is its subject; None if the subject is matched by its words."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the boxes of an image say of one fact."""

    fact: Fact
    """The fact."""
    outcome: Outcome
    """Whether they confirm or contradict it, leave it undecided, or have no unique box for its things."""
    why: str
    """The reason, in a few words."""
    subject: Labelled | None = None
    """The labelled thing that is its subject; None if there is no unique one."""
    objects: tuple[Labelled, ...] = ()
    """The labelled things that it is told from: two of "between", none of a place in the image."""


def check(facts: Iterable[Fact], objects: Sequence[Labelled]) -> Iterator[Verdict]:
    """Yield the verdict of each distinct fact of one image.

    A fact that says of the same boxes in the same caption what one before has said is left out; "A is left of B" and "B
    is right of A" say the same.

    Args:
        facts: The facts, in order.
        objects: The labelled things of the image.
    """
    seen: set[tuple[object, ...]] = set()
    for fact in facts:
        verdict = _judge(fact, objects)
        key = _key(verdict)
        if key not in seen:
            seen.add(key)
            yield verdict


def _judge(fact: Fact, objects: Sequence[Labelled]) -> Verdict:
    subject = _subject(fact, objects)
    if fact.frame == "image":
        if subject.found is None:
            return Verdict(fact, "unmatched", f"subject: {subject.why}")
        return Verdict(fact, *_decided(fact, subject.found, ()), subject.found)
    ends = [match(_with_determiner(text, fact.words), objects) for text in _ends(fact)]
    missing = [
        f"{name}: {one.why}"
        for name, one in zip(("subject", "object", "object"), (subject, *ends), strict=False)
        if not one.found
    ]
    things = tuple(one.found for one in ends if one.found)
    if missing:
        return Verdict(fact, "unmatched", "; ".join(missing), subject.found, things)
    assert subject.found
    if len({subject.found.index, *(thing.index for thing in things)}) <= len(things):
        return Verdict(fact, "unmatched", "both things are one box", subject.found, things)
    return Verdict(fact, *_decided(fact, subject.found, things), subject.found, things)


def _subject(fact: Fact, objects: Sequence[Labelled]) -> Match:
    if fact.described is None:
        return match(_with_determiner(fact.subject, fact.words), objects)
    thing = next((thing for thing in objects if thing.index == fact.described), None)
    return Match(thing) if thing and thing.box else Match(None, "its box is malformed")


def _with_determiner(phrase: str, words: str) -> str:
    """Return a phrase with the word before it in its caption, which may be "another"; phrases have no determiner."""
    before = re.search(rf"(\w+)\s+{re.escape(phrase)}(?!\w)", words, re.IGNORECASE) if phrase else None
    return f"{before[1]} {phrase}" if before and before[1].lower() in SELECTING else phrase


def _ends(fact: Fact) -> list[str]:
    """Return the phrases of the things that a fact is told from; two of "between A and B"."""
    if fact.relation != "between":
        return [fact.object]
    ends = re.split(r"\s+and\s+", fact.object)
    return ends if len(ends) == 2 else [fact.object]


def _decided(fact: Fact, subject: Labelled, things: Sequence[Labelled]) -> Decision:
    """Return what boxes say of a fact whose things are these."""
    unknown = Decision("undecided", "boxes do not tell this relation")
    if fact.frame == "image":
        place = decide.OF_IMAGE.get(fact.relation)
        return place(_box(subject)) if place else unknown
    if fact.frame == "part" and Phrase.of(fact.object).noun in OWN_SIDES:
        return Decision("undecided", "the sides may be the thing's own")
    if fact.relation == "between":
        if len(things) != 2:
            return Decision("undecided", "between more than two things")
        return decide.between(_box(subject), [_box(thing) for thing in things])
    rule = decide.RULES.get(fact.relation)
    return rule(_box(subject), _box(things[0])) if rule else unknown


def _box(thing: Labelled) -> Box:
    assert thing.box, "a match has a box"
    return thing.box


def _key(verdict: Verdict) -> tuple[object, ...]:
    """Return what facts that say the same of the same boxes have in common."""
    fact = verdict.fact
    ends: tuple[object, object] = (
        (verdict.subject.index if verdict.subject else fact.subject.lower()),
        tuple(thing.index for thing in verdict.objects) or fact.object.lower(),
    )
    if fact.relation in decide.INVERSE and fact.frame == "viewer":
        first = verdict.objects[0].index if verdict.objects else fact.object.lower()
        second = (verdict.subject.index,) if verdict.subject else fact.subject.lower()
        return fact.caption, fact.frame, decide.INVERSE[fact.relation], first, second
    return fact.caption, fact.frame, fact.relation, *ends


def by_chance(verdict: Verdict, objects: Sequence[Labelled]) -> Iterator[bool]:
    """Yield for each other thing of the image whether boxes would confirm a decided fact of it, where they tell.

    The share of those confirmed is what facts with a wrong subject reach: the further it is below the confirmed share,
    the more a confirmation says.
    """
    if verdict.outcome not in {"confirmed", "contradicted"} or verdict.subject is None:
        return
    taken = {verdict.subject.index, *(thing.index for thing in verdict.objects)}
    for thing in objects:
        if thing.index not in taken and thing.box:
            outcome = _decided(verdict.fact, thing, verdict.objects).outcome
            if outcome in {"confirmed", "contradicted"}:
                yield outcome == "confirmed"
