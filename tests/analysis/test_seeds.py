import numpy as np
import pytest

from ninefold.analysis.clustered import bootstrap
from ninefold.analysis.scaling import curve
from ninefold.analysis.seeds import mean_accuracy, mean_difference, summary
from ninefold.analysis.statistics import CONFIDENCE


def answers(rates, items, seed=0):
    """Right or wrong of one seed for each rate, shape (seeds, items)."""
    return np.random.default_rng(seed).random((len(rates), items)) < np.array(rates)[:, None]


def test_a_summary_of_five_seeds():
    found = summary([0.5, 0.6, 0.7, 0.8, 0.9])
    assert found.values == (0.5, 0.6, 0.7, 0.8, 0.9)
    assert (found.mean, found.sd) == pytest.approx((0.7, 0.158114), abs=1e-6)
    # t with 4 degrees of freedom is 2.776445 at 97.5 %.
    assert found.interval[:3] == pytest.approx((0.7, 0.7 - 2.776445 * 0.0707107, 0.7 + 2.776445 * 0.0707107), abs=1e-6)
    assert found.interval.method == "t, 4 degrees of freedom"
    assert found.seeds == "5 seeds"


def test_one_seed_says_that_it_knows_nothing_of_training():
    alone = summary([0.5])
    assert (alone.mean, alone.sd, alone.interval) == (0.5, None, None)
    assert alone.seeds == "1 seed: the variation of training is unknown"
    assert mean_accuracy(answers([0.7], 100)).method.endswith("without the variation of training")
    with pytest.raises(ValueError, match="no seeds"):
        summary([])


def test_with_one_seed_the_bootstrap_is_that_of_clusters():
    groups = np.arange(600) // 3
    (correct,) = answers([0.9], 600)
    found = mean_accuracy(correct, groups)
    low, high = bootstrap(np.bincount(groups, correct), np.full(200, 3), CONFIDENCE)
    assert found[:3] == pytest.approx((correct.mean(), low, high), abs=0.002)
    assert found.method.startswith("bootstrap of 1 seed x 200 clusters")


def test_without_variation_of_items_the_bootstrap_is_the_t_interval():
    correct = np.array([np.arange(20_000) % 100 < right for right in (50, 52, 54, 56, 58)])
    found = mean_difference(np.arange(20_000) % 100 < 40, correct)
    t = summary([0.1, 0.12, 0.14, 0.16, 0.18]).interval
    assert found[:3] == pytest.approx(t[:3], abs=0.004)


def test_seeds_are_no_items():
    many, few = answers([0.7] * 5, 400), answers([0.7] * 5, 400)[:1]
    pooled = mean_accuracy(many.reshape(1, -1))
    crossed, single = mean_accuracy(many), mean_accuracy(few)
    assert crossed.high - crossed.low > 1.3 * (pooled.high - pooled.low)
    # The five models are alike on every item: five seeds say as much about new items as one does.
    alike = mean_accuracy(np.repeat(few, 5, axis=0))
    assert alike[:3] == pytest.approx(single[:3], abs=0.003)


def test_a_difference_is_paired_by_item_and_not_by_seed():
    before, after = answers([0.5], 900)[0], answers([0.6, 0.7, 0.8], 900, seed=1)
    base = mean_difference(before, after)
    assert base.value == pytest.approx(after.mean() - before.mean())
    assert base.method == "bootstrap of 3 seeds x 900 clusters"
    other = mean_difference(answers([0.5, 0.6], 900, seed=2), after)
    assert other.method == "bootstrap of 3 seeds against 2 seeds x 900 clusters"
    assert other.high - other.low > base.high - base.low
    nothing = mean_difference(before, before)
    assert nothing.low < 0 == nothing.value < nothing.high


def test_draws_are_those_of_the_seed_and_no_bound_leaves_the_range():
    correct = answers([0.99, 1, 0.6], 50)
    assert mean_accuracy(correct) == mean_accuracy(correct)
    assert mean_accuracy(correct).low != mean_accuracy(correct, seed=1).low
    assert mean_accuracy(correct).high == 1 and mean_accuracy(np.zeros((3, 50))).low == 0
    assert mean_accuracy(np.ones((5, 50))).low < 1


def test_an_interval_of_accuracies_is_cut_at_what_is_possible():
    assert summary([0.97, 0.99]).interval[1:3] == pytest.approx((0.98 - 12.7062 * 0.01, 1), abs=1e-4)
    assert summary([0.01, 0.03]).interval[1:3] == pytest.approx((0, 0.02 + 12.7062 * 0.01), abs=1e-4)


def test_a_curve_with_a_plateau():
    found = curve(
        {9: [0.3, 0.31, 0.32], 63: [0.7, 0.72, 0.74], 126: [0.795, 0.8, 0.805], 648: [0.8, 0.82, 0.81],
         1296: [0.79, 0.805, 0.82]},
        base=0.2,
    )  # fmt: skip
    assert [point.size for point in found.points] == [0, 9, 63, 126, 648, 1296]
    assert found.points[1].gain == pytest.approx(0.11 / 0.605)
    assert (found.points[0].gain, found.points[-1].gain) == (0, 1)
    assert found.points[2].accuracy.mean == pytest.approx(0.72)
    # The t interval of the last point is 0.805 ± 0.037: only 63 and less are outside it.
    assert (found.plateau, found.plateau_fraction) == (126, 126 / 1296)
    # 0.99 ± 0.025 is cut at 1, on the other side only: 0.97 is within.
    assert curve({9: [0.5] * 3, 63: [0.97] * 3, 126: [0.98, 0.99, 1]}).plateau == 63


def test_a_plateau_is_not_a_crossing():
    # A curve that passes the level of its end on its way to a peak is not flat there.
    assert curve({10: [0.8] * 3, 100: [0.9] * 3, 1000: [0.8] * 3}).plateau == 1000
    assert curve({10: [0.8] * 3, 100: [0.81] * 3, 1000: [0.8] * 3}).plateau == 10
    rising = curve({10: [0.2] * 3, 100: [0.5] * 3, 1000: [0.8] * 3})
    assert (rising.plateau, rising.points[0].gain) == (1000, None)
    with pytest.raises(ValueError, match="sizes of 1 or more"):
        curve({0: [0.2], 10: [0.5]})


@pytest.mark.parametrize(("sizes", "seeds"), [((63, 324), 5), ((9, 63, 324), 2), ((9, 63, 324), 1), ((9,), 1)])
def test_a_plateau_is_not_decidable_with_few_seeds_or_sizes(sizes, seeds):
    found = curve({size: [0.8] * seeds for size in sizes})
    assert (found.plateau, found.plateau_fraction) == (None, None)
