"""The simulations over seeds and of maps draw what they say."""

from dataclasses import replace

import joint_coverage as simulations
import numpy as np
import pytest

from ninefold.seeding import rng

TINY = replace(simulations.QUICK, samples=1, maps=1, sets=("48 items a cell",))


def test_seeds_have_the_stated_accuracy_and_deviation():
    answers = simulations.trained(rng(0, "test"), (300, 2000), 2, spread=0.05, accuracy=0.7)
    assert answers.mean() == pytest.approx(0.7, abs=0.02)
    assert answers.mean(axis=1).std() == pytest.approx(0.05, abs=0.01)


@pytest.mark.parametrize("clusters", simulations.SETS.values())
def test_maps_have_the_stated_rates(clusters):
    cell, group, change, true = simulations.drawn(rng(0, "test"), clusters, simulations.Change(40, 0.35, 0.1, 0.1))
    for here, gained in ((cell < 40, 0.35), (cell >= 40, 0.1)):
        assert (change[here] > 0).mean() == pytest.approx(gained, abs=0.03)
        assert (change[here] < 0).mean() == pytest.approx(0.1, abs=0.03)
    assert true[[0, 80]] == pytest.approx([0.25, 0])
    assert np.bincount(group).max() == (2 if clusters else 1)


@pytest.mark.parametrize("table", [simulations.seeds_table, simulations.maps_table])
def test_tables_are_of_markdown(table):
    lines = list(table(TINY))
    assert len({line.count("|") for line in lines}) == 1 and all(line.startswith("| ") for line in lines)
