"""Sides: of what "on the left" is the left where nothing says it: of the picture, of a thing, or of either."""

from collections.abc import Iterator

from ninefold.captions.engines.rules.clauses import SUBJECT_LABELS, clause_subjects
from ninefold.captions.engines.rules.cue import Cue
from ninefold.captions.engines.rules.cue_tables import ZONE_PREPOSITIONS
from ninefold.captions.engines.rules.parse import Parse
from ninefold.captions.engines.rules.phrases import phrase_at
from ninefold.captions.engines.rules.vocabulary import ABSTRACT, BODY, PICTURE, POSSESSIVES
from ninefold.captions.engines.rules.zones import zone_after

_AXES = (frozenset({"left", "right"}), frozenset({"above", "below"}))
_MIDDLE = frozenset({"central_position"})
_REACH = 100
"""Tokens that are looked through for other things and places; bounds the time for a long sentence."""
_BESIDE = frozenset({"to", "beside", "near", "by", "behind", "of", "above", "below", "under", "against", "around"})
"""Last words of places from which another side can be told: "next to the door on the left"."""
_OPPOSITE = {"left": "right", "right": "left"}
_GROUNDS = frozenset({"background", "foreground", "distance"})


def is_bare(cue: Cue) -> bool:
    """Whether a cue is a place of the picture only because it does not say of what: "on the left"."""
    return cue.is_zone and cue.frame == "image" and not cue.needs_object


def is_ground(parse: Parse, cue: Cue) -> bool:
    """Whether a place can be of the picture alone: "in the background"."""
    return any(word in _GROUNDS for word in parse.lower[cue.first : cue.last + 1])


def is_contrasted(parse: Parse, cue: Cue, holder: int) -> bool:
    """Whether a place is the other side of one before: "A is on the left and B with a C on the right", of B then."""
    first = _listed_from(parse, holder)
    zones = _zones(parse, first, holder)
    # "A wall with a B on the left and a wall with a C on the right": both are of their walls.
    own = [zone for zone in zones if not _is_companions(parse, zone, first)]
    return any(_is_across(zone, cue) for zone in own)


def _is_companions(parse: Parse, zone: Cue, first: int) -> bool:
    """Whether a place is that of what a thing is with, where the list of things does not begin with "with"."""
    return any(parse.lower[index] == "with" and index != first for index in range(max(zone.first - 6, 0), zone.first))


def _is_across(zone: Cue, cue: Cue) -> bool:
    """Whether two places are two ends of one axis, or an end and the middle."""
    return zone.relation != cue.relation and any({zone.relation, cue.relation} - _MIDDLE <= axis for axis in _AXES)


def _zones(parse: Parse, first: int, last: int) -> Iterator[Cue]:
    """Yield the places of the picture that are named from one token to before another."""
    for index in range(max(first, last - _REACH), last):
        zone = zone_after(parse, index) if parse.lower[index] in ZONE_PREPOSITIONS else None
        if zone is not None and (zone.frame == "image" or _is_of_picture(parse, zone)):
            yield zone


def _is_of_picture(parse: Parse, zone: Cue) -> bool:
    return any(word in PICTURE for word in parse.lower[zone.last + 1 : zone.last + 3])


def _listed_from(parse: Parse, holder: int) -> int:
    """Return the thing, its place, or the clause that a thing is listed after; the thing itself if none."""
    above = parse.heads[holder]
    if parse.dependencies[holder] == "conj":
        # Parsers coordinate "on the left and a table" as often as "a chair and a table".
        return min(parse.heads[above] if parse.dependencies[above] == "pobj" else above, holder)
    is_clause = parse.is_verb(above) and parse.dependencies[above] == "conj"
    return min(parse.heads[above], holder) if is_clause else holder


def is_anybodys(parse: Parse, cue: Cue, noun: int, holder: int) -> bool:
    """Whether what a thing is with may be another one: "the truck is over a path, with a mound on the right"."""
    preposition = parse.heads[noun]
    if parse.dependencies[noun] != "pobj" or parse.lower[preposition] != "with" or not holder < preposition:
        return False
    is_apart = parse.words[preposition - 1] == "," and parse.dependencies[holder] in {"pobj", "dobj"}
    zones = [zone for zone in _zones(parse, holder, preposition) if zone.relation not in _MIDDLE]
    if any(_is_across(zone, cue) for zone in zones):
        # "A man on the left with a dog on the right."
        return True
    return is_apart or _is_thing_between(parse, phrase_at(parse, holder).last + 1, preposition)


def _is_thing_between(parse: Parse, first: int, last: int) -> bool:
    return any(
        parse.is_noun(index) and parse.dependencies[index] in {"pobj", "dobj"} and parse.lower[index] not in ABSTRACT
        for index in range(max(first, last - _REACH), last)
    )


def is_of_another(parse: Parse, cue: Cue, noun: int) -> bool:
    """Whether a place without a word of what may be of a thing named before it, not of the picture."""
    is_face = parse.lower[cue.first] == "on" and parse.lower[cue.last] in {"front", "back", "rear"}
    return is_face or _place_before(parse, cue, noun) is not None or _follows_clause(parse, cue, noun)


def is_of_part(parse: Parse, cue: Cue, noun: int) -> bool:
    """Whether a side is told beside a part of a thing, or beside its opposite: "next to its head on the left"."""
    before = _place_before(parse, cue, noun)
    if before is None:
        return False
    told = parse.lower[max(noun, before - _REACH, 0) : before]
    is_part = parse.lower[before] in BODY or any(word in POSSESSIVES or word == "'s" for word in told[-4:])
    return is_part or any(_OPPOSITE.get(word) in parse.lower[cue.first : cue.last + 1] for word in told)


def _place_before(parse: Parse, cue: Cue, noun: int) -> int | None:
    """Return the noun of a place right before a cue, of which the cue can be a side; None if there is none."""
    before = cue.first - 1 - (parse.words[cue.first - 1] == ",")
    if before <= max(noun, 0) or not parse.is_noun(before) or parse.dependencies[before] != "pobj":
        return None
    return before if parse.lower[parse.heads[before]] in _BESIDE else None


def _follows_clause(parse: Parse, cue: Cue, noun: int) -> bool:
    """Whether a clause before is about another thing: "the roof is white and there is a beam at the top"."""
    phrase = phrase_at(parse, noun)
    if phrase.article == "the" and phrase.last + 1 == cue.first and parse.heads[cue.first] == noun:
        # "The bushes on the left" are told apart from others in the picture.
        return False
    verb = next((index for index in parse.ancestors(noun) if parse.is_verb(index)), None)
    before = _clause_before(parse, verb) if verb is not None else None
    if verb is None or before is None:
        return False
    about = clause_subjects(parse, before, before)
    subject = parse.find(before, *SUBJECT_LABELS)
    if not about or noun in about or (subject is not None and parse.lower[subject] in PICTURE):
        return False
    start = min([verb, *parse.children[verb]])
    first, _ = parse.sentences[parse.sentence_of(noun)]
    # "A man is on the left and a dog is on the right": both of the picture.
    return not any(_zones(parse, first, start))


def _clause_before(parse: Parse, verb: int) -> int | None:
    """Return the verb of the clause that a clause with a subject of its own is coordinated to, if that is before it."""
    above = parse.heads[verb]
    if parse.find(verb, "expl", *SUBJECT_LABELS) is None:
        return None
    if parse.dependencies[verb] in {"conj", "advcl", "ccomp", "parataxis"} and above < verb and parse.is_verb(above):
        return above
    first = parse.find(verb, "ccomp", "parataxis")
    return first if first is not None and first < verb and parse.is_verb(first) else None
