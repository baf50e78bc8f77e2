"""Guards: what makes the words of a relation no statement about the picture (denied, guessed, depicted, mirrored)."""

import re

from ninefold.captions.engines.rules.cues import Cue
from ninefold.captions.engines.rules.parse import Parse
from ninefold.captions.engines.rules.phrases import Phrase
from ninefold.captions.engines.rules.vocabulary import (
    ABSTRACT,
    CAMERA,
    COMPARISONS,
    CONTAINERS,
    DENIED_HEADS,
    HEDGES,
    ING_NOUNS,
    NEGATIONS,
    PICTURE,
    PICTURED,
    REFLECTION,
    SEEMING,
    SOLID_DEPICTION,
    TELLING,
    singular,
    words,
)

_QUOTED = re.compile(r"\"[^\"]{1,400}\"|“[^”]{1,400}”|‘[^’]{1,200}’|(?<!\w)'[^'\n]{1,200}'(?!\w)")
_COMPLEMENTS = words("xcomp ccomp acomp oprd advcl attr")


def quoted(text: str) -> list[tuple[int, int]]:
    """Return the positions of what stands between quotation marks."""
    return [match.span() for match in _QUOTED.finditer(text)]


def is_quoted(parse: Parse, index: int, quotes: list[tuple[int, int]]) -> bool:
    """Whether a token stands between quotation marks."""
    return any(start <= parse.starts[index] < end for start, end in quotes)


def is_asserted(parse: Parse, cue: Cue, subject: int, place: int | None) -> bool:
    """Whether a relation is stated as a fact: nothing that governs it denies it, guesses, compares or quotes."""
    for start in {cue.first, subject, *([place] if place is not None else [])}:
        for index in parse.ancestors(start):
            if _is_denied_at(parse, index, start):
                return False
    return not _before_is_denial(parse, cue)


def _is_denied_at(parse: Parse, index: int, start: int) -> bool:
    word = parse.lower[index]
    if index != start and (word in COMPARISONS and parse.tags[index] in {"IN", "VBG", "VBZ", "VBP", "JJ"}):
        return True
    if word in DENIED_HEADS or word in REFLECTION:
        return True
    if index != start and word in TELLING and parse.is_verb(index):
        return parse.dependencies[start] not in {"nsubj", "nsubjpass"} or parse.heads[start] != index
    for child in parse.children[index]:
        other = parse.lower[child]
        if other in NEGATIONS or other in HEDGES:
            return True
        if parse.dependencies[child] == "mark" and other in {"if", "though", "although", "whether"} and index != start:
            return other in {"if", "whether"} or parse.lower[max(child - 1, 0)] == "as"
    return word in SEEMING and any(parse.dependencies[child] in _COMPLEMENTS for child in parse.children[index])


def _before_is_denial(parse: Parse, cue: Cue) -> bool:
    before = parse.lower[max(cue.first - 3, 0) : cue.first]
    return bool(before) and (
        before[-1] in {"not", "without", "never", "n't", "nor", "no"} or before[-2:] == ["rather", "than"]
    )


def is_thing(parse: Parse, phrase: Phrase) -> bool:
    """Whether a noun phrase names a thing that can be somewhere in the picture."""
    word = parse.lower[phrase.head]
    if not parse.is_noun(phrase.head) or word in PICTURE or len(word) < 2:
        return False
    if word in ABSTRACT or singular(word) in ABSTRACT:
        return (
            phrase.last > phrase.head and phrase.lemma not in ABSTRACT and word not in REFLECTION and _is_measure(word)
        )
    if word in REFLECTION or word in CAMERA or phrase.article == "no":
        return False
    # A verb form that is tagged as a noun: "black showing", "arrows pointing".
    return not word.endswith(("ness", "ity", "tude")) and (
        not word.endswith("ing") or word in ING_NOUNS or len(word) < 6
    )


def _is_measure(word: str) -> bool:
    return word in {
        "number",
        "lot",
        "variety",
        "couple",
        "pieces",
        "piece",
        "section",
        "layer",
        "layers",
        "row",
        "majority",
    }


def is_depicted(parse: Parse, index: int) -> bool:
    """Whether a noun is the content of a picture in the picture: of "a painting of a cat"."""
    for token in parse.ancestors(index):
        if token == index or parse.lower[token] not in {"of", "with", "depicting", "showing", "featuring"}:
            continue
        head = parse.heads[token]
        word = parse.lower[head]
        if parse.is_noun(head) and word in PICTURED | SOLID_DEPICTION and not _is_whole_picture(parse, head):
            return parse.lower[token] != "with" or word in {"label", "logo", "painting", "poster"}
    return False


def _is_whole_picture(parse: Parse, head: int) -> bool:
    """Whether a word for a picture means the picture that the caption describes: "A photo of a cat on a table"."""
    if parse.lower[head] not in PICTURE:
        return False
    return parse.dependencies[head] in {"ROOT", "nsubj", "attr", "pobj"} and parse.lower[parse.heads[head]] not in {
        "with",
        "on",
    }


def is_container(parse: Parse, phrase: Phrase) -> bool:
    """Whether things can be in what a noun phrase names."""
    word = parse.lower[phrase.head]
    return word in CONTAINERS or singular(word) in CONTAINERS or phrase.lemma in CONTAINERS
