"""The choice of presence questions: even over categories, and over photos, so that a photo alone tells no answer."""

from collections.abc import Sequence, Set
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import maximum_flow

from ninefold.data.sources.coco.subset import most_even

Table = NDArray[np.bool_]


class Asked(NamedTuple):
    """One presence question."""

    photo: int
    """Index of the photo."""
    category: str
    """The category asked for."""
    there: bool
    """Whether the photo shows it."""


def possible(shown: Sequence[Set[str]], categories: Sequence[str]) -> int:
    """Return the largest number of questions: of each category, as many photos that show it as that do not."""
    return 2 * int(_pairs(_table(shown, categories)).sum())


def choose(shown: Sequence[Set[str]], categories: Sequence[str], size: int) -> list[Asked]:
    """Choose questions, of each category half with the answer yes and half with the answer no.

    Questions with the answer yes are spread over photos. Then a maximum flow gives photos as many with the answer no as
    they have with the answer yes: in total the most that these allow. The others go to the photos with the fewest.

    Args:
        shown: The categories that each photo shows; among equal photos the earlier ones are chosen.
        categories: The categories to ask for.
        size: Number of questions, at most as many as are possible; an odd number is made even.
    """
    there = _table(shown, categories)
    counts = most_even(_pairs(there), size // 2)
    yes = _spread(there, counts)
    no = _matched(~there, yes.sum(axis=1), counts)
    no = _filled(~there, no, yes.sum(axis=1), counts)
    return [
        Asked(row, categories[column], answer)
        for answer, chosen in ((True, yes), (False, no))
        for row, column in np.argwhere(chosen).tolist()
    ]


def _table(shown: Sequence[Set[str]], categories: Sequence[str]) -> Table:
    """Return whether a photo shows a category, (photos, categories)."""
    return np.array([[name in each for name in categories] for each in shown], bool).reshape(-1, len(categories))


def _pairs(there: Table) -> NDArray[np.int64]:
    return np.asarray(np.minimum(there.sum(axis=0), (~there).sum(axis=0)), np.int64)


def _spread(there: Table, counts: NDArray[np.int64]) -> Table:
    """Choose photos that show each category, those with the fewest questions first; rare categories choose first."""
    chosen = np.zeros_like(there)
    room = (~there)[:, counts > 0].sum(axis=1)
    for column in np.argsort(there.sum(axis=0), kind="stable"):
        asked = chosen.sum(axis=1)
        # A photo can have no more questions with the answer no than it lacks categories.
        order = np.lexsort((asked, asked >= room))
        chosen[order[there[order, column]][: counts[column]], column] = True
    return chosen


def _matched(absent: Table, wanted: NDArray[np.int64], counts: NDArray[np.int64]) -> Table:
    """Choose the most absent categories of which a photo has at most the wanted number, and each at most its count."""
    rows, columns = (absent & (wanted > 0)[:, None]).nonzero()
    photos, categories = absent.shape
    source, sink = photos + categories, photos + categories + 1
    edges = np.concatenate(
        [
            np.stack([rows, photos + columns, np.ones_like(rows)]),
            np.stack([np.full(photos, source), np.arange(photos), wanted]),
            np.stack([photos + np.arange(categories), np.full(categories, sink), counts]),
        ],
        axis=1,
    ).astype(np.int32)
    graph = coo_array((edges[2], (edges[0], edges[1])), shape=(sink + 1, sink + 1)).tocsr()
    flow = maximum_flow(graph, source, sink).flow[:photos, photos:source]
    return np.asarray(flow.toarray() > 0)


def _filled(absent: Table, chosen: Table, wanted: NDArray[np.int64], counts: NDArray[np.int64]) -> Table:
    """Add what is left of each category to photos that have the fewest more than wanted."""
    filled = chosen.copy()
    for column in np.flatnonzero(chosen.sum(axis=0) < counts):
        asked = filled.sum(axis=1)
        order = np.lexsort((asked, asked - wanted))
        free = order[(absent & ~filled)[order, column]]
        filled[free[: counts[column] - filled[:, column].sum()], column] = True
    return filled
