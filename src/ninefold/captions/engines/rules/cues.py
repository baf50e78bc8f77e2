"""Cues: the words of a text that state a relation."""

from collections.abc import Iterator
from dataclasses import dataclass

from ninefold.captions.engines.rules.cue import Cue
from ninefold.captions.engines.rules.cue_tables import (
    BARE,
    FACING,
    HOLDERS,
    PASSIVES,
    PHRASES,
    REWORDED,
    VERBS,
    ZONE_PREPOSITIONS,
)
from ninefold.captions.engines.rules.parse import Parse
from ninefold.captions.engines.rules.vocabulary import POSSESSIVES
from ninefold.captions.engines.rules.zones import direction_after, zone_after, zone_that_holds

_BEFORE_NOUNS = POSSESSIVES | {"the", "a", "an", "entire", "whole"}
"""Words after which "outside", "inside" or "opposite" is a noun."""


@dataclass(frozen=True, slots=True)
class _Row:
    words: tuple[str, ...]
    relation: str
    wording: str
    is_inverse: bool = False
    is_verb: bool = False


def _rows() -> Iterator[_Row]:
    for relation, text in PHRASES.items():
        for phrase in text.split(" / "):
            yield _Row(tuple(phrase.split()), relation, REWORDED.get(phrase, phrase))
    for words, (relation, wording) in BARE.items():
        yield _Row(words, relation, wording)
    for (relation, wording), text in PASSIVES.items():
        yield from (_Row(tuple(phrase.split()), relation, wording, True) for phrase in text.split(" / "))
    for table in (VERBS, HOLDERS):
        for (relation, wording), text in table.items():
            yield from (_Row((verb,), relation, wording, table is HOLDERS, True) for verb in text.split())


_TABLE: dict[str, list[_Row]] = {}
for _row in sorted(_rows(), key=lambda row: -len(row.words)):
    _TABLE.setdefault(_row.words[0], []).append(_row)


def cues(parse: Parse) -> Iterator[Cue]:
    """Yield the cues of a text in order: the longest where several begin at one word, and none inside another."""
    index, size = 0, len(parse.words)
    while index < size:
        cue = None
        word = parse.lower[index]
        if word in ZONE_PREPOSITIONS:
            cue = zone_after(parse, index)
        elif word == "the":
            cue = zone_that_holds(parse, index)
        elif word in FACING:
            cue = direction_after(parse, index)
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
    first = row.words[0]
    if first in {"left", "right"}:
        # "Toward the left of", "from the upper right of": a direction, or the side of somebody.
        leaves = parse.is_verb(index) and parse.find(index, "nsubj", "nsubjpass") is not None
        return not leaves and parse.lower[index - 1 : index] not in (["the"], ["his"], ["her"], ["its"], ["-"])
    if row.relation == "part_of":
        return parse.dependencies[index + len(row.words) - 2] == "attr"
    if parse.lower[index - 1 : index] and parse.lower[index - 1] in _BEFORE_NOUNS:
        # "The outside of the box" is a part of it.
        return False
    if len(row.words) > 1:
        return True
    is_agent = first == "by" and parse.dependencies[index] == "agent"
    is_together = first == "along" and parse.lower[index + 1 : index + 2] == ["with"]
    return not is_agent and not is_together and parse.tags[index] in {"IN", "RB", "JJ", "RP", "TO", "NN", "CC"}
