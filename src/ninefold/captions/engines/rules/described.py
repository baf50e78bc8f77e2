"""The object that a caption describes: the subject of the description of one object of an image."""

from dataclasses import dataclass, field

from ninefold.captions.caption import Caption
from ninefold.captions.engines.rules.coreference import main_subject
from ninefold.captions.engines.rules.parse import Parse
from ninefold.captions.engines.rules.phrases import Phrase, phrase_at
from ninefold.captions.engines.rules.vocabulary import singular


@dataclass(slots=True)
class Described:
    """What a caption describes: an object of the image, or nothing but the image itself."""

    parse: Parse
    """The parse of the caption."""
    caption: Caption
    """The caption."""
    phrase: Phrase | None = field(init=False, default=None)
    """The noun phrase that the description calls it by, or its label."""
    _root: int | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        if self.caption.described is None:
            return
        self._root = main_subject(self.parse, 0)
        if self._root is not None and self.parse.is_noun(self._root) and not self._is_unnamed(self._root):
            self.phrase = phrase_at(self.parse, self._root)
        elif self.caption.label:
            text = self.caption.label.lower().removeprefix("a ").removeprefix("an ").removeprefix("the ")
            lemma = singular(text.split()[-1])
            self.phrase = Phrase(0, 0, 0, text, "the", lemma, frozenset(text.split()[:-1]), text.endswith("s"))

    def is_unnamed(self, noun: int) -> bool:
        """Whether a noun such as "object" is the described object, which its label then names better."""
        return noun == self._root and self._is_unnamed(noun)

    def _is_unnamed(self, noun: int) -> bool:
        return bool(self.caption.label) and self.parse.lower[noun] in {"object", "thing", "item"}

    def is_root(self, noun: int) -> bool:
        """Whether a noun is the described object: the subject of the first sentence, or named again by its noun."""
        if self._root is None:
            return False
        if noun == self._root:
            return True
        again = self.parse.lower[noun] == self.parse.lower[self._root] and self.parse.sentence_of(noun) > 0
        return again and main_subject(self.parse, self.parse.sentence_of(noun)) == noun
