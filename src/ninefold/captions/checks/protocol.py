"""The protocol of a check: pairs of several images in, the rejected ones out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from ninefold.captions.caption import Caption
from ninefold.captions.pair import Pair
from ninefold.captions.spec import CheckName


@dataclass(slots=True)
class Checked:
    """A pair, and what the checks have found; complete once all of them are made."""

    pair: Pair
    """The pair."""
    caption: Caption
    """The caption that it comes from."""
    rejected_by: CheckName | None = None
    """The check that rejected it, the first one in the order of the paper; None if it is kept."""
    detail: str = ""
    """Why, in one line; of a kept pair its cosine with the image, if that was computed."""


Image = Sequence[Checked]
"""The pairs of one image, in the order of its captions."""


class Check(Protocol):
    """A rule that rejects pairs. The verdict on a pair depends on its own image's pairs alone."""

    def rejected(self, images: Sequence[Image]) -> Iterator[tuple[Checked, str]]:
        """Yield the rejected pairs, each with the reason in one line.

        Args:
            images: Images with the pairs that all earlier checks have kept; several, so that models compute in batches.
        """
        ...

    def limits(self) -> str:
        """Return which pairs could not be checked so far, and why, in one line; "" if there are none."""
        ...
