"""The check of duplicates: identical questions about one image (section 3, check 1 of the paper)."""

from collections.abc import Iterator, Sequence

from ninefold.captions.checks.protocol import Checked, Image
from ninefold.captions.checks.words import plain_words, quoted
from ninefold.captions.spec import ChecksSpec


class Duplicates:
    """Rejects all but one of the pairs of an image that ask the same question, whatever they answer.

    Questions are the same if their words are, in order; case, marks and spaces play no part. Kept is the first one, or
    the one with the longest answer (the first of these).
    """

    def __init__(self, spec: ChecksSpec) -> None:
        """Take the settings."""
        self.keep = spec.keep

    def rejected(self, images: Sequence[Image]) -> Iterator[tuple[Checked, str]]:
        """Yield the duplicates, each with the answer that is kept."""
        for image in images:
            kept: dict[str, Checked] = {}
            for item in image:
                asked = " ".join(plain_words(item.pair.question))
                first = kept.setdefault(asked, item)
                if first is item:
                    continue
                if self.keep == "longest" and len(item.pair.answer) > len(first.pair.answer):
                    kept[asked] = item
                    first, item = item, first  # noqa: PLW2901 - the earlier one is the duplicate
                yield item, f"asked already, with the answer {quoted(first.pair.answer)}"

    def limits(self) -> str:
        """Return "": every pair is checked."""
        return ""
