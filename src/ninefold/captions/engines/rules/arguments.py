"""Arguments of a cue: the nouns that are somewhere, and the nouns that this is told from."""

from ninefold.captions.engines.rules.clauses import SUBJECT_LABELS, clause_subjects
from ninefold.captions.engines.rules.cue import Cue
from ninefold.captions.engines.rules.cue_tables import AIMING, CHANGED, FILLED, FILLING, HOLDING, LOCATED, SEEN
from ninefold.captions.engines.rules.parse import Parse
from ninefold.captions.engines.rules.vocabulary import COLORS, SHOWING

_CONTACT = frozenset({"on", "inside_within", "around", "connected_attached", "central_position", "within_boundary"})
"""Relations that, after a verb with an object, tell where the object is: "puts a cup on the table"."""
_OBJECT_LABELS = ("pobj", "dobj", "npadvmod", "attr")
_ADVERBIAL = (["IN"], ["RB"], ["TO"], ["JJ"])
_QUOTES = frozenset("\"'“”‘’")
_NO_PLACES = frozenset({"left", "right", "front", "top"})


def governor(parse: Parse, cue: Cue) -> int | None:
    """Return the token outside a cue that governs it, or its own verb; None if it stands alone."""
    for index in range(cue.first, cue.last + 1):
        if parse.is_verb(index) and parse.lower[index] not in {"left"}:
            return index
    tokens = range(cue.first, cue.last + 1)
    for index in tokens:
        head = parse.heads[index]
        if head not in tokens:
            return _climbed(parse, head, cue)
    return None


def _climbed(parse: Parse, head: int, cue: Cue) -> int | None:
    """Return what governs a cue through adverbs and prepositions that only modify it: "up on", "just behind"."""
    for _ in range(6):
        if _is_idle(parse, head):
            head = parse.heads[head]
        elif parse.is_noun(head) or parse.is_verb(head) or parse.tags[head] in {"PRP", "CD", "DT"}:
            return head
        if parse.heads[head] == head or parse.lower[head] in {"from"}:
            return None
        head = parse.heads[head]
        if cue.first <= head <= cue.last:
            return None
    return None


def _is_idle(parse: Parse, noun: int) -> bool:
    """Whether a noun is one of "on display" or "in bloom", so that the place that follows is of what is on display."""
    return parse.dependencies[noun] == "pobj" and parse.lower[noun] in {"display", "bloom", "place", "view", "sale"}


def objects(parse: Parse, cue: Cue) -> list[int]:
    """Return the nouns or pronouns after a cue that it governs; a verb's direct object too."""
    for index in range(cue.last, cue.first - 1, -1):
        for child in parse.children[index]:
            if child > cue.last and parse.dependencies[child] in _OBJECT_LABELS:
                return [child]
    return _shared_objects(parse, cue)


def _shared_objects(parse: Parse, cue: Cue) -> list[int]:
    """Return the object that a cue shares with the one coordinated with it: "above and next to it"."""
    following = cue.last + 2
    if parse.lower[cue.last + 1 : following] != ["and"] or parse.tags[following : following + 1] not in _ADVERBIAL:
        return []
    last = {"of", "to", parse.lower[following]}
    for index in range(following + 1, min(following + 5, len(parse.words))):
        if parse.dependencies[index] == "pobj" and parse.lower[parse.heads[index]] in last:
            return [index] if parse.lower[index] not in _NO_PLACES else []
    return []


def subjects(parse: Parse, cue: Cue) -> list[int]:
    """Return the nouns or pronouns that a cue says to be somewhere, in order; empty if the parse does not tell."""
    if cue.holds:
        return _held(parse, cue)
    before = _before_quotation(parse, cue.first - 1)
    if _is_companion(parse, before) and before not in parse.ancestors(cue.first):
        return _together(parse, before)
    head = governor(parse, cue)
    if head is None:
        return []
    if not parse.is_verb(head):
        return _of_noun(parse, head, cue)
    found = of_verb(parse, head, cue)
    # "One wheel under the cab and two wheels under the trailer": the second place is of the second noun.
    return _together(parse, before) if before in found else found


