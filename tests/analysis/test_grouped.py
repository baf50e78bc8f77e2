"""Figures of groups whose rows must all be right."""

import pytest

from ninefold.analysis.grouped import all_right, rate
from ninefold.analysis.statistics import proportion


def test_a_group_counts_as_right_only_if_all_of_its_rows_are() -> None:
    groups = ["a", "a", "b", "b", "c", "c", "c"]
    right = [True, True, True, False, True, True, True]
    found = all_right(right, groups, [2, 2, 2, 2, 3, 3, 3])
    assert found == {"n": 3, "value": pytest.approx(2 / 3), "ci95": [*proportion([True, False, True])[1:3]]}


def test_a_group_that_lacks_a_row_counts_neither_way() -> None:
    assert all_right([True, False, True], ["a", "b", "b"], 2) == all_right([False, True], ["b", "b"], 2)
    assert all_right([True], ["a"], 2) == {"n": 0, "value": None, "ci95": None} == rate([])


def test_the_interval_is_that_of_what_errs_together() -> None:
    right = [True, True, True, False, True, True]
    pairs, images = ["a", "a", "b", "b", "c", "c"], ["i", "i", "i", "i", "k", "k"]
    expected = proportion([True, False, True], ["i", "i", "k"])
    assert all_right(right, pairs, 2, images)["ci95"] == [expected.low, expected.high]
