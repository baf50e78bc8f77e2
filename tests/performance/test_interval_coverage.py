"""The simulations draw what they say, and their tables hold what the documentation repeats."""

from pathlib import Path

import interval_coverage as simulations
import numpy as np
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "statistics.md"
TINY = simulations.Plan(samples=4, clusters=(5,), correlations=(0.8,))


@pytest.mark.parametrize("icc", [0.0, 0.2, 0.8])
def test_samples_have_the_stated_rates_and_correlation(icc):
    sizes = simulations.sizes_of((2,), 4000)
    (counts,) = simulations.rows_of_samples(sizes, (0.6, 0.3), icc, 2)
    assert (counts.sum(axis=1) == sizes).all()
    assert counts.mean(axis=0) / 2 == pytest.approx([0.6, 0.3, 0.1], abs=0.03)
    # Two items of a cluster are of one kind with probability p (p + ICC (1 - p)).
    assert (counts[:, 0] == 2).mean() == pytest.approx(0.6 * (0.6 + icc * 0.4), abs=0.03)


@pytest.mark.parametrize("table", [simulations.wilson_table, simulations.proportion_tables, simulations.paired_tables])
def test_tables_are_of_markdown(table):
    lines = [line for line in table(TINY) if line]
    assert {line.count("|") for line in lines} <= {5, 6, 7, 8} and all(line.startswith("| ") for line in lines)


def test_the_documentation_has_the_exact_table():
    exact = simulations.wilson_table(simulations.Plan())
    assert "\n".join(exact) in PAGE.read_text()


def test_other_methods_are_right_where_they_are_defined():
    sums, sizes = np.array([2, 1, 0]), np.array([2, 2, 2])
    low, high = simulations.t_interval(sums, sizes)
    assert (low, high) == (0, 1)  # 0.5 with a standard error of 0.2887 and two degrees of freedom
    low, high = simulations.korn_graubard(np.full(50, 2), np.full(50, 2))
    assert (low, high) == (pytest.approx(0.025 ** (1 / 50)), 1)
