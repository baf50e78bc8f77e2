"""Tables of consistency over option orders: how far the answers of runs depend on the order of the options."""

from collections.abc import Sequence
from statistics import mean
from typing import Any

from ninefold.report.tables import CONFIDENCE, Table, TableCell
from ninefold.report.test_sets import TestSet
from ninefold.web.wording import percent, quantity, span

HEAD = ("right in every order", "answer changes", "by order", "by slot")
"""Heads of the cells of runs."""

NOTE = (
    "“Right in every order” and “answer changes” are fractions of the questions, each asked in every order of its "
    "options; “by order” is the range of accuracies over orders, “by slot” that over the places of the right answer."
)
"""What the cells say."""


def tables(test_set: TestSet) -> tuple[Table, ...]:
    """Return the tables of a set whose questions are asked in all orders: over orders, and by slot; none of others."""
    found = {one.name: one.run.metrics["orders"] for one in test_set.results if "orders" in one.run.metrics}
    if not found:
        return ()
    over = Table(
        "All orders of options", NOTE, ("run", *HEAD), tuple((name, cells([one])) for name, one in found.items())
    )
    heads = [head for name in found for head in (name, "given")]
    slots = [list(one["by_slot"]) for one in found.values()]
    rows = tuple(
        (str(slot), tuple(cell for one in each for cell in _slot(one)))
        for slot, each in enumerate(zip(*slots, strict=True), start=1)
    )
    note = (
        f"Accuracy by the place of the right answer among the options, the {CONFIDENCE} interval in small print; "
        "“given” is the fraction of given labels that stand there, which is the same everywhere without a preference."
    )
    return over, Table("By slot", note, ("slot", *heads), rows)


def cells(found: Sequence[Any]) -> tuple[TableCell, ...]:
    """Return the cells of runs that differ in their seed alone, given their ``orders`` (see `analysis.consistency`)."""
    return (
        *(_fraction([one[name] for one in found]) for name in ("all_right", "changed")),
        *(_range([one[name] for one in found]) for name in ("by_order", "by_slot")),
    )


def _fraction(found: Sequence[Any]) -> TableCell:
    values = [one["accuracy"] for one in found]
    if len(found) == 1:
        return TableCell(percent(values[0], 1), f"{CONFIDENCE}: {span(found[0]['ci95'])}")
    return TableCell(percent(mean(values), 1), f"{quantity(len(found), 'seed')}: {span((min(values), max(values)))}")


def _range(found: Sequence[Sequence[Any]]) -> TableCell:
    """Return the smallest and largest accuracy, each the mean over seeds."""
    means = [mean(one["accuracy"] for one in each) for each in zip(*found, strict=True)]
    return TableCell(span((min(means), max(means))))


def _slot(one: Any) -> tuple[TableCell, TableCell]:
    return TableCell(percent(one["accuracy"], 1), span(one["ci95"])), TableCell(percent(one["given"], 1))
