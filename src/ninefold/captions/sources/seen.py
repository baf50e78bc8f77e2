"""Sets of texts that take little memory: what has been read before, and ids made unique."""

from array import array

import xxhash


def text_hash(*parts: str) -> int:
    """Return the xxh3_64 of texts, each of which ends in a NUL."""
    return xxhash.xxh3_64_intdigest("".join(f"{part}\0" for part in parts).encode(errors="backslashreplace"))


class Seen:
    """A set of texts, by their 64-bit hashes: 11 to 22 bytes each.

    Among 1.6 million texts, any two have the same hash once in 10 million such sets.
    """

    def __init__(self) -> None:
        self._table, self._count = array("Q", bytes(8 << 10)), 0

    def add(self, *parts: str) -> bool:
        """Add a text, which may be of several parts; return whether it is new."""
        if not _put(self._table, text_hash(*parts) or 1):
            return False
        self._count += 1
        if 4 * self._count > 3 * len(self._table):
            larger = array("Q", bytes(16 * len(self._table)))
            for key in self._table:
                if key:
                    _put(larger, key)
            self._table = larger
        return True


class UniqueIds:
    """Ids, each given once: one that is asked for again gets a number, such as "a#2".

    Memory as for `Seen`, and 200 bytes for each id that is asked for more than once.
    """

    def __init__(self) -> None:
        self._seen, self._last = Seen(), dict[str, int]()

    def unique(self, wanted: str) -> str:
        """Return the id, or the next one with a number if it is taken."""
        found, number = wanted, self._last.get(wanted, 1)
        while not self._seen.add(found):
            number += 1
            found = f"{wanted}#{number}"
            self._last[wanted] = number
        return found


def _put(table: "array[int]", key: int) -> bool:
    """Put a key that is not 0 into a table whose length is a power of two; return whether it is new there."""
    mask = len(table) - 1
    at = key & mask
    while found := table[at]:
        if found == key:
            return False
        at = (at + 1) & mask
    table[at] = key
    return True
