import numpy as np
import pytest

from ninefold.analysis.cells import accuracy_map, change_map
from ninefold.analysis.clustered import sign_flip, sign_flips
from ninefold.analysis.statistics import holm
from ninefold.seeding import rng


def test_accuracy_by_cell_with_its_interval():
    found = accuracy_map([0, 0, 8, 0], [0, 0, 8, 1], [True, False, True, False])
    accuracy, n = found.accuracy, found.n
    assert accuracy.shape == n.shape == found.low.shape == (9, 9)
    assert (accuracy[0, 0], accuracy[8, 8], accuracy[0, 1]) == (0.5, 1, 0)
    assert (n[0, 0], n[8, 8], n.sum()) == (2, 1, 4)
    assert np.isnan(accuracy[4, 4]) and np.isnan(found.high[4, 4])
    # Wilson's interval of 24 of 48; items of one image are as much as one item.
    zero, half = np.zeros(48, int), np.arange(48) < 24
    single = accuracy_map(zero, zero, half, grid=1)
    assert (single.low[0, 0], single.high[0, 0]) == pytest.approx((0.3639, 0.6361), abs=5e-5)
    grouped = accuracy_map(zero, zero, half, grid=1, groups=np.arange(48) // 6)
    assert grouped.high - grouped.low > 1.5 * (single.high - single.low)


def test_changes_are_adjusted_for_being_many():
    rows = np.repeat([0, 1], [12, 5])
    found = change_map(rows, np.zeros(17, int), np.zeros(17, bool), np.ones(17, bool), grid=2)
    alone = change_map(rows[:12], np.zeros(12, int), np.zeros(12, bool), np.ones(12, bool), grid=2)
    # All 12 signs alike: 2 of 4096 flips; all five: 2 of 32.
    assert alone.p[0, 0] == pytest.approx(2 / 2**12, abs=3e-4)
    assert found.p[1, 0] == pytest.approx(2 / 2**5, abs=0.006)
    assert found.p[0, 0] < found.p[1, 0] and np.isnan(found.p[:, 1]).all()
    assert found.sure.tolist() == [[True, False], [False, False]]
    assert found.value[0, 0] == found.high[0, 0] == 1 and 0 < found.low[0, 0] < alone.low[0, 0]
    assert (found.flips, found.n.tolist()) == (10_000, [[12, 0], [5, 0]])


def test_changes_of_questions_that_share_a_picture_are_clustered():
    zero, one = np.zeros(12, int), np.ones(12, int)
    assert change_map(zero, zero, zero, one, grid=1).p[0, 0] == pytest.approx(2 / 2**12, abs=3e-4)
    grouped = change_map(zero, zero, zero, one, grid=1, groups=np.arange(12) // 4)
    assert grouped.p[0, 0] == pytest.approx(2 / 2**3, abs=0.015)
    assert grouped.low[0, 0] < 0


def test_the_change_over_seeds_is_their_mean():
    zero, before = np.zeros(4, int), np.array([0, 0, 1, 1])
    after = np.array([[1, 0, 1, 1], [1, 1, 1, 0]])
    found = change_map(zero, zero, before, after, grid=1)
    assert found.value[0, 0] == (0.5 + 0.25 - 0.25) / 2
    assert found.low[0, 0] < 0.25 < found.high[0, 0]


def test_joint_flips_of_one_hypothesis_are_the_exact_test():
    sums = rng(0, "test").integers(-2, 4, 40)
    assert sign_flips(sums[:, None])[0] == pytest.approx(sign_flip(sums), abs=0.005)
    assert sign_flips(np.zeros((5, 3))).tolist() == [1, 1, 1]
    many = sign_flips(np.ones((60, 2)))
    assert many.tolist() == [1 / 10_001] * 2
    assert (many == sign_flips(np.ones((60, 2)))).all()
    # Hypotheses that are copies of one another count once.
    copies = sign_flips(np.tile(sums[:, None], 50))
    assert copies == pytest.approx(np.full(50, sign_flip(sums)), abs=0.005)


def drawn(random, gained):
    """Sums of 700 clusters in 20 cells, two items in random cells each; 5 % of items are newly wrong."""
    cells = random.integers(0, 20, (700, 2))
    chance = random.random((700, 2))
    change = np.where(chance < gained[cells], 1, np.where(chance > 0.95, -1, 0))
    sums = np.zeros((700, 20), int)
    np.add.at(sums, (np.repeat(np.arange(700), 2), cells.ravel()), change.ravel())
    return sums


def test_family_wise_error_and_power_against_holm():
    null, some = np.full(20, 0.05), np.repeat([0.2, 0.05], [5, 15])
    wrong, found, by_holm = 0, 0, 0
    for sample in range(60):
        random = rng(sample, "family")
        wrong += (sign_flips(drawn(random, null), flips=400) < 0.05).any()
        sums = drawn(random, some)
        p = sign_flips(sums, flips=400)
        wrong += (p[5:] < 0.05).any()
        found += (p[:5] < 0.05).sum()
        by_holm += (holm([sign_flip(cell) for cell in sums.T])[:5] < 0.05).sum()
    # 120 families, at most 5 % of them with an error: 13 or more have a chance of 0.7 %.
    assert wrong <= 12
    assert found >= by_holm > 0
