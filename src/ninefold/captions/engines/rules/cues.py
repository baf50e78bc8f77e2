"""Cues: the words of a text that state a relation."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ninefold.captions.engines.rules.cue_tables import (
    BARE,
    DIRECTIONS,
    HOLDERS,
    PASSIVES,
    PHRASES,
    VERBS,
    ZONE_PREPOSITIONS,
    ZONE_WORDS,
)
from ninefold.captions.engines.rules.parse import Parse
from ninefold.captions.engines.rules.vocabulary import SIDE
from ninefold.captions.pair import Frame


@dataclass(frozen=True, slots=True)
class Cue:
    """Words that state a relation."""

    first: int
    """Index of its first token."""
    last: int
    """Index of its last token."""
    relation: str
    """Name of the relation in the taxonomy."""
    wording: str
    """The words that a question or an answer says it with, before the object."""
    frame: Frame = "viewer"
    """What it is told from, as far as the cue tells."""
    is_inverse: bool = False
    """Whether the grammatical object is the one that is somewhere: "covered by snow"."""
    is_zone: bool = False
    """Whether it names a place of the picture or of a thing: "on the left", "at the top of"."""
    needs_object: bool = True
    """Whether it says nothing without an object: "to the left of", but not "on the left"."""
    also: tuple[str, ...] = ()
    """Further relations that the same words state: "bottom left"."""
    can_be_bare: bool = False
    """Whether its object may be what the subject belongs to: "a house with a shed behind"."""


@dataclass(frozen=True, slots=True)
class _Row:
    words: tuple[str, ...]
    relation: str
    wording: str
    is_inverse: bool = False
    is_verb: bool = False


def _rows() -> Iterator[_Row]:
    for relation, text in PHRASES.items():
        yield from (_Row(tuple(phrase.split()), relation, phrase) for phrase in text.split(" / "))
    for words, (relation, wording) in BARE.items():
        yield _Row(words, relation, wording)
    for (relation, wording), text in PASSIVES.items():
        yield from (_Row(tuple(phrase.split()), relation, wording, True) for phrase in text.split(" / "))
    for table in (VERBS, HOLDERS):
        for (relation, wording), text in table.items():
            yield from (_Row((verb,), relation, wording, table is HOLDERS, True) for verb in text.split())


_DIRECTION = {word: relation for relation, text in DIRECTIONS.items() for word in text.split()}
_TABLE: dict[str, list[_Row]] = {}
for _row in sorted(_rows(), key=lambda row: -len(row.words)):
    _TABLE.setdefault(_row.words[0], []).append(_row)


def of_part(cue: Cue) -> Cue:
    """Return the cue of a place in the picture as one of a place on a thing: "at the top of" for "at the top"."""
    side = " side" * (cue.wording.split()[-1] in {"left", "right"})
    return replace(cue, frame="part", wording=f"{cue.wording}{side} of")


def cues(parse: Parse) -> Iterator[Cue]:
    """Yield the cues of a text in order: the longest where several begin at one word, and none inside another."""
    index, size = 0, len(parse.words)
    while index < size:
        cue = None
        word = parse.lower[index]
        if word in ZONE_PREPOSITIONS:
            cue = _zone(parse, index)
        if cue is None and word in _TABLE:
            cue = _phrase(parse, index)
        if cue is not None:
            yield cue
            index = cue.last
        index += 1


def _phrase(parse: Parse, index: int) -> Cue | None:
    for row in _TABLE[parse.lower[index]]:
        last = index + len(row.words) - 1
        if tuple(parse.lower[index : last + 1]) == row.words and _is_usable(parse, index, row):
            bare = row.words in BARE
            return Cue(index, last, row.relation, row.wording, is_inverse=row.is_inverse, can_be_bare=bare)
    return None


def _is_usable(parse: Parse, index: int, row: _Row) -> bool:
    """Whether the words have the part of speech that makes them a cue."""
    if row.is_verb:
        # "A face" and "lines" are mostly nouns, whatever their tag says: only a direct object makes them verbs.
        return parse.is_verb(index) and parse.find(index, "dobj") is not None
    if row.words[0] in {"left", "right"} and index > 0 and parse.lower[index - 1] in {"the", "his", "her", "its", "-"}:
        # "Toward the left of", "from the upper right of": a direction, or the side of somebody.
        return False
    if len(row.words) > 1:
        return True
    if row.words[0] == "by":
        return parse.dependencies[index] != "agent"
    if row.words[0] == "along" and parse.lower[index + 1 : index + 2] == ["with"]:
        return False
    return parse.tags[index] in {"IN", "RB", "JJ", "RP", "TO", "NN", "CC"}


def _zone(parse: Parse, first: int) -> Cue | None:
    """Return the cue of a direction as a place, such as "in the bottom left corner of"; None if there is none."""
    lower, size = parse.lower, len(parse.words)
    begin = first + 1 + (first + 1 < size and lower[first + 1] == "the")
    position = begin
    found: list[str] = []
    while position < size and (lower[position] in _DIRECTION or lower[position] in ZONE_WORDS):
        if lower[position] in _DIRECTION:
            found.append(lower[position])
        position += 1
    if not found:
        return None
    has_side = position < size and lower[position] in SIDE
    position += has_side
    if position < size and _goes_on(parse, first, position):
        return None
    relations = _relations(found)
    if not relations or not _is_place(lower[first], found, begin > first + 1, has_side):
        return None
    return _zone_cue(parse, (first, position - 1), relations, has_side)


def _goes_on(parse: Parse, preposition: int, position: int) -> bool:
    """Whether the direction describes a noun that follows, as in "the left wall", or one of two: "left and right"."""
    following = parse.lower[position + 1 : position + 4]
    if parse.lower[position] in {"and", "or", "/", "to"} and any(word in _DIRECTION for word in following[:2]):
        return True
    return parse.tags[position][:2] in {"NN", "JJ", "PO"} and parse.heads[position - 1] != preposition


def _relations(found: list[str]) -> list[str]:
    """Return the relations of directions: of "upper center" the upper part alone; none of "left" with "right"."""
    relations = list(dict.fromkeys(_DIRECTION[word] for word in found))
    if len(relations) > 1:
        relations = [relation for relation in relations if relation in {"left", "right", "above", "below"}]
    clash = {"left", "right"} <= set(relations) or {"above", "below"} <= set(relations)
    # The side comes first, because it makes the better question.
    return [] if clash else sorted(relations, key=lambda relation: relation in {"above", "below"})


def _is_place(preposition: str, found: list[str], has_article: bool, has_side: bool) -> bool:
    if preposition == "to":
        return has_article and {"left", "right"} >= {_DIRECTION[word] for word in found}
    if preposition == "across":
        return has_side or found[-1] in {"top", "bottom", "background", "foreground"}
    # "In front", "on top" and "in back" without an article are of something that stands elsewhere.
    return has_article or not (found[0] in {"front", "back", "rear", "distance"} or (found == ["top"] and not has_side))


def _zone_cue(parse: Parse, span: tuple[int, int], relations: list[str], has_side: bool) -> Cue:
    first, last = span
    has_of = last + 1 < len(parse.words) and parse.lower[last + 1] == "of"
    wording = " ".join(parse.lower[first : last + 1]).replace(" - ", "-") + " of" * has_of
    frame: Frame = "part"
    if not has_of:
        frame = "image"
    elif relations[0] in {"left", "right"} and not has_side:
        frame = "viewer"
    needs_object = has_of or parse.lower[first] == "to"
    return Cue(first, last + has_of, relations[0], wording, frame, False, True, needs_object, tuple(relations[1:]))
