"""The dependency parse of a text, as plain lists: what the rules read, free of the parser's own types."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

NOUN_TAGS = frozenset({"NN", "NNS", "NNP", "NNPS"})
VERB_TAGS = frozenset({"VB", "VBD", "VBG", "VBN", "VBP", "VBZ", "MD"})


@dataclass(slots=True)
class Parse:
    """Tokens of a text with their tags, heads and dependencies (labels of ClearNLP, tags of the Penn Treebank)."""

    words: list[str]
    """The tokens as written."""
    starts: list[int]
    """Position of each token's first character in the caption."""
    tags: list[str]
    """Part-of-speech tags."""
    dependencies: list[str]
    """Labels of the arcs to the heads."""
    heads: list[int]
    """Index of each token's head; a root is its own."""
    sentences: list[tuple[int, int]]
    """First and one past the last token of each sentence."""
    lower: list[str] = field(init=False)
    """The tokens in lower case."""
    children: list[list[int]] = field(init=False)
    """Indices of the tokens that each token governs, in order."""

    def __post_init__(self) -> None:
        self.lower = [word.lower() for word in self.words]
        self.children = [[] for _ in self.words]
        for index, head in enumerate(self.heads):
            if head != index:
                self.children[head].append(index)

    def end(self, index: int) -> int:
        """Return the position after a token's last character."""
        return self.starts[index] + len(self.words[index])

    def is_noun(self, index: int) -> bool:
        """Whether a token is a common or a proper noun."""
        return self.tags[index] in NOUN_TAGS

    def is_verb(self, index: int) -> bool:
        """Whether a token is a verb."""
        return self.tags[index] in VERB_TAGS

    def is_plural(self, index: int) -> bool:
        """Whether a token is a noun in the plural."""
        return self.tags[index] in {"NNS", "NNPS"}

    def sentence_of(self, index: int) -> int:
        """Return the number of the sentence that holds a token."""
        return bisect_right(self.sentences, index, key=lambda span: span[0]) - 1

    def find(self, index: int, *labels: str) -> int | None:
        """Return the first token that a token governs by one of the labels, or None."""
        return next((child for child in self.children[index] if self.dependencies[child] in labels), None)

    def ancestors(self, index: int) -> Iterator[int]:
        """Yield a token and what governs it, up to the root of its sentence."""
        while True:
            yield index
            if self.heads[index] == index:
                return
            index = self.heads[index]

    def conjuncts(self, index: int) -> list[int]:
        """Return a token and those that are coordinated with it by "and", in order."""
        found = [index]
        for member in found:
            joint = [child for child in self.children[member] if self.dependencies[child] == "conj"]
            if joint and any(self.lower[child] == "or" for child in self.children[member]):
                continue
            found.extend(joint)
        return sorted(found)


def joined(parses: Sequence[Parse]) -> Parse:
    """Return the parses of the pieces of one text as one parse."""
    if len(parses) == 1:
        return parses[0]
    words: list[str] = []
    starts: list[int] = []
    tags: list[str] = []
    labels: list[str] = []
    heads: list[int] = []
    sentences: list[tuple[int, int]] = []
    for parse in parses:
        shift = len(words)
        words += parse.words
        starts += parse.starts
        tags += parse.tags
        labels += parse.dependencies
        heads += [head + shift for head in parse.heads]
        sentences += [(first + shift, last + shift) for first, last in parse.sentences]
    return Parse(words, starts, tags, labels, heads, sentences)
