"""Shards: captions shared out to several runs by their images."""

import re
from dataclasses import dataclass

from ninefold.captions.sources.seen import text_hash
from ninefold.errors import DataError

_FORM = re.compile(r"(\d{1,9})/(\d{1,9})", re.ASCII)


@dataclass(frozen=True)
class Shard:
    """One of several parts of all captions; the captions of an image are in one part."""

    index: int
    """Its number, from 0."""
    count: int
    """The number of parts."""

    @classmethod
    def of(cls, text: str) -> "Shard":
        """Return the shard that a text such as "0/8" names.

        Raises:
            DataError: If it names none.
        """
        found = _FORM.fullmatch(text.strip())
        if not found or int(found[1]) >= int(found[2]):
            raise DataError(f"--shard {text!r:.40}: write i/n, with i from 0 to n - 1, such as 0/8 to 7/8")
        return cls(int(found[1]), int(found[2]))

    def holds(self, key: str) -> bool:
        """Whether the captions with this key, the image or else the id, are in this part."""
        return text_hash(key) % self.count == self.index
