"""Clauses: the subjects of a verb, what a thing belongs to, and the noun that names a thing whole."""

from ninefold.captions.engines.rules.parse import Parse
from ninefold.captions.engines.rules.vocabulary import GROUPS, PICTURE, SHADOWS, SOLID_DEPICTION, VIEWS

SUBJECT_LABELS = ("nsubj", "nsubjpass")
_RELATIVE = frozenset({"that", "which", "who", "whom"})
_SHARING = frozenset({"acl", "conj", "xcomp", "advcl", "ccomp", "pcomp", "acomp", "oprd", "dep"})
"""Arcs over which a verb without a subject shares that of the verb above it, or modifies the noun above it."""
_OWNING = frozenset({"has", "have", "having", "features", "featuring"})


def clause_subjects(parse: Parse, verb: int, before: int) -> list[int]:
    """Return the subjects of a verb, through "there is", inversion, relative clauses, participles and coordination.

    Args:
        parse: The parse.
        verb: Index of the verb.
        before: Index of the words that place something; before the verb they can have put the subject behind it.
    """
    for _ in range(8):
        own = _existential(parse, verb)
        own = _own_subject(parse, verb) if own is None else own
        own = _inverted(parse, verb, before) if own is None else own
        if own is not None:
            return parse.conjuncts(own)
        label, head = parse.dependencies[verb], parse.heads[verb]
        if label not in _SHARING or head == verb:
            return []
        if not parse.is_verb(head):
            return [head] if parse.is_noun(head) else []
        verb = head
    return []


def _existential(parse: Parse, verb: int) -> int | None:
    if parse.find(verb, "expl") is None:
        return None
    return parse.find(verb, "attr", "dobj", *SUBJECT_LABELS)


def _own_subject(parse: Parse, verb: int) -> int | None:
    """Return the subject of a verb; of a relative clause, what that describes."""
    subject = parse.find(verb, *SUBJECT_LABELS)
    is_relative = parse.dependencies[verb] == "relcl"
    if subject is None or (is_relative and parse.lower[subject] in _RELATIVE):
        return parse.heads[verb] if is_relative else None
    if parse.lower[subject] in PICTURE or parse.tags[subject] in {"IN", "RB", "JJ", "TO"}:
        # "The image shows a cat"; "Adjacent to the cow is a boulder", where parsers see a subject in "adjacent".
        shown = parse.find(verb, "attr", "dobj")
        return shown if shown is not None else subject
    return subject


def _inverted(parse: Parse, verb: int, before: int) -> int | None:
    """Return the subject that stands after its verb: "Behind the house is a tree", "Mounted on the wall is a clock"."""
    if parse.dependencies[verb] == "csubj":
        return parse.find(parse.heads[verb], "attr", "nsubj")
    auxiliary = parse.find(verb, "auxpass", "aux")
    if auxiliary is not None and before < auxiliary:
        return parse.find(auxiliary, "attr", "nsubj")
    shown = parse.find(verb, "attr", "dobj")
    if shown is not None and before < verb < shown and parse.dependencies[verb] in {"ROOT", "conj", "ccomp", "advcl"}:
        return shown
    return None


def owner(parse: Parse, noun: int) -> int | None:
    """Return what a noun is told to belong to: the tower of "a tower with a clock", or of "the tower has a clock"."""
    while parse.dependencies[noun] in {"conj", "appos", "nmod", "compound"} and not parse.is_verb(parse.heads[noun]):
        noun = parse.heads[noun]
    label, head = parse.dependencies[noun], parse.heads[noun]
    if label == "pobj" and parse.lower[head] == "with":
        above = parse.heads[head]
        verb = parse.heads[above] if parse.tags[above] == "JJ" else above
        # "The wall is white with a stripe": the stripe is the wall's. After other verbs it may be anybody's.
        return next(iter(clause_subjects(parse, verb, verb)), None) if parse.lower[verb] in {"is", "are"} else above
    if label in {"dobj", "conj"} and parse.lower[head] in _OWNING:
        return next(iter(clause_subjects(parse, head, head)), None)
    return None


def whole(parse: Parse, noun: int) -> int:
    """Return the noun that names a thing whole: the group of "a group of people", the cat of "a view of a cat"."""
    above = parse.heads[noun]
    if parse.dependencies[noun] == "pobj" and parse.lower[above] == "of" and parse.heads[above] == above - 1:
        return above - 1 if parse.lower[above - 1] in GROUPS | SOLID_DEPICTION | SHADOWS else noun
    is_view = parse.lower[noun] in VIEWS or (
        # "A photo of a cat is on the wall" is about the photo.
        parse.lower[noun] in PICTURE and parse.dependencies[noun] not in {*SUBJECT_LABELS, "dobj", "conj"}
    )
    preposition = parse.find(noun, "prep") if is_view else None
    inner = parse.find(preposition, "pobj") if preposition is not None and parse.lower[preposition] == "of" else None
    return inner if inner is not None and parse.is_noun(inner) else noun
