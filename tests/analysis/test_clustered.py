"""Clustered intervals and tests: values of known distributions; no bound falls when an answer turns right."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, binomtest, permutation_test

from ninefold.analysis.clustered import UNSEEN, bootstrap, sign_flip
from ninefold.analysis.statistics import paired, proportion


@pytest.mark.parametrize("clusters", [1, 2, 5, 48, 1000, 4000])
@pytest.mark.parametrize("share", [0, 0.5, 0.9, 1])
def test_bounds_of_clusters_of_one_item_are_betas(clusters, share):
    right = round(share * clusters)
    low, high = bootstrap(np.repeat([1, 0], [right, clusters - right]), np.ones(clusters), 0.95)
    assert low == pytest.approx(beta.ppf(0.025, right, clusters - right + UNSEEN) if right else 0, abs=1e-9)
    assert high == pytest.approx(beta.ppf(0.975, right + UNSEEN, clusters - right) if right < clusters else 1, abs=1e-9)


def test_bounds_are_quantiles_of_the_bootstrap():
    draw = np.random.default_rng(0)
    sizes = np.append(draw.integers(1, 20, 40), [200, 300])
    sums = draw.binomial(sizes, 0.8)
    weights, unseen = draw.standard_exponential((100_000, 42)), draw.gamma(UNSEEN, size=100_000)
    typical = (sizes**2).sum() / sizes.sum()
    total = weights @ sizes + unseen * typical
    expected = (
        np.quantile(weights @ sums / total, 0.025),
        np.quantile((weights @ sums + unseen * typical) / total, 0.975),
    )
    assert bootstrap(sums, sizes, 0.95) == pytest.approx(expected, abs=3e-3)


answers = st.lists(st.lists(st.booleans(), min_size=1, max_size=6), min_size=1, max_size=9)


@settings(deadline=None, max_examples=30)
@given(answers, st.data())
def test_an_answer_that_turns_right_never_lowers_a_bound(clusters, data):
    groups = np.repeat(np.arange(len(clusters)), [len(items) for items in clusters])
    correct = np.concatenate([np.array(items) for items in clusters])
    turned = correct.copy()
    turned[data.draw(st.integers(0, len(correct) - 1))] = True
    before = data.draw(st.sampled_from([np.zeros_like(correct), np.roll(correct, 1), ~correct]))
    for cluster in (groups, None):
        intervals = [
            [proportion(answered, cluster) for answered in (correct, turned)],
            [paired(before, answered, cluster).difference for answered in (correct, turned)],
        ]
        for less, more in intervals:
            assert more.low >= less.low - 1e-9 and more.high >= less.high - 1e-9
            assert less.low <= less.value <= less.high


def test_an_outlier_does_not_lower_a_bound():
    # A variance would: that of the groups' means grows faster than their mean.
    sizes, groups = np.full(20, 100), np.repeat(np.arange(20), 100)
    lows = []
    for right in (50, 60, 80, 100):
        correct = np.concatenate([np.arange(100) < (right if cluster == 0 else 50) for cluster in range(len(sizes))])
        lows.append(proportion(correct, groups).low)
    assert lows == sorted(lows)


@pytest.mark.parametrize(("clusters", "size"), [(100, 2), (5, 4), (2, 50), (1, 10)])
def test_one_wrong_answer_widens_the_interval_of_all_right(clusters, size):
    groups = np.arange(clusters * size) // size
    right = np.ones(clusters * size, bool)
    perfect = proportion(right, groups)
    right[0] = False
    assert perfect.low == pytest.approx(beta.ppf(0.025, clusters, UNSEEN))
    assert perfect.high == 1 and proportion(right, groups).low < perfect.low
    wrong = proportion(right ^ right, groups)
    assert (wrong.low, wrong.high) == pytest.approx((0, 1 - perfect.low))


def test_groups_that_all_change_alike_count_as_one_observation_each():
    for groups, low in ((2, -0.5067), (100, 0.9503)):
        found = paired(np.zeros(200, bool), np.ones(200, bool), np.arange(200) % groups)
        assert (found.difference.low, found.difference.high) == pytest.approx((low, 1), abs=5e-5)
    assert paired([0, 0], [1, 1], ["a", "a"]).direction == "unclear"


@given(st.integers(0, 60), st.integers(0, 60))
def test_flips_of_single_changes_are_mcnemars_test(gained, lost):
    expected = binomtest(gained, gained + lost).pvalue if gained + lost else 1
    assert sign_flip(np.repeat([1, -1, 0], [gained, lost, 3])) == pytest.approx(expected, rel=1e-9)


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=9))
def test_flips_are_all_assignments_of_signs(sums):
    totals = np.array([np.dot(signs, sums) for signs in product((1, -1), repeat=len(sums))])
    assert sign_flip(sums) == pytest.approx((np.abs(totals) >= abs(sum(sums))).mean())


def test_flips_are_scipys_permutations():
    sums = np.array([3, -1, 2, 2, 5, -2, 1, 4])
    found = permutation_test((sums,), np.sum, permutation_type="samples", n_resamples=np.inf)
    assert sign_flip(sums) == pytest.approx(found.pvalue)


def test_flips_of_large_sums_are_those_of_a_plain_convolution():
    sums = np.random.default_rng(0).integers(-40, 60, 60)
    chances = np.ones(1)
    for size in np.abs(sums):
        chances = (np.pad(chances, (0, size)) + np.pad(chances, (size, 0))) / 2
    assert sign_flip(sums) == pytest.approx(2 * chances[(np.abs(sums).sum() + abs(sums.sum())) // 2 :].sum(), rel=1e-9)


def test_small_p_values_are_exact():
    assert sign_flip([2] * 200) == pytest.approx(2.0**-199, rel=1e-9)


def test_the_direction_is_that_of_the_difference():
    # 20 images of one question fall and 3 of ten rise: more images fall, but more answers turn right.
    sizes = np.array([1] * 20 + [10] * 3)
    groups, before = np.repeat(np.arange(23), sizes), np.repeat([True] * 20 + [False] * 3, sizes)
    found = paired(before, ~before, groups)
    assert found.difference.value == pytest.approx(10 / 50)
    assert found.direction == "unclear" and found.p == pytest.approx(0.69, abs=0.005)
    assert paired(before, np.ones(50, bool), np.arange(50)).direction == "rose"
    assert paired(np.ones(50, bool), before, np.arange(50)).direction == "fell"


@settings(deadline=None, max_examples=30)
@given(answers, st.data())
def test_a_clear_direction_is_that_of_test_interval_and_difference(clusters, data):
    groups = np.repeat(np.arange(len(clusters)), [len(items) for items in clusters])
    after = np.concatenate([np.array(items) for items in clusters])
    before = np.array(data.draw(st.lists(st.booleans(), min_size=len(after), max_size=len(after))))
    forth, back = paired(before, after, groups), paired(after, before, groups)
    assert forth.difference.value == pytest.approx(after.mean() - before.mean())
    assert forth.p == pytest.approx(back.p)
    assert forth.difference.low == pytest.approx(-back.difference.high)
    assert (forth.direction, back.direction) in {("rose", "fell"), ("fell", "rose"), ("unclear", "unclear")}
    if forth.direction == "rose":
        assert forth.p < 0.05 and forth.difference.low > 0


@pytest.mark.parametrize("largest", [10**3, 10**5])
def test_one_group_may_hold_most_items(largest):
    sizes = np.append(largest, np.ones(499, int))
    sums = np.append(largest * 999 // 1000, np.ones(499, int))
    draw = np.random.default_rng(0)
    weights = np.stack([draw.standard_gamma(shape, 200_000) for shape in (1, 499, UNSEEN)])
    typical = (sizes.astype(float) ** 2).sum() / sizes.sum()
    total = weights.T @ [sizes[0], 1, typical]
    expected = (
        np.quantile(weights.T @ [sums[0], 1, 0] / total, 0.025),
        np.quantile(weights.T @ [sums[0], 1, typical] / total, 0.975),
    )
    assert bootstrap(sums, sizes, 0.95) == pytest.approx(expected, rel=0.02)
