from collections import Counter

import numpy as np

from ninefold.report.gallery import gallery
from ninefold.report.test_sets import group, read_runs
from ninefold.space import LABELS
from ninefold.web.thumbnails import Pictures


def test_cells_take_turns_and_give_what_the_tuned_model_has_wrong_first(evaluation, answers):
    base, tuned = answers(0.5, per_cell=6), answers(1.0, per_cell=6)
    astray = tuned["id"].iloc[[10, 300]]
    tuned.loc[astray.index, "text"] = ["somewhere", "top left or center"]
    folders = [evaluation("base", base), evaluation("tuned", tuned, tuned=True)]
    (test_set,) = group(read_runs(folders)[0])
    shown = gallery(test_set, "set", 100, Pictures())
    assert {example.id for example in shown.first[:2]} == set(astray)
    assert [answer.kind for answer in shown.first[0].answers][1] in {"no label", "several labels"}
    for examples in (shown.first, *(one.examples for one in shown.groups)):
        wrong = [sum(2**k * (not answer.is_right) for k, answer in enumerate(example.answers)) for example in examples]
        assert wrong == sorted(wrong, reverse=True)
    assert Counter(len(one.examples) for one in shown.groups) == {1: 62, 2: 19}
    assert (len(shown.first), shown.shown, shown.total) == (12, 100, 486)
    assert gallery(test_set, "set", 100, Pictures()) == shown


def test_each_cell_holds_all_its_examples(evaluation, answers):
    table = answers(0.5, per_cell=6)
    (test_set,) = group(read_runs([evaluation("base", table)])[0])
    shown = gallery(test_set, "set", 1000, Pictures())
    assert [one.anchor for one in shown.groups[:2]] == ["examples-set-cell-0-0", "examples-set-cell-0-1"]
    assert shown.groups[0].name == "row 1, column 1 (top left)"
    assert sorted(example.id for one in shown.groups for example in one.examples) == sorted(table["id"])
    right = test_set.results[0].run.metrics["by_cell"][0][0]
    assert (shown.groups[0].total, shown.groups[0].right) == (6, (("base", round(6 * right)),))
    assert all(example.cell == (0, 0) for example in shown.groups[0].examples)


def test_without_cells_the_right_answers_are_the_groups(evaluation, answers):
    table = answers(0.5).drop(columns=["cell_row", "cell_col", "region"])
    (test_set,) = group(read_runs([evaluation("base", table)])[0])
    shown = gallery(test_set, "set", 1000, Pictures())
    assert [(one.name, one.total) for one in shown.groups] == [(label, 36) for label in LABELS]
    table["answer"], table["options"] = [f"word {k}" for k in range(len(table))], [[]] * len(table)
    (test_set,) = group(read_runs([evaluation("free", table.assign(answer_format="short_text"))])[0])
    (every,) = gallery(test_set, "set", 1000, Pictures()).groups
    assert (every.name, len(every.examples)) == ("all answers", 324)


def test_pictures_of_another_data_set_are_not_shown(evaluation, answers, tmp_path):
    (test_set,) = group(read_runs([evaluation("base", answers(0.5), data_folder=tmp_path / "gone")])[0])
    shown = gallery(test_set, "set", 10, Pictures())
    assert shown.missing == f"the data set is no longer at {tmp_path / 'gone'}"
    assert all(example.picture is None for example in shown.first)
    # A set without boxes frames the cell: one ninth of each side.
    row, col = shown.first[0].cell
    assert np.allclose(shown.first[0].frame, (100 * col / 9, 100 * row / 9, 100 / 9, 100 / 9))
