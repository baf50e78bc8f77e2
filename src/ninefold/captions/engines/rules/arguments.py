"""Arguments of a cue: the nouns that are somewhere, and the nouns that this is told from."""

from ninefold.captions.engines.rules.cues import Cue
from ninefold.captions.engines.rules.parse import Parse
from ninefold.captions.engines.rules.vocabulary import GROUPS, PICTURE, SHOWING, SOLID_DEPICTION, VIEWS

_CONTACT = frozenset({"on", "inside_within", "around", "connected_attached", "central_position", "within_boundary"})
"""Relations that, after a verb with an object, tell where the object is: "puts a cup on the table"."""
_OBJECT_LABELS = ("pobj", "dobj", "npadvmod", "attr")
_RELATIVE = frozenset({"that", "which", "who", "whom"})
_SUBJECT_LABELS = ("nsubj", "nsubjpass")


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
        if parse.is_noun(head) or parse.is_verb(head) or parse.tags[head] in {"PRP", "CD", "DT"}:
            return head
        if parse.heads[head] == head or parse.lower[head] in {"from"}:
            return None
        head = parse.heads[head]
        if cue.first <= head <= cue.last:
            return None
    return None


def objects(parse: Parse, cue: Cue) -> list[int]:
    """Return the nouns or pronouns after a cue that it governs; a verb's direct object too."""
    for index in range(cue.last, cue.first - 1, -1):
        for child in parse.children[index]:
            if child > cue.last and parse.dependencies[child] in _OBJECT_LABELS:
                return [child]
    return _shared_objects(parse, cue)


def _shared_objects(parse: Parse, cue: Cue) -> list[int]:
    """Return the object that a cue shares with the one coordinated with it: "above and next to it"."""
    last = cue.last + 1
    if (
        last + 1 >= len(parse.words)
        or parse.lower[last] != "and"
        or parse.tags[last + 1] not in {"IN", "RB", "TO", "JJ"}
    ):
        return []
    for index in range(last + 1, min(last + 7, len(parse.words))):
        if parse.dependencies[index] == "pobj" and parse.lower[parse.heads[index]] in {
            "of",
            "to",
            parse.lower[last + 1],
        }:
            if parse.find(index, "prep") is None or parse.is_noun(index):
                return [index] if parse.lower[index] not in {"left", "right", "front", "top"} else []
    return []


def subjects(parse: Parse, cue: Cue) -> list[int]:
    """Return the nouns or pronouns that a cue says to be somewhere, in order; empty if the parse does not tell."""
    before = cue.first - 1
    if _is_companion(parse, before) and before not in parse.ancestors(cue.first):
        return [before]
    head = governor(parse, cue)
    if head is None:
        return []
    if not parse.is_verb(head):
        return _of_noun(parse, head, cue)
    return of_verb(parse, head, cue)


def _is_companion(parse: Parse, index: int) -> bool:
    """Whether a token is what something is told to be with: the stripe of "a wall is white with a stripe along it".

    Parsers hang the place that follows on the verb as often as on the stripe.
    """
    if index < 1 or not parse.is_noun(index) or parse.dependencies[index] != "pobj":
        return False
    return parse.lower[parse.heads[index]] == "with"


def _of_noun(parse: Parse, noun: int, cue: Cue) -> list[int]:
    """Return the noun with those coordinated before it: "a cup and a plate on the table" are both on it."""
    if noun > cue.first:
        # A place in front belongs to the clause: "On the left, a man ..." with the noun as root of a fragment.
        return parse.conjuncts(noun) if parse.dependencies[noun] in {"ROOT", "conj", *_SUBJECT_LABELS} else []
    if parse.dependencies[noun] != "conj":
        return [noun]
    first = parse.heads[noun]
    together = [member for member in parse.conjuncts(first) if member <= noun and parse.is_noun(member)]
    for member in together[:-1]:
        if any(parse.dependencies[child] in {"prep", "acl", "relcl"} for child in parse.children[member]):
            return [noun]
    return together if noun in together else [noun]


