import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from ninefold.analysis.statistics import clusters, holm, mcnemar, paired, proportion, wilson


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [
        (0, 48, 0, 0.0741),
        (24, 48, 0.3639, 0.6361),
        (48, 48, 0.9259, 1),
        (432, 432, 0.9912, 1),
        (3888, 3888, 0.9990, 1),
        (2593, 3888, 0.6520, 0.6816),
        (3846, 8548, 0.4394, 0.4605),
    ],
)
def test_wilson_vectors(right, n, low, high):
    assert np.round(wilson(right, n), 4) == pytest.approx([low, high], abs=1e-12)


@given(st.integers(1, 500), st.data())
def test_wilson_is_scipys(n, data):
    right = data.draw(st.integers(0, n))
    expected = binomtest(right, n).proportion_ci(method="wilson")
    assert wilson(right, n) == pytest.approx([expected.low, expected.high], abs=1e-12)


def test_wilson_of_arrays_leaves_empty_cells_empty():
    low, high = wilson([0, 24, 0], [48, 48, 0])
    assert np.isnan(low[2]) and np.isnan(high[2])
    assert low[0] == 0 and high[1] == pytest.approx(0.6361, abs=5e-5)


@pytest.mark.parametrize(
    ("b", "c", "exact", "mid"),
    [(10, 2, 0.038574, 0.022461), (5, 0, 0.0625, 0.03125), (6, 0, 0.03125, 0.015625), (30, 15, 0.035698, 0.025896)],
)
def test_mcnemar_vectors(b, c, exact, mid):
    for counts in ((b, c), (c, b)):
        assert mcnemar(*counts).exact == pytest.approx(exact, abs=5e-7)
        assert mcnemar(*counts).mid == pytest.approx(mid, abs=5e-7)


def test_mcnemar_without_evidence():
    assert np.array_equal(mcnemar([0, 4], [0, 4]).exact, [1, 1])
    assert np.array_equal(mcnemar([0, 4], [0, 4]).mid, [1, 1])


def test_holm_vector_in_any_shape_and_with_gaps():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([[0.01, 0.04], [0.03, 0.005]]) == pytest.approx(np.array([[0.03, 0.06], [0.06, 0.02]]))
    assert holm([0.01, np.nan, 0.04, 0.03, 0.005]) == pytest.approx([0.03, np.nan, 0.06, 0.06, 0.02], nan_ok=True)
    assert holm([0.9, 0.8]) == pytest.approx([1, 1])


def test_a_proportion_chooses_its_interval_by_its_groups():
    correct = [1] * 24 + [0] * 24
    assert proportion(correct)[:3] == pytest.approx((0.5, 0.3639, 0.6361), abs=5e-5)
    assert proportion(correct, range(48)).method == "Wilson"
    clustered = proportion([1, 1, 0, 1, 0, 0], list("aabbcc"))
    assert clustered.method == "Bayesian bootstrap, clustered by 3 groups" and clustered.value == 0.5
    # A single group tells next to nothing.
    assert proportion([1, 0], ["a", "a"])[1:3] == pytest.approx((0, 1), abs=0.03)


def test_no_items_have_no_interval():
    for call in (lambda: proportion([]), lambda: paired([], [])):
        with pytest.raises(ValueError, match="no items"):
            call()


def test_a_row_without_group_counts_separately():
    table = pd.DataFrame({"group": ["a", "", "a", None, ""], "correct": [1, 1, 0, 1, 1]})
    assert len(set(clusters(table, "group"))) == 4
    assert "4 groups" in proportion(table["correct"], clusters(table, "group")).method
    assert clusters(table, "census") is None


def test_paired_answers():
    before = np.repeat([1, 0, 1, 0], [20, 12, 2, 16]).astype(bool)
    after = np.repeat([1, 1, 0, 0], [20, 12, 2, 16]).astype(bool)
    result = paired(before, after)
    assert (result.n, result.gained, result.lost) == (50, 12, 2)
    assert result.difference.value == pytest.approx(0.2)
    assert result.p == pytest.approx(mcnemar(12, 2).exact) and result.test == "exact McNemar test"
    assert result.direction == "rose" and paired(after, before).direction == "fell"
    assert 0.02 < result.difference.low < 0.07 and 0.31 < result.difference.high < 0.36
    turned = paired(after, before).difference
    assert (turned.low, turned.high) == pytest.approx((-result.difference.high, -result.difference.low))


def test_newcombe_covers():
    generator = np.random.default_rng(0)
    covered = 0
    for _ in range(400):
        easy = generator.random(40)
        difference = paired(easy < 0.8, (easy + 0.2 * generator.random(40)) < 0.7).difference
        covered += difference.low <= -0.2 <= difference.high
    assert 0.92 <= covered / 400 <= 0.995


def test_identical_answers_show_no_difference():
    same = [True, False, True, True]
    for groups in (None, list("aabb")):
        result = paired(same, same, groups)
        assert (result.p, result.gained, result.lost) == (1, 0, 0)
        assert result.difference.low <= 0 <= result.difference.high


def test_paired_answers_that_share_pictures_are_clustered():
    before, after, groups = [0, 0, 0, 0, 1, 1], [1, 1, 1, 1, 1, 0], list("aabbcc")
    result = paired(before, after, groups)
    assert (result.gained, result.lost) == (4, 1)
    # Sums of 2, 2 and -1: of all signs, only +5 and -5 are farther from 0 than 3.
    assert result.p == pytest.approx(4 / 8)
    assert result.test == "exact sign-flip test of 3 groups"
    assert result.difference.value == pytest.approx(0.5)
    assert result.difference.method == "Bayesian bootstrap, clustered by 3 groups"
    assert paired([0, 0], [1, 1], ["a", "a"]).p == 1
