import numpy as np
import pytest

from ninefold.analysis.cells import accuracy_map, change_map


def test_accuracy_by_cell():
    accuracy, n = accuracy_map([0, 0, 8, 0], [0, 0, 8, 1], [True, False, True, False])
    assert accuracy.shape == n.shape == (9, 9)
    assert (accuracy[0, 0], accuracy[8, 8], accuracy[0, 1]) == (0.5, 1, 0)
    assert (n[0, 0], n[8, 8], n.sum()) == (2, 1, 4)
    assert np.isnan(accuracy[4, 4])


def test_changes_are_adjusted_for_being_many():
    rows = np.repeat([0, 1], [6, 5])
    change = change_map(rows, np.zeros(11, int), np.zeros(11, bool), np.ones(11, bool), grid=2)
    assert change[0, 0] == pytest.approx(2 * 0.03125)
    assert change[1, 0] == pytest.approx(0.0625)
    assert np.isnan(change[:, 1]).all()


def test_changes_of_questions_that_share_a_picture_are_clustered():
    zero, one = np.zeros(12, int), np.ones(12, int)
    assert change_map(zero, zero, zero, one, grid=1)[0, 0] == pytest.approx(2 / 2**12)
    assert change_map(zero, zero, zero, one, grid=1, groups=np.arange(12) // 4)[0, 0] == pytest.approx(2 / 2**3)
