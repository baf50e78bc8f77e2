"""Guards: what makes the words of a relation no statement of fact (denied, guessed, mirrored, compared, quoted)."""

import re
from bisect import bisect_right

from ninefold.captions.engines.rules.cue import Cue
from ninefold.captions.engines.rules.parse import Parse
from ninefold.captions.engines.rules.phrases import phrase_at
from ninefold.captions.engines.rules.vocabulary import (
    COMPARISONS,
    DENIED_HEADS,
    HEDGES,
    MIRRORING,
    NEGATIONS,
    PICTURE,
    PICTURED,
    REFLECTION,
    SEEMING,
    SHADOWS,
    SHOWN_BY,
    TELLING,
)

_QUOTED = re.compile(r"\"[^\"]{1,400}\"|“[^”]{1,400}”|‘[^’]{1,200}’|(?<!\w)'[^'\n]{1,200}'(?!\w)")
_DENIALS = frozenset({("rather", "than"), ("instead", "of"), ("except", "for"), ("other", "than"), ("far", "from")})
_VIEWS = frozenset({"perspective", "viewpoint", "view", "standpoint", "vantage", "side", "seat"})
_ALTERNATIVES = frozenset({"neither", "nor", "either", "or"})
_PRESUPPOSED = frozenset({"nsubj", "nsubjpass", "csubj"})
"""Arcs over which nothing is denied: "the lamp behind the chair is not red" says where the lamp is."""
_SEPARATE = frozenset({"conj", "advcl", "relcl", "acl", "parataxis", "appos"})
"""Arcs that end the reach of a negation or guess: "is not red, standing on the table" says that it stands there."""
_LONGEST_LIST = 8
"""Members of a list that are looked through for the picture that shows them; bounds the time."""
_COMPLEMENTS = frozenset({"xcomp", "ccomp", "acomp", "oprd", "attr", "dobj"})


def quoted(text: str) -> list[tuple[int, int]]:
    """Return the positions of what stands between quotation marks."""
    return [match.span() for match in _QUOTED.finditer(text)]


def is_quoted(parse: Parse, index: int, quotes: list[tuple[int, int]]) -> bool:
    """Whether a token stands between quotation marks, of which `quoted` has told the positions."""
    before = bisect_right(quotes, (parse.starts[index] + 1,))
    return before > 0 and parse.starts[index] < quotes[before - 1][1]


def is_asserted(parse: Parse, cue: Cue, subject: int, place: int | None) -> bool:
    """Whether a relation is stated as a fact: nothing that governs it denies it, guesses, compares or quotes."""
    before = tuple(parse.lower[max(cue.first - 2, 0) : cue.first])
    if (before[-1:] and before[-1] in NEGATIONS) or before in _DENIALS:
        return False
    for start in (subject, cue.first):
        # "Neither a cat nor a dog", "either under the bed or behind the sofa", "a cat or a dog".
        joined = (start, _first_conjunct(parse, start))
        children = (child for index in joined for child in parse.children[index])
        if any(parse.lower[child] in _ALTERNATIVES and parse.dependencies[child] != "det" for child in children):
            return False
    places = [] if place is None else [place]
    return all(_reaches(parse, start) for start in (cue.first, subject, *places))


def _reaches(parse: Parse, start: int) -> bool:
    """Whether the way from a token to the root of its sentence meets nothing that makes it no fact."""
    below, arc = start, ""
    for index in parse.ancestors(start):
        if index != start:
            arc = parse.dependencies[below]
            if arc in _PRESUPPOSED and not _is_telling(parse, index, below):
                return True
        if _is_alien(parse, index, below) or (arc not in _SEPARATE and _is_doubted(parse, index, arc)):
            return False
        below = index
    return True


def _is_telling(parse: Parse, verb: int, below: int) -> bool:
    """Whether the verb above a subject is the content of "says that"; there the whole clause is."""
    return parse.dependencies[verb] in {"ccomp", "advcl"} and below < verb


