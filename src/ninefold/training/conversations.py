"""Conversations: all questions about an image as one example, whose image is read once."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import overload

from ninefold.data.format.reading import StoredExamples
from ninefold.training.dataset import joined
from ninefold.types import Example

MEASURED = 10_000
"""Number of questions whose tokens are counted together."""


class Conversations(Sequence[Example]):
    """The conversations of data sets, read on access: each is its first example, with the others as further turns."""

    def __init__(self, examples: Sequence[Example], rows: Sequence[Sequence[int]]) -> None:
        """Take the examples, and the indices of those of each conversation."""
        self.examples = examples
        self.rows = rows

    @classmethod
    def of(
        cls, sets: Sequence[StoredExamples], measure: Callable[[Sequence[tuple[str, str]]], Sequence[int]], most: int
    ) -> "Conversations":
        """Return the conversations of a split of all data sets, about images with the same pixels (see `grouped`).

        Args:
            sets: The examples of each data set.
            measure: A function that returns the number of tokens of turns, each a prompt and its answer.
            most: The largest number of tokens of a conversation.
        """
        turns = chain.from_iterable(examples.texts("prompt", "answer") for examples in sets)
        images = chain.from_iterable(examples.pixel_hashes() for examples in sets)
        lengths = list[int]()
        while part := list(islice(turns, MEASURED)):
            lengths += measure(part)
        return cls(joined(sets), grouped(images, lengths, most))

    @property
    def questions(self) -> int:
        """Return the number of questions of all conversations."""
        return sum(map(len, self.rows))

    def __len__(self) -> int:
        """Return the number of conversations."""
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> list[Example]: ...
    def __getitem__(self, index: int | slice) -> Example | list[Example]:
        """Return the conversation at an index, or a list of them for a slice."""
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        first, *others = (self.examples[row] for row in self.rows[index])
        return replace(first, turns=tuple((example.prompt, example.answer) for example in others))


def grouped(images: Iterable[str], lengths: Sequence[int], most: int) -> list[list[int]]:
    """Return the indices of the examples of each conversation, in the order of their first ones.

    Args:
        images: The image of each example, by a name.
        lengths: Its number of tokens.
        most: The largest sum of them in a conversation, which an example that is longer alone exceeds.
    """
    found: list[list[int]] = []
    open_at: dict[str, tuple[int, int]] = {}
    for index, (image, length) in enumerate(zip(images, lengths, strict=True)):
        at, used = open_at.get(image, (-1, 0))
        if at < 0 or used + length > most:
            at, used = len(found), 0
            found.append([])
        found[at].append(index)
        open_at[image] = at, used + length
    return found