def whole(parse: Parse, noun: int) -> int:
    """Return the noun that names a thing whole: the group of "a group of people", the cat of "a view of a cat"."""
    for _ in range(3):
        above = parse.heads[noun]
        if parse.dependencies[noun] == "pobj" and parse.lower[above] == "of" and parse.heads[above] == above - 1:
            if parse.lower[above - 1] in GROUPS | SOLID_DEPICTION:
                noun = above - 1
                continue
        shown = parse.find(noun, "prep") if parse.lower[noun] in PICTURE | VIEWS else None
        inner = parse.find(shown, "pobj") if shown is not None and parse.lower[shown] == "of" else None
        if inner is None or not parse.is_noun(inner):
            return noun
        noun = inner
    return noun


def of_verb(parse: Parse, verb: int, cue: Cue) -> list[int]:
    """Return the nouns that a verb with a place says to be there: its subject, or its object where it moves that."""
    direct = parse.find(verb, "dobj")
    if direct is not None and direct < cue.first and cue.first > verb:
        if parse.lower[verb] in SHOWING or cue.relation in _CONTACT:
            return parse.conjuncts(direct)
        if cue.frame != "viewer":
            return []
    return clause_subjects(parse, verb, cue.first)


def owner(parse: Parse, noun: int) -> int | None:
    """Return what a noun is told to belong to: the tower of "a tower with a clock", or of "the tower has a clock"."""
    head = parse.heads[noun]
    if parse.dependencies[noun] == "pobj" and parse.lower[head] == "with":
        return parse.heads[head]
    if parse.dependencies[noun] == "dobj" and parse.lower[head] in {"has", "have", "having", "features", "featuring"}:
        return next(iter(clause_subjects(parse, head, head)), None)
    return None


def clause_subjects(parse: Parse, verb: int, before: int) -> list[int]:
    """Return the subjects of a verb, through "there is", inversion, relative clauses, participles and coordination.

    Args:
        parse: The parse.
        verb: Index of the verb.
        before: Index of the words that place something; before the verb they can have put the subject behind it.
    """
    for _ in range(8):
        own = _own_subjects(parse, verb, before)
        if own is not None:
            return own
        label, head = parse.dependencies[verb], parse.heads[verb]
        if label in {"acl", "conj", "xcomp", "advcl", "ccomp", "pcomp", "acomp", "oprd", "dep"} and head != verb:
            if not parse.is_verb(head):
                return [head] if parse.is_noun(head) else []
            verb = head
        else:
            return []
    return []


def _own_subjects(parse: Parse, verb: int, before: int) -> list[int] | None:
    """Return the subjects that a verb has itself; None if it shares those of another."""
    subject = parse.find(verb, *_SUBJECT_LABELS)
    shown = parse.find(verb, "attr", "dobj")
    if parse.find(verb, "expl") is not None:
        subject = shown if shown is not None else subject
        return parse.conjuncts(subject) if subject is not None else []
    if subject is not None and parse.lower[subject] in _RELATIVE and parse.dependencies[verb] == "relcl":
        return [parse.heads[verb]]
    if subject is not None and (parse.lower[subject] in PICTURE or parse.tags[subject] in {"IN", "RB", "JJ", "TO"}):
        # "The image shows a cat"; "Adjacent to the cow is a boulder", where parsers see a subject in "adjacent".
        subject = shown if shown is not None else subject
    if subject is not None:
        return parse.conjuncts(subject)
    if parse.dependencies[verb] == "relcl":
        return [parse.heads[verb]]
    if parse.dependencies[verb] == "csubj":
        # "Flanking the door are two lamps."
        shown = parse.find(parse.heads[verb], "attr", "nsubj")
        return parse.conjuncts(shown) if shown is not None else []
    auxiliary = parse.find(verb, "auxpass", "aux")
    if shown is None and auxiliary is not None and before < auxiliary:
        # "Mounted on the wall is a clock."
        shown = parse.find(auxiliary, "attr", "nsubj")
        verb = auxiliary if shown is not None else verb
        return parse.conjuncts(shown) if shown is not None else None
    if shown is not None and before < verb < shown and parse.dependencies[verb] in {"ROOT", "conj", "ccomp"}:
        return parse.conjuncts(shown)
    return None