def _is_alien(parse: Parse, index: int, below: int) -> bool:
    """Whether what stands below a token is elsewhere or nowhere: likened, lacking, mirrored, or told by a text."""
    word = parse.lower[index]
    if word in DENIED_HEADS or (word in MIRRORING and parse.dependencies[below] not in {"conj", *_PRESUPPOSED}):
        return True
    if index == below:
        return False
    if word in COMPARISONS and parse.tags[index] in {"IN", "VBG", "VBZ", "VBP", "JJ"}:
        return True
    if word in TELLING and parse.is_verb(index):
        return parse.dependencies[below] not in {"conj", "prep", *_PRESUPPOSED}
    return False


def _is_doubted(parse: Parse, index: int, arc: str) -> bool:
    """Whether a word is denied or guessed, by its own modifiers or as the complement of "seems"."""
    if parse.lower[index] in SEEMING and arc in _COMPLEMENTS:
        return True
    for child in parse.children[index]:
        word = parse.lower[child]
        if word in NEGATIONS or word in HEDGES:
            return True
        if word in {"if", "whether", "like"} and parse.dependencies[child] == "mark":
            return True
        if word == "though" and parse.lower[child - 1] == "as":
            return True
        if parse.dependencies[child] == "prep" and (_mirrors(parse, child) or _is_somebodys_view(parse, child)):
            return True
    return False


def _mirrors(parse: Parse, preposition: int) -> bool:
    """Whether a place is a mirror: "in the mirror, a man stands behind the chair"."""
    place = parse.find(preposition, "pobj")
    is_in = parse.lower[preposition] in {"in", "within"}
    return is_in and place is not None and parse.lower[place] in {"mirror", "mirrors", "reflection", "reflections"}


def _is_somebodys_view(parse: Parse, preposition: int) -> bool:
    """Whether a place is told from somebody in the picture: "from the driver's perspective"."""
    view = parse.find(preposition, "pobj") if parse.lower[preposition] == "from" else None
    return view is not None and parse.lower[view] in _VIEWS and parse.find(view, "poss") is not None


def is_depicted(parse: Parse, index: int) -> bool:
    """Whether a noun is the content of a picture in the picture: the cat of "a painting of a cat on a table"."""
    if _is_listed_in_picture(parse, index):
        return True
    below = index
    for token in parse.ancestors(index):
        if token != index:
            head = parse.heads[token]
            if parse.lower[token] in {"of", "depicting", "showing", "featuring"} and _is_picture(parse, head):
                return True
            if parse.lower[token] in SHOWN_BY and parse.dependencies[below] in {"dobj", "ccomp"}:
                subject = parse.find(token, "nsubj")
                if subject is not None and _is_picture(parse, subject):
                    return True
        below = token
    return False


def _is_listed_in_picture(parse: Parse, index: int) -> bool:
    """Whether a noun is listed after the content of a picture: the cat of "a shadow of a dog and a cat".

    Parsers often give such a noun the place of the picture itself.
    """
    for _ in range(_LONGEST_LIST):
        before = phrase_at(parse, index).first - 1
        last = before
        while last > 0 and parse.lower[last] in {",", "and"}:
            last -= 1
        if last <= 0:
            return False
        if last == before:
            is_of = parse.lower[before] == "of"
            return is_of and (_is_picture(parse, before - 1) or parse.lower[before - 1] in REFLECTION | SHADOWS)
        if not parse.is_noun(last):
            return False
        index = last
    return False


def may_be_content(parse: Parse, cue: Cue, noun: int, head: int | None) -> bool:
    """Whether a place right after "a drawing of a cat" may be in the drawing: "under a chair"."""
    content = parse.find(noun, "prep")
    is_of = content is not None and parse.lower[content] == "of" and content < cue.first
    return head == noun and is_of and parse.lower[noun] in PICTURED


def _is_picture(parse: Parse, noun: int) -> bool:
    """Whether a noun is a picture in the picture, not the one that the caption describes."""
    word = parse.lower[noun]
    if word in PICTURE:
        above = parse.heads[noun]
        return parse.lower[above] in {"with", "on", "has", "holding", "above", "by"} and above != noun
    return word in PICTURED or word in {"mirror", "mirrors", "reflection"}


def _first_conjunct(parse: Parse, noun: int) -> int:
    while parse.dependencies[noun] == "conj" and parse.heads[noun] != noun:
        noun = parse.heads[noun]
    return noun
