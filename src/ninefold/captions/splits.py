"""The splits of a data set of pairs: a share of the images is held out, so that training can tell when to stop."""

from collections.abc import Callable, Iterator
from functools import partial

import xxhash

from ninefold.captions.checking import Kept

TRAIN, VALIDATION = "train", "validation"


def splits_of(kept: Callable[[], Iterator[Kept]], split: str, share: float) -> dict[str, Iterator[Kept]]:
    """Return the pairs of each split; all pairs of an image are in one.

    An image is held out by a hash of its name alone, whatever the others are. Where none falls into the share, the one
    with the smallest hash is held out, unless it is the only one.

    Args:
        kept: A function that yields all pairs, in order; it is called once for the hashes and once for each split.
        split: Name of the split; only "train" has a part held out, as "validation".
        share: Share of the images to hold out, in [0, 1).
    """
    if split != TRAIN or share == 0:
        return {split: kept()}
    smallest, largest = 2**64, -1
    for found in map(_hash, kept()):
        smallest, largest = min(smallest, found), max(largest, found)
    if smallest >= largest:
        return {split: kept()}
    # Neither split is ever empty.
    limit = min(max(int(share * 2**64), smallest + 1), largest)
    return {
        TRAIN: filter(partial(_is_in, limit, False), kept()),
        VALIDATION: filter(partial(_is_in, limit, True), kept()),
    }


def _is_in(limit: int, held_out: bool, kept: Kept) -> bool:
    return (_hash(kept) < limit) is held_out


def _hash(kept: Kept) -> int:
    return xxhash.xxh3_64_intdigest(f"validation {kept.group}".encode(errors="surrogatepass"))
