"""The check of semantic duplicates: pairs of an image that ask the same in other words (section 3, check 1).

Embeddings hold opposites nearer than paraphrases: with all-MiniLM-L6-v2, "left" against "right" in the same question
has a cosine of 0.98, and swapped things too. So a cosine decides only between pairs that state the same: the same
relation, the same thing in the same role (see `Meaning`).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ninefold.captions.checks.protocol import Checked, Image
from ninefold.captions.checks.words import GENERIC, content_words, quoted
from ninefold.captions.matching import longest, matches, relation_of
from ninefold.captions.pair import Pair
from ninefold.captions.spec import ChecksSpec

_NEGATIONS = frozenset("no not never none without isn aren wasn weren doesn don nothing".split())  # noqa: SIM905

_IN_THE_IMAGE = re.compile(r"\b(?:in|of|on|within) (?:the|this) (?:image|picture|photo|photograph|scene|frame)\b")
"""Words that tell no relation: all things are in the image."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a pair states, as far as two of them must not differ in it."""

    key: tuple[object, ...]
    """What has to be equal: relation, frame, the relations that the question names, negation; and subject and object
    or, where the engine does not tell them, the particular words of the question in order."""
    words: tuple[str, ...]
    """The question's particular words, in order: swapped roles change the order."""
    answer: frozenset[str] | None
    """The answer's particular words, which tell the subject or the object where the engine does not; else None."""

    def may_equal(self, other: "Meaning") -> bool:
        """Whether nothing speaks against the two stating the same."""
        if self.key != other.key:
            return False
        shared = set(self.words) & set(other.words)
        if [word for word in self.words if word in shared] != [word for word in other.words if word in shared]:
            return False
        if self.answer is None or other.answer is None:
            return True
        return self.answer <= other.answer or other.answer <= self.answer


def meaning(pair: Pair) -> Meaning:
    """Return what a pair states."""
    asked = _IN_THE_IMAGE.sub("", pair.question.lower())
    words = tuple(_particular(asked))
    named = tuple(match.keyword.relation for match in longest(matches(asked)))
    relation = pair.relation or relation_of(asked, pair.answer)
    negated = not _NEGATIONS.isdisjoint(words)
    if pair.subject:
        things = (_thing(pair.subject), _thing(pair.object))
        return Meaning((relation, pair.frame, named, negated, things), words, None)
    answered = relation_of("", pair.answer)
    return Meaning((relation, pair.frame, named, negated, words, answered), words, frozenset(_particular(pair.answer)))


class Semantic:
    """Rejects pairs of an image whose question is nearly the same as that of another pair that states the same.

    Kept is the first one, or the longest; the others are compared with those that are kept.
    """

    def __init__(self, spec: ChecksSpec) -> None:
        """Take the settings, and open the model.

        Raises:
            ModelError: If the model cannot be used.
        """
        from ninefold.captions.checks.embedding import open_embedding

        assert spec.embedding_model is not None
        self.embedding = open_embedding(spec.embedding_model)
        self.similarity = spec.similarity
        self.with_answer = spec.similarity_text == "question and answer"
        self.keep = spec.keep

    def rejected(self, images: Sequence[Image]) -> Iterator[tuple[Checked, str]]:
        """Yield the semantic duplicates, each with the question that is kept and the cosine."""
        alike = [group for image in images for group in self._alike(image)]
        texts = list(dict.fromkeys(self._text(item.pair) for group in alike for item, _ in group))
        vectors = dict(zip(texts, self.embedding.vectors(texts), strict=True)) if texts else {}
        for group in alike:
            kept: list[tuple[Checked, Meaning]] = []
            for item, stated in group:
                vector = vectors[self._text(item.pair)]
                for other, of_other in kept:
                    cosine = float(np.dot(vector, vectors[self._text(other.pair)]))
                    if cosine > self.similarity and stated.may_equal(of_other):
                        yield item, f"cosine {cosine:.3f} with {quoted(other.pair.question)}"
                        break
                else:
                    kept.append((item, stated))

    def limits(self) -> str:
        """Return "": every pair is checked."""
        return ""

    def _alike(self, image: Image) -> Iterator[list[tuple[Checked, Meaning]]]:
        """Yield the groups of pairs of an image that may state the same, the ones to keep first."""
        groups: dict[tuple[object, ...], list[tuple[Checked, Meaning]]] = {}
        for item in image:
            stated = meaning(item.pair)
            groups.setdefault(stated.key, []).append((item, stated))
        for group in groups.values():
            if self.keep == "longest":
                group.sort(key=lambda one: -len(one[0].pair.question) - len(one[0].pair.answer))
            if len(group) > 1:
                yield group

    def _text(self, pair: Pair) -> str:
        return f"{pair.question} {pair.answer}" if self.with_answer else pair.question


def _particular(text: str) -> list[str]:
    return [word for word in content_words(text) if word not in GENERIC]


@lru_cache(1 << 12)
def _thing(name: str) -> str:
    return " ".join(content_words(name))
