from collections import Counter

import numpy as np

from ninefold.report.gallery import gallery
from ninefold.report.test_sets import group, read_runs


def test_cells_take_turns_and_give_what_the_tuned_model_has_wrong_first(evaluation, answers):
    base, tuned = answers(0.5, per_cell=6), answers(1.0, per_cell=6)
    astray = tuned["id"].iloc[[10, 300]]
    tuned.loc[astray.index, "text"] = ["somewhere", "top left or center"]
    folders = [evaluation("base", base), evaluation("tuned", tuned, tuned=True)]
    (test_set,) = group(read_runs(folders)[0])
    shown = gallery(test_set, 100)
    assert {example.id for example in shown.examples[:2]} == set(astray)
    assert [answer.kind for answer in shown.examples[0].answers][1] in {"no label", "several labels"}
    wrong = [
        sum(2**k * (not answer.is_right) for k, answer in enumerate(example.answers)) for example in shown.examples
    ]
    assert wrong == sorted(wrong, reverse=True)
    assert Counter(Counter(example.cell for example in shown.examples).values()) == {1: 62, 2: 19}
    assert shown.total == 486
    assert gallery(test_set, 100) == shown
    assert len(gallery(test_set, 1000).examples) == 486


def test_pictures_of_another_data_set_are_not_shown(evaluation, answers, tmp_path):
    (test_set,) = group(read_runs([evaluation("base", answers(0.5), data_folder=tmp_path / "gone")])[0])
    shown = gallery(test_set, 10)
    assert shown.missing == f"the data set is no longer at {tmp_path / 'gone'}"
    assert all(example.image is None for example in shown.examples)
    # A set without boxes frames the cell: one ninth of each side.
    row, col = shown.examples[0].cell
    assert np.allclose(shown.examples[0].frame, (100 * col / 9, 100 * row / 9, 100 / 9, 100 / 9))
