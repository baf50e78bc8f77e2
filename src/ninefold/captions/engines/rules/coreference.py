"""Pronouns: the noun that "it", "they", "he" or "she" means, only where one noun alone can be meant."""

from ninefold.captions.engines.rules.clauses import clause_subjects, whole
from ninefold.captions.engines.rules.parse import Parse
from ninefold.captions.engines.rules.vocabulary import ABSTRACT, FEMALE, LIKENESSES, MALE, PEOPLE, PICTURE

REACH = 500
"""Tokens before a pronoun in which the person that it means is looked for; bounds the time for a long text."""

_SINGULAR, _PLURAL = frozenset({"it", "itself"}), frozenset({"they", "them", "themselves"})
_PERSONS = {"he": FEMALE, "him": FEMALE, "his": FEMALE, "she": MALE, "her": MALE}
"""For each pronoun of a person, the nouns that it cannot mean."""


def antecedent(parse: Parse, pronoun: int, not_this: int | None = None) -> int | None:
    """Return the noun that a pronoun means; None if it is none, or if several can be meant."""
    word = parse.lower[pronoun]
    if word in _PERSONS:
        return _person(parse, pronoun, _PERSONS[word])
    if word not in _SINGULAR | _PLURAL:
        return None
    nearby = _in_clause(parse, pronoun, not_this)
    if nearby is None and not _has_rivals(parse, pronoun, not_this):
        nearby = _before(parse, pronoun)
    if nearby is None or not parse.is_noun(nearby) or nearby == not_this:
        return None
    if parse.lower[nearby] in ABSTRACT | PICTURE or (parse.lower[nearby] in PEOPLE and word in _SINGULAR):
        return None
    return nearby if _is_plural(parse, nearby) == (word in _PLURAL) else None


def _has_rivals(parse: Parse, pronoun: int, not_this: int | None) -> bool:
    """Whether the same sentence names further things before a pronoun, so that it may mean one of them."""
    first, _ = parse.sentences[parse.sentence_of(pronoun)]
    own = parse.conjuncts(not_this) if not_this is not None and not_this >= 0 else []
    return any(
        parse.is_noun(index)
        and parse.dependencies[index] in {"nsubj", "nsubjpass", "dobj", "attr", "pobj"}
        and index not in own
        and parse.lower[index] not in ABSTRACT
        for index in range(first, pronoun)
    )


def _is_plural(parse: Parse, noun: int) -> bool:
    return parse.is_plural(noun) or len(parse.conjuncts(noun)) > 1


def _in_clause(parse: Parse, pronoun: int, not_this: int | None) -> int | None:
    """Return the noun of the same sentence whose part or companion is told: "a table with a vase on it"."""
    for index in parse.ancestors(pronoun):
        if index == pronoun:
            continue
        preposition = parse.lower[parse.heads[index]] if parse.dependencies[index] == "pobj" else ""
        if parse.is_noun(index) and preposition == "with":
            above = parse.heads[parse.heads[index]]
            if parse.is_noun(above):
                return above
        elif index == not_this and preposition not in {"", "of", "with"}:
            # "A crack is in the cement under it": under the crack, or under what was told of before.
            return None
        if parse.is_verb(index):
            subjects = [subject for subject in clause_subjects(parse, index, index) if subject < pronoun]
            if len(subjects) == 1 and not_this not in {subjects[0], whole(parse, subjects[0])}:
                # "It has a circle within it": the first "it" tells what the second one means.
                return subjects[0] if parse.is_noun(subjects[0]) else antecedent(parse, subjects[0], not_this)
    return None


def _before(parse: Parse, pronoun: int) -> int | None:
    """Return the subject of the sentence before, if it has one."""
    number = parse.sentence_of(pronoun)
    return main_subject(parse, number - 1) if number > 0 else None


def main_subject(parse: Parse, number: int) -> int | None:
    """Return the noun that a sentence is about: the only subject of its root, or a root that is a noun."""
    first, last = parse.sentences[number]
    root = next((index for index in range(first, last) if parse.heads[index] == index), first)
    subjects = [root] if parse.is_noun(root) else clause_subjects(parse, root, first)
    if len(subjects) != 1:
        return None
    named = whole(parse, subjects[0])
    return named if parse.lower[named] not in PICTURE else None


def _person(parse: Parse, pronoun: int, excluded: frozenset[str]) -> int | None:
    """Return the last person named before, if only one name for a person that the pronoun can mean is used so far."""
    candidates = [
        index
        for index in range(max(pronoun - REACH, 0), pronoun)
        if parse.lower[index] in PEOPLE | LIKENESSES
        and parse.tags[index] == "NN"
        and parse.lower[index] not in excluded
    ]
    names = {parse.lower[index] for index in candidates}
    return candidates[-1] if len(names) == 1 else None
