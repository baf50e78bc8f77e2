"""Noun phrases: their words, number and modifiers, and whether one is the only one of its name in a caption."""

from dataclasses import dataclass

from ninefold.captions.engines.rules.parse import Parse
from ninefold.captions.engines.rules.vocabulary import (
    ABSTRACT,
    AMOUNTS,
    GROUPS,
    MASS,
    POSSESSIVES,
    SOLID_DEPICTION,
    singular,
    words,
)

_LEFT_LABELS = words("det amod compound nummod poss nmod predet punct neg")
_ARTICLES = words("a an the this that these those another other some any each every both all no")
_DEFINITE = POSSESSIVES | words("the this that these those")
_SEVERAL = words("many several various numerous multiple few two three four five six seven eight nine ten")
"""Words before nouns in the plural, whatever their tag says."""

_SINGLE = words("sky sun moon ground floor ceiling sea ocean horizon")
"""Things that a picture has one of."""

_SMALL = frozenset(" abcdefghijklmnopqrstuvwxyz")
_OPENERS = words("Two Three Four Five Several Many Some Trees Green White Black Small Large Tall Dark Light")
"""Words at the beginning of a sentence that parsers take for names."""
MOST_MENTIONS = 60
"""Mentions of one noun from which on none of them counts as the only one; bounds the comparisons in a long text."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A noun phrase."""

    head: int
    """Index of its noun."""
    first: int
    """Index of its first token, its article included."""
    last: int
    """Index of its last token."""
    text: str
    """Its words without article."""
    article: str
    """Its article or other determiner in lower case; "" without one."""
    lemma: str
    """The singular of its noun, or of what a group consists of, in lower case."""
    modifiers: frozenset[str]
    """Its words other than noun and article, in lower case."""
    is_plural: bool
    """Whether it names several things."""
    is_proper: bool = False
    """Whether it is a name without an article."""

    @property
    def is_definite(self) -> bool:
        """Whether it can name a thing again that is known already."""
        return self.article in _DEFINITE or self.is_proper or self.lemma in _SINGLE


def phrase_at(parse: Parse, head: int) -> Phrase:
    """Return the noun phrase of a noun: what stands before it, and a short "of" after it."""
    first = _left_edge(parse, head)
    last = _right_edge(parse, head)
    article = parse.lower[first] if parse.lower[first] in _ARTICLES and first != head else ""
    if article in {"a", "an"} and _is_amount(parse, first + 1, head, last):
        # The article belongs to the amount: "a few boats", "a lot of books", not "the lot of books".
        article = ""
    begin = first + bool(article)
    if parse.tags[begin] == "PRP$" and begin < head:
        article, begin = parse.lower[begin], begin + 1
        begin += parse.lower[begin] == "own" and begin < head
    text = parse_text(parse, begin, last)
    if begin == first and _opens_sentence(parse, begin) and text[1:2] in _SMALL:
        text = text[0].lower() + text[1:]
    noun = head
    if parse.lower[head] in GROUPS and last > head:
        noun = next((index for index in range(last, head, -1) if parse.is_noun(index)), head)
    modifiers = frozenset(
        parse.lower[index]
        for index in range(begin, last + 1)
        if index not in {noun, head} and parse.words[index].isalnum()
    )
    plural = parse.is_plural(head) and article not in {"each", "every", "another"}
    counted = parse.lower[begin] in _SEVERAL and begin < head and parse.words[begin + 1] != "-"
    counted = counted or (parse.lower[head] in AMOUNTS and noun != head and parse.is_plural(noun))
    plural = plural or counted or parse.lower[head] in {"people", "children", "men", "women"}
    modifiers -= {"of", "the", "a", "an"}
    is_proper = article == "" and parse.tags[head] == "NNP" and text[:1].isupper()
    return Phrase(head, first, last, text, article, singular(parse.lower[noun]), modifiers, plural, is_proper)


def _is_amount(parse: Parse, index: int, head: int, last: int) -> bool:
    """Whether the word after "a" makes an amount with it of what follows: "few boats", "couple of dogs"."""
    if parse.lower[index] == "little" and index < head:
        # "A little snow", but "a little girl".
        return parse.lower[index + 1] in {"bit", "more"} or parse.lower[head] in MASS
    return (parse.lower[index] in AMOUNTS and index < last) or (parse.lower[head] in AMOUNTS and head < last)


