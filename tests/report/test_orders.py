"""The tables of consistency over option orders."""

import pandas as pd
import pytest

from ninefold.analysis.consistency import consistency
from ninefold.report import orders

LABELS = ["left", "right"]


@pytest.fixture
def found():
    """Ten items in two orders: all are right in the first; half of them give the other label in the second."""
    rows = [
        {
            "item": item, "order": order, "slot": (item + order) % 2, "options": LABELS[:: 1 - 2 * order],
            "label": LABELS[(item + (order and item < 5)) % 2], "kind": "label", "group": str(item),
            "correct": not (order and item < 5),
        }
        for order in (0, 1)
        for item in range(10)
    ]  # fmt: skip
    return consistency(pd.DataFrame(rows), "group")


def test_a_run_has_its_intervals_and_seeds_have_their_range(found):
    right, changed, by_order, by_slot = orders.cells([found])
    assert right.text == changed.text == "50.0\u202f%" and right.detail.startswith("95\u202f%: ")
    assert by_order.text == "50.0–100\u202f%" and by_slot.text == "70.0–80.0\u202f%"
    better = {**found, "all_right": {**found["all_right"], "accuracy": 0.7}}
    assert orders.cells([found, better])[0] == orders.TableCell("60.0\u202f%", "2 seeds: 50.0–70.0\u202f%")
