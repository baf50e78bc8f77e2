"""Every place of the report shows the one test that fits the design, and the direction of that test."""

import numpy as np
import pandas as pd
import pytest

from ninefold.errors import RunError
from ninefold.report.comparison import change, changes
from ninefold.report.headline import sentences
from ninefold.report.tables import summary
from ninefold.report.test_sets import group, read_runs


@pytest.fixture
def runs(answers, evaluation):
    """A maker of a base and a tuned run from arrays of right answers and of groups; None for a census."""

    def make(before, after, groups):
        table = answers(1.0).head(len(before)).assign(group="block" if groups is None else np.asarray(groups, str))
        if groups is None:
            table["scene"] = "{}"
        said = [table.assign(text=np.where(right, table["answer"], "")) for right in (before, after)]
        return [evaluation("base", said[0]), evaluation("tuned", said[1], tuned=True)]

    return make


def plain(text):
    return text.replace("\u202f", " ").replace("\u00a0", " ")


def shown(folders):
    """The set of two runs, the table's p-value with its test, and the headline."""
    (test_set,) = group(read_runs(folders)[0])
    cell = summary(test_set).rows[1][1][-1]
    return test_set, f"{plain(cell.text)}, {cell.detail}", plain(sentences([test_set])[0])


def test_the_table_shows_the_clustered_test(runs):
    # 30 questions of three images turn right: overwhelming as single questions, nothing as three images.
    test_set, p, headline = shown(runs(np.zeros(60, bool), np.arange(60) < 30, np.arange(60) // 10))
    assert p == "p = 0.25, exact sign-flip test of 6 groups"
    assert "moved without clear change from 0 % to 50 %" in headline
    assert change(*test_set.pairs[0]).verdict == "unclear"
    assert not changes(*test_set.pairs[0]).sure.any()


def test_runs_of_other_examples_are_not_compared(runs):
    folders = runs(np.zeros(60, bool), np.ones(60, bool), None)
    pd.read_parquet(folders[1] / "scores.parquet").tail(59).to_parquet(folders[1] / "scores.parquet")
    (test_set,) = group(read_runs(folders)[0])
    with pytest.raises(RunError, match="other examples"):
        change(*test_set.pairs[0])


def test_a_census_has_mcnemars_test(runs):
    _, p, headline = shown(runs(np.zeros(60, bool), np.arange(60) < 30, None))
    assert p == "p < 0.0001, exact McNemar test" and "rose from 0 % to 50 %" in headline


def test_the_headline_has_the_direction_of_its_test(runs):
    # More images fall than rise, but more answers turn right than wrong.
    sizes = [1] * 20 + [10] * 3
    before = np.repeat([True] * 20 + [False] * 3, sizes)
    _, p, headline = shown(runs(before, ~before, np.repeat(np.arange(23), sizes)))
    assert p == "p = 0.69, exact sign-flip test of 23 groups"
    assert "moved without clear change from 40 % to 60 %" in headline
