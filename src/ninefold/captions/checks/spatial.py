"""The check of the spatial relation: whether a pair has one (section 3, check 5 of the paper)."""

from collections.abc import Iterator, Sequence

import xxhash

from ninefold.captions.checks.protocol import Checked, Image
from ninefold.captions.matching import has_relation
from ninefold.captions.spec import ChecksSpec


class Spatial:
    """Rejects pairs without a spatial relation: their engine names none, and neither keyword nor place is in them.

    The paper leaves "benign" pairs without a relation in its training data, and says that this check removes them. A
    share of them can be kept; which ones depends on a hash of their question alone.
    """

    def __init__(self, spec: ChecksSpec) -> None:
        """Take the settings."""
        self.benign = spec.benign

    def rejected(self, images: Sequence[Image]) -> Iterator[tuple[Checked, str]]:
        """Yield the pairs without a spatial relation."""
        for image in images:
            for item in image:
                pair = item.pair
                if not (
                    pair.relation or has_relation(f"{pair.question} | {pair.answer}") or self._is_kept(pair.question)
                ):
                    yield item, "no keyword of the taxonomy and no place in the picture, in question and answer"

    def limits(self) -> str:
        """Return "": every pair is checked."""
        return ""

    def _is_kept(self, question: str) -> bool:
        return xxhash.xxh3_64_intdigest(question.encode(errors="surrogatepass")) < self.benign * 2**64
