import numpy as np
import pytest
from scipy import stats

from ninefold.analysis.power import POWER, Comparison, chance, smallest_difference
from ninefold.analysis.seeds import mean_difference, summary
from ninefold.analysis.statistics import SIGNIFICANCE, paired_p
from ninefold.seeding import rng

SAMPLES = 200
NOISE = 4 * (POWER * (1 - POWER) / SAMPLES) ** 0.5


def answers(random, plan, difference):
    """Before, shape (items,), and after, (seeds, items), of a true difference, with clusters and seeds that vary."""
    groups = np.arange(plan.items) * (plan.clusters or plan.items) // plan.items
    gained = (plan.discordance + difference) / 2
    # One number between 0 and 1 for each item decides whether it is gained, lost or the same; with the root of the
    # correlation as its chance, it is that of the item's cluster.
    shared = random.random(plan.items) < plan.icc**0.5
    position = np.where(shared, random.random(plan.items)[groups], random.random(plan.items))
    before = np.where(
        position < gained, False, np.where(position < plan.discordance, True, random.random(plan.items) < 0.5)
    )
    shift = plan.seed_sd * random.standard_normal(plan.seeds) if plan.seeds > 1 else np.zeros(1)
    kept = before & (position >= plan.discordance)
    after = (position < gained + shift[:, None]) & ~kept | kept
    return before, after, groups


@pytest.mark.parametrize("plan", [Comparison(500), Comparison(600, clusters=200, icc=0.4)])
def test_the_smallest_difference_is_found_as_often_as_stated(plan):
    difference = smallest_difference(plan).difference
    random = rng(0, "power", plan.items)
    found = []
    for _ in range(SAMPLES):
        before, after, groups = answers(random, plan, difference)
        found.append(paired_p(before, after[0], groups) < SIGNIFICANCE and after.mean() > before.mean())
    assert np.mean(found) == pytest.approx(POWER, abs=NOISE)


def test_over_seeds_it_is_found_by_the_t_interval():
    # A test so large that only seeds vary.
    plan = Comparison(10**7, seeds=5, seed_sd=0.05)
    planned = smallest_difference(plan)
    values = planned.difference + 0.05 * rng(0, "power").standard_normal((2000, 5))
    found = np.mean([summary(each).interval.low > 0 for each in values.tolist()])
    assert found == pytest.approx(POWER, abs=0.04)
    assert planned.by_seeds == pytest.approx(0.05 / 5**0.5) and planned.by_items < 0.001


def test_over_seeds_and_items_the_bootstrap_finds_it():
    plan = Comparison(400, seeds=5, seed_sd=0.03)
    difference = smallest_difference(plan).difference
    random = rng(0, "power of both")
    found = [mean_difference(*answers(random, plan, difference)).low > 0 for _ in range(60)]
    assert np.mean(found) == pytest.approx(POWER, abs=0.16)


def test_what_makes_a_design_stronger():
    detected = [
        smallest_difference(plan).difference
        for plan in (
            Comparison(8548, 4109, seeds=5, trained=2),
            Comparison(8548, 4109, seeds=5),
            Comparison(8548, 4109, seeds=5, icc=0),
            Comparison(8548, seeds=5, seed_sd=0.01),
        )
    ]
    assert detected == sorted(detected, reverse=True)
    assert chance(Comparison(400), 1e-9) == pytest.approx(SIGNIFICANCE / 2, abs=0.001)
    # The textbook's normal approximation for a large sample: (1.96 + 0.84) standard errors.
    large = smallest_difference(Comparison(100_000))
    assert large.difference == pytest.approx((stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) * large.by_items, rel=1e-3)


def test_its_words_and_limits():
    assert smallest_difference(Comparison(8548, 4109, seeds=5)).assumed == (
        "80% power at the 5% level, 30% of the answers differ, a correlation of 0.2 within clusters,"
        " an sd of 3 points over seeds"
    )
    alone = smallest_difference(Comparison(81, discordance=0.05))
    assert alone.difference is None and alone.assumed.endswith("for this training alone")
    for wrong in ({"clusters": 1}, {"clusters": 900}, {"seeds": 0}, {"trained": 3}, {"icc": 2}, {"discordance": 0}):
        with pytest.raises(ValueError, match="Comparison"):
            smallest_difference(Comparison(800, **wrong))
