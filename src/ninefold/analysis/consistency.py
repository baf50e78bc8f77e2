"""Consistency over option orders: how answers depend on the order in which the options are listed."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from ninefold.analysis.statistics import clusters, proportion
from ninefold.types import Clustering


def consistency(table: pd.DataFrame, clustering: Clustering) -> Any:
    """Return how answers to the same items depend on the order of the options, in JSON types.

    Args:
        table: A score table with one row per item and order, and the columns ``item``, ``order`` and ``slot``; all
            items are asked in the same orders.
        clustering: Unit of intervals; items of one group, such as a photo, err together.

    Returns:
        ``items`` and ``orders`` (counts); ``all_right``, the fraction of items answered right in every order, as
        CircularEval counts (Liu et al. 2023, arXiv 2307.06281); ``changed``, the fraction of items whose answer is
        another one in some order (no label counts as an answer); ``by_order``, the accuracy of each order with its
        ``options``; ``by_slot``, the accuracy where the right answer is in each slot, with the fraction of labels
        ``given`` that are those of the slot, which no preference would make unequal. Fractions have 95 % intervals.
    """
    given = table["label"].where(table["kind"] == "label", "").fillna("").astype(str)
    items = table.assign(given=given).groupby("item", sort=False)
    first = items.first()
    in_slot = [
        list(options).index(label) if label in options else None
        for options, label in zip(table["options"], given, strict=True)
    ]
    slots = pd.Series(in_slot).value_counts(normalize=True)
    return {
        "items": len(first),
        "orders": int(table["order"].nunique()),
        "all_right": _rate(items["correct"].all(), first, clustering),
        "changed": _rate(items["given"].nunique() > 1, first, clustering),
        "by_order": [
            {"options": list(part["options"].iloc[0]), **_rate(part["correct"], part, clustering)}
            for _, part in table.groupby("order")
        ],
        "by_slot": [
            {**_rate(part["correct"], part, clustering), "given": float(slots.get(slot, 0))}
            for slot, part in table.groupby("slot")
        ],
    }


def _rate(hits: Sequence[bool], rows: pd.DataFrame, clustering: Clustering) -> dict[str, Any]:
    found = proportion(hits, clusters(rows, clustering))
    return {"n": len(rows), "accuracy": found.value, "ci95": [found.low, found.high]}