def _opens_sentence(parse: Parse, index: int) -> bool:
    """Whether a word has its capital letter only because a sentence begins with it."""
    opens = index == 0 or parse.words[index - 1] in {".", "!", "?", ":", '"', "“"}
    return parse.tags[index] not in {"NNP", "NNPS"} or (opens and parse.words[index] in _OPENERS)


def parse_text(parse: Parse, first: int, last: int) -> str:
    """Return the words from one token to another, spaced as in the caption."""
    parts: list[str] = []
    for index in range(first, last + 1):
        gap = index > first and parse.starts[index] > parse.end(index - 1)
        parts.append(" " * gap + parse.words[index])
    return "".join(parts)


def _left_edge(parse: Parse, head: int) -> int:
    edge = head
    while edge > 0:
        before = edge - 1
        top = before
        while parse.heads[top] not in {head, top} and parse.heads[top] < head:
            top = parse.heads[top]
        if parse.heads[top] != head or parse.dependencies[top] not in _LEFT_LABELS:
            break
        if parse.tags[before] == "IN" and parse.lower[before] not in {"of", "than"}:
            break
        if parse.words[before] in {",", ".", ";", ":", "(", ")", '"', "“", "”"} and not _joins_adjectives(
            parse, before
        ):
            break
        edge = before
    while edge < head and parse.lower[edge] in {",", "and", "or", "but", '"', "'", "(", "-", "with"}:
        edge += 1
    return edge


def _joins_adjectives(parse: Parse, comma: int) -> bool:
    around = {parse.tags[comma - 1][:2], parse.tags[comma + 1][:2]} if comma > 0 else set()
    return parse.words[comma] == "," and around <= {"JJ", "VB", "RB", "CD"} and bool(around)


def _right_edge(parse: Parse, head: int) -> int:
    """Return the end of a short "of" phrase right after a noun, or the noun itself."""
    size = len(parse.words)
    if head + 2 >= size or parse.lower[head + 1] != "of" or parse.heads[head + 1] != head:
        return head
    inner = parse.find(head + 1, "pobj")
    if inner is None or inner - head > 6 or not parse.is_noun(inner):
        return head
    if parse.lower[inner] in ABSTRACT and parse.lower[head] not in SOLID_DEPICTION:
        return head
    return inner


def mentions(parse: Parse) -> dict[str, list[Phrase]]:
    """Return all noun phrases of a text by the singular of their noun."""
    found: dict[str, list[Phrase]] = {}
    covered = -1
    for index in range(len(parse.words)):
        if not parse.is_noun(index) or parse.dependencies[index] in {"compound", "nmod", "amod"}:
            continue
        if index <= covered:
            continue
        phrase = phrase_at(parse, index)
        found.setdefault(phrase.lemma, []).append(phrase)
        if parse.lower[index] in GROUPS:
            covered = phrase.last
    return found


def is_unique(phrase: Phrase, mentioned: dict[str, list[Phrase]]) -> bool:
    """Whether a phrase can mean one thing only: every other mention of its noun is the same thing, or told apart."""
    others = mentioned.get(phrase.lemma, [])
    if len(others) > MOST_MENTIONS or phrase.article in {"another", "other", "each", "every", "some", "any", "no"}:
        return False
    return all(
        _is_same(phrase, other) or _is_told_apart(phrase, other) for other in others if other.head != phrase.head
    )


def _is_same(one: Phrase, other: Phrase) -> bool:
    if one.is_plural != other.is_plural:
        return False
    early, late = sorted((one, other), key=lambda phrase: phrase.head)
    nested = early.modifiers <= late.modifiers or late.modifiers <= early.modifiers
    return nested and late.is_definite


def _is_told_apart(phrase: Phrase, other: Phrase) -> bool:
    return not phrase.modifiers <= other.modifiers


def entity(phrase: Phrase, mentioned: dict[str, list[Phrase]]) -> str:
    """Return a name of the thing that a phrase means, the same for all mentions where it is the only one."""
    others = mentioned.get(phrase.lemma, [])
    if len(others) <= MOST_MENTIONS and all(
        other is phrase or other.head == phrase.head or _is_same(phrase, other) for other in others
    ):
        return phrase.lemma
    return phrase.text.lower()