def _held(parse: Parse, cue: Cue) -> list[int]:
    """Return what a place holds: what it shows, what it is filled with, or what fills it."""
    place = cue.last - (parse.lower[cue.last] == "of")
    verb = parse.heads[place]
    if parse.dependencies[place] == "dobj":
        return clause_subjects(parse, verb, verb) if parse.lower[verb] in FILLING else []
    shown = parse.find(verb, "dobj", "attr") if parse.lower[verb] in HOLDING else None
    if shown is None and parse.lower[verb] in FILLED:
        by = parse.find(verb, "agent", "prep")
        shown = parse.find(by, "pobj") if by is not None and parse.lower[by] in {"by", "with"} else None
    return parse.conjuncts(shown) if shown is not None else []


def _before_quotation(parse: Parse, index: int) -> int:
    """Return the token before a quotation that ends at a token; the token itself if none does."""
    if index < 0 or parse.words[index] not in _QUOTES:
        return index
    start = max(index - 12, 0)
    before = next((opening - 1 for opening in range(index - 1, start, -1) if parse.words[opening] in _QUOTES), index)
    # 'A logo for "Cola"' as well as 'the text "Cola"'.
    return parse.heads[before] if parse.lower[before] in {"for", "of"} else before


def _is_companion(parse: Parse, index: int) -> bool:
    """Whether a token is what something is told to be with: the stripe of "a wall is white with a stripe along it".

    Parsers hang the place that follows on the verb as often as on the stripe.
    """
    if index < 1 or not parse.is_noun(index):
        return False
    # Parsers make "text" a part of the quotation in 'with the text "OPEN"'.
    while parse.dependencies[index] in {"conj", "nmod", "compound", "appos"}:
        index = parse.heads[index]
    return parse.dependencies[index] == "pobj" and parse.lower[parse.heads[index]] == "with"


def _of_noun(parse: Parse, noun: int, cue: Cue) -> list[int]:
    """Return the noun with those coordinated before it: "a cup and a plate on the table" are both on it."""
    if noun > cue.first:
        # A place in front belongs to the clause: "On the left, a man ..." with the noun as root of a fragment.
        return parse.conjuncts(noun) if parse.dependencies[noun] in {"ROOT", "conj", *SUBJECT_LABELS} else []
    return _together(parse, noun)


def _together(parse: Parse, noun: int) -> list[int]:
    """Return a noun with those that it is coordinated to, unless one of them has a place of its own."""
    first = noun
    while parse.dependencies[first] == "conj" and parse.is_noun(parse.heads[first]):
        first = parse.heads[first]
    members = [member for member in parse.conjuncts(first) if member <= noun and parse.is_noun(member)]
    placed = {"prep", "acl", "relcl"}
    if noun not in members or any(
        parse.dependencies[child] in placed for member in members[:-1] for child in parse.children[member]
    ):
        return [noun]
    return members


def _is_quality(parse: Parse, verb: int, cue: Cue) -> bool:
    """Whether a place tells where a thing is of some quality, not where it is: "is smooth near the feet"."""
    quality = parse.find(verb, "acomp", "attr")
    if quality is None or not verb < quality < cue.first or parse.lower[quality] in LOCATED:
        return False
    return parse.tags[quality][:2] == "JJ" or parse.lower[quality] in COLORS


def of_verb(parse: Parse, verb: int, cue: Cue) -> list[int]:
    """Return the nouns that a verb with a place says to be there: its subject, or its object where it moves that."""
    direct = parse.find(verb, "dobj")
    if direct is not None and direct < cue.first and cue.first > verb:
        if parse.lower[verb] in SHOWING or cue.relation in _CONTACT:
            return parse.conjuncts(direct)
        return []
    aims = cue.wording in {"on", "in", "over", "through"} and parse.lower[verb] in AIMING
    looks = cue.wording == "through" and parse.lower[verb] in SEEN
    changes = cue.is_zone and cue.frame == "image" and parse.lower[verb] in CHANGED
    if aims or looks or changes or _is_quality(parse, verb, cue):
        return []
    return clause_subjects(parse, verb, cue.first)
