"""Zones: places of the picture or of a thing, "in the bottom left corner of the image" or "at the top of the tree"."""

from dataclasses import replace

from ninefold.captions.engines.rules.cue import Cue
from ninefold.captions.engines.rules.cue_tables import DIRECTIONS, ZONE_WORDS
from ninefold.captions.engines.rules.parse import Parse
from ninefold.captions.engines.rules.vocabulary import SIDE, words
from ninefold.captions.pair import Frame

DIRECTION = {word: relation for relation, text in DIRECTIONS.items() for word in text.split()}
"""The relation of each word for a direction."""

_BEFORE_DIRECTION = words("to the toward towards slightly directly straight off")


def zone_after(parse: Parse, first: int) -> Cue | None:
    """Return the cue of a preposition with a place, such as "in the bottom left corner of"; None if there is none."""
    begin = first + 1 + (parse.lower[first + 1 : first + 2] == ["the"])
    found, last = _directions(parse, begin)
    if not found:
        return None
    has_side = parse.lower[last] in SIDE
    if last + 1 < len(parse.words) and _goes_on(parse, first, last + 1):
        return None
    relations = _relations(found)
    if not relations or not _is_place(parse.lower[first], found, begin > first + 1, has_side):
        return None
    return _cue(parse, (first, last), relations, has_side)


def zone_that_holds(parse: Parse, article: int) -> Cue | None:
    """Return the cue of a place that is itself a subject or object: "the left side of the image shows a tree"."""
    found, last = _directions(parse, article + 1)
    if not found or parse.dependencies[last] not in {"nsubj", "nsubjpass", "dobj"}:
        return None
    relations = _relations(found)
    if not relations or not parse.is_noun(last):
        return None
    cue = _cue(parse, (article, last), relations, parse.lower[last] in SIDE)
    is_ground = found[-1] in {"background", "foreground"}
    if not cue.needs_object and not is_ground:
        return None
    preposition = "in" if is_ground or parse.lower[last] in {"corner", "center", "centre", "middle"} else "on"
    if relations[0] in {"above", "below"} and preposition == "on":
        preposition = "at"
    return replace(cue, wording=f"{preposition} {cue.wording}", holds=True)


def direction_after(parse: Parse, verb: int) -> Cue | None:
    """Return the cue of the direction in which something faces: "facing to the right"; None if there is none."""
    position = verb + 1
    while parse.lower[position : position + 1] and parse.lower[position] in _BEFORE_DIRECTION:
        position += 1
    if parse.lower[position : position + 1] not in (["left"], ["right"]) or not parse.is_verb(verb):
        return None
    following = parse.lower[position + 1 : position + 2]
    if following and (following[0] in {"of", "and", "or", "-", "side", "edge"} or parse.tags[position + 1][:2] == "NN"):
        return None
    return Cue(verb, position, "facing", parse.lower[position], "image", needs_object=False)


def _directions(parse: Parse, begin: int) -> tuple[list[str], int]:
    """Return the directions from a token on, and the last token of the place, a word such as "side" included."""
    found: list[str] = []
    position, size = begin, len(parse.words)
    while position < size and (parse.lower[position] in DIRECTION or parse.lower[position] in ZONE_WORDS):
        if parse.lower[position] in DIRECTION:
            found.append(parse.lower[position])
        position += 1
    if found and position < size and parse.lower[position] in SIDE:
        position += 1
    return found, position - 1


def _goes_on(parse: Parse, preposition: int, position: int) -> bool:
    """Whether the direction describes a noun that follows, as in "the left wall", or one of two: "left and right"."""
    following = parse.lower[position + 1 : position + 4]
    if parse.lower[position] in {"and", "or", "/", "to"} and any(word in DIRECTION for word in following[:2]):
        return True
    return parse.tags[position][:2] in {"NN", "JJ", "PO"} and parse.heads[position - 1] != preposition


def _relations(found: list[str]) -> list[str]:
    """Return the relations of directions: of "upper center" the upper part alone; none of "left" with "right"."""
    relations = list(dict.fromkeys(DIRECTION[word] for word in found))
    if len(relations) > 1:
        relations = [relation for relation in relations if relation not in {"central_position", "far"}]
    clash = {"left", "right"} <= set(relations) or {"above", "below"} <= set(relations)
    # The side comes first, because it makes the better question.
    return [] if clash else sorted(relations, key=lambda relation: relation not in {"left", "right"})


def _is_place(preposition: str, found: list[str], has_article: bool, has_side: bool) -> bool:
    if preposition == "to":
        return has_article and {"left", "right"} >= {DIRECTION[word] for word in found}
    if preposition == "across":
        return has_side or found[-1] in {"top", "bottom", "background", "foreground"}
    # "In front", "on top" and "in back" without an article are of something that stands elsewhere.
    return has_article or not (found[0] in {"front", "back", "rear", "distance"} or (found == ["top"] and not has_side))


def _cue(parse: Parse, span: tuple[int, int], relations: list[str], has_side: bool) -> Cue:
    first, last = span
    has_of = last + 1 < len(parse.words) and parse.lower[last + 1] == "of"
    wording = " ".join(parse.lower[first : last + 1]).replace(" - ", "-") + " of" * has_of
    frame: Frame = "part"
    if not has_of:
        frame = "image"
    elif relations in (["left"], ["right"]) and not has_side:
        frame = "viewer"
    needs_object = has_of or parse.lower[first] == "to"
    return Cue(first, last + has_of, relations[0], wording, frame, False, True, needs_object, tuple(relations[1:]))
