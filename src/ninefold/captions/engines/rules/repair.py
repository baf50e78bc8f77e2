"""Repairs of parses: words that small English parsers often tag wrongly in captions."""

from ninefold.captions.engines.rules.parse import Parse
from ninefold.captions.engines.rules.vocabulary import BEFORE_PLURALS, ING_NOUNS, words

_POSTURES = words("rests lies sits stands hangs lays leans floats rises hovers perches dangles protrudes peeks emerges")
"""Verbs that captions use after a noun, where parsers see a plural noun: "a twig lays atop the rock"."""

_SIDES = words("left right top bottom center centre middle side corner front back background foreground")

_PHRASE_LABELS = frozenset({"det", "amod", "nummod", "compound", "poss", "nmod"})
_NOUN_LABELS = frozenset({"pobj", "nsubj", "nsubjpass", "dobj", "attr", "conj"})
_NO_NOUNS = words(
    "left right top bottom front back white black red blue green yellow brown gray grey orange purple pink "
    "beige tan gold silver other same latter former first second third two three four color middle"
)


def mend(parse: Parse) -> None:
    """Correct known mistakes of a parse in place."""
    for index in range(1, len(parse.words)):
        if parse.tags[index] in {"NN", "NNS"}:
            word = parse.lower[index]
            is_verbal = word.endswith("ing") and word not in ING_NOUNS and len(word) > 5
            is_verbal = is_verbal or _is_one_in_plural(parse, index)
            if parse.tags[index] == "NNS" and parse.dependencies[index] == "ROOT" and parse.find(index, "nsubj"):
                # "A ladder leans": it has a subject.
                parse.tags[index] = "VBZ"
                continue
            if is_verbal or word in _POSTURES or parse.find(index, "dobj") is not None:
                _make_verb(parse, index)
            elif parse.dependencies[index] == "conj" and parse.dependencies[parse.heads[index]] == "pobj":
                _make_conjunct(parse, index)
        elif parse.tags[index] == "VBG" and parse.lower[index] in ING_NOUNS:
            _make_thing(parse, index)
        elif parse.tags[index] in {"JJ", "VBN", "VBD", "RB"} and parse.dependencies[index] in _NOUN_LABELS:
            _make_noun(parse, index)


def _is_one_in_plural(parse: Parse, noun: int) -> bool:
    """Whether "a" stands before a plural, which is then the verb of the noun before it: "a ladder leans on it"."""
    return (
        parse.tags[noun] == "NNS"
        and parse.lower[noun - 1] not in BEFORE_PLURALS
        and any(parse.lower[child] in {"a", "an"} for child in parse.children[noun] if child < noun)
    )


def _make_verb(parse: Parse, verb: int) -> None:
    """Make a verb of a noun that directly follows its own compound noun: the compound is what is somewhere."""
    noun = verb - 1
    if (
        parse.heads[noun] != verb
        or not parse.is_noun(noun)
        or parse.lower[noun] in _NO_NOUNS
        or parse.dependencies[noun] not in {"compound", "nmod", "amod"}
    ):
        return
    is_participle = parse.lower[verb].endswith("ing")
    moved = [child for child in parse.children[verb] if child < noun and parse.dependencies[child] in _PHRASE_LABELS]
    for child in moved:
        _attach(parse, child, noun)
    if is_participle:
        label, head = parse.dependencies[verb], parse.heads[verb]
        _attach(parse, noun, noun if head == verb else head)
        _attach(parse, verb, noun)
        parse.dependencies[noun], parse.dependencies[verb] = label, "acl"
        parse.tags[verb] = "VBG"
    else:
        parse.dependencies[noun], parse.tags[verb] = "nsubj", "VBZ"


def _make_noun(parse: Parse, index: int) -> None:
    """Make a noun of what has an article and the place of a noun: "below the frieze"."""
    if parse.lower[index] in _NO_NOUNS or not parse.words[index].isalpha():
        return
    if (parse.tags[index + 1 : index + 2] and parse.tags[index + 1][:2] in {"NN", "JJ", "VB"}) or parse.lower[
        index + 1 : index + 2
    ] == [","]:
        # "A partially visible arched doorway": an adjective of what follows.
        return
    if any(parse.dependencies[child] == "det" and child < index for child in parse.children[index]):
        parse.tags[index] = "NN"


def _make_thing(parse: Parse, index: int) -> None:
    """Make a noun of a participle that names a thing with the noun before it: "a metal railing"."""
    noun = index - 1
    if parse.heads[index] != noun or not parse.is_noun(noun) or parse.dependencies[index] != "acl":
        return
    if parse.find(index, "dobj", "prt") is not None or parse.is_plural(noun):
        return
    label, head = parse.dependencies[noun], parse.heads[noun]
    for child in [child for child in parse.children[noun] if child != index]:
        _attach(parse, child, index)
    _attach(parse, index, index if head == noun else head)
    _attach(parse, noun, index)
    parse.dependencies[index], parse.dependencies[noun], parse.tags[index] = label, "compound", "NN"


def _make_conjunct(parse: Parse, noun: int) -> None:
    """Coordinate a noun with the thing, not with its place: "a cup on the left and a plate on the right".

    That is so where the place is a direction, and where the noun has a place of its own by the same preposition.
    """
    place = parse.heads[noun]
    preposition = parse.heads[place]
    thing = parse.heads[preposition]
    following = noun + 1 if noun + 1 < len(parse.words) else noun
    is_parallel = parse.lower[following] == parse.lower[preposition] and parse.heads[following] != noun
    if parse.lower[noun] in _SIDES or not parse.is_noun(thing) or not (is_parallel or parse.lower[place] in _SIDES):
        return
    _attach(parse, noun, thing)
    if parse.dependencies[following] == "prep" and parse.heads[following] in {thing, place}:
        _attach(parse, following, noun)


def _attach(parse: Parse, index: int, head: int) -> None:
    old = parse.heads[index]
    if old != index:
        parse.children[old].remove(index)
    parse.heads[index] = head
    if head != index:
        parse.children[head] = sorted([*parse.children[head], index])
