"""Answers of several runs to one question, side by side: on the page, and as a figure."""

import io

import numpy as np
import pytest
from PIL import Image

from ninefold.data.format import dataset
from ninefold.data.format.card import About
from ninefold.data.format.dataset import Dataset
from ninefold.errors import RunError
from ninefold.questions.prompt import prompt
from ninefold.report import side_by_side
from ninefold.report.figures import question
from ninefold.report.gallery import gallery
from ninefold.report.page import report
from ninefold.report.shown import ShownAnswer, ShownExample
from ninefold.report.test_sets import group, read_runs
from ninefold.space import LABELS
from ninefold.types import Example
from ninefold.web.thumbnails import Pictures


def test_questions_are_chosen_by_how_differently_runs_answer_them():
    right = [[1, 1, 1, 0, 0], [1, 1, 0, 0, 0.2], [1, 0, 0, 0, 0]]
    assert set(side_by_side.differing(right, 5)) == {1, 2, 4}
    assert side_by_side.differing(right, 5)[-1] == 4 and side_by_side.differing(right, 2) != [4]
    assert [side_by_side.limit(runs) for runs in (1, 2, 20, 500)] == [12, 12, 6, 1]


@pytest.fixture
def runs(evaluation, answers, tmp_path):
    """A base, a tuned run and another model on the same nine pictures, of which they answer two differently."""
    table = answers(1.0, per_cell=1, looks=("cup",)).drop(columns=["cell_row", "cell_col", "region"]).iloc[::9]
    buffer = io.BytesIO()
    Image.new("RGB", (300, 200), (200, 0, 0)).save(buffer, "PNG")
    picture = buffer.getvalue()
    rows = [
        Example(row.id, picture, row.question, prompt(row.question, LABELS), LABELS, row.answer, group=row.group)
        for row in table.itertuples()
    ]
    dataset.write(tmp_path / "data", {"test": rows}, about=About("t", "d", {}))
    fingerprint = Dataset.open(tmp_path / "data").fingerprint("test")
    where = {"fingerprint": fingerprint, "data_folder": tmp_path / "data"}
    ids = list(table["id"])
    wrong = table.assign(text=[*table["text"][:-2], "<b>bottom</b>", "center"])
    letters = table.assign(answer_format="letters", text=[*"ABCDEFGHI"])
    return ids, [
        evaluation("base", table, **where),
        evaluation("tuned", wrong, tuned=True, **where),
        evaluation("other", letters, model="Molmo", **where),
    ]


def test_those_asked_for_come_first_then_those_that_differ(runs):
    ids, folders = runs
    (test_set,) = group(read_runs(folders)[0])
    found = side_by_side.chosen(test_set, [ids[3], "elsewhere"])
    right = np.array([one.run.scores["correct"] for one in test_set.results])
    differ = {name for name, alike in zip(ids, (right == right[0]).all(axis=0), strict=True) if not alike}
    assert {ids[-2], ids[-1]} <= differ and found[0] == ids[3]
    assert len(found) == len(set(found)) and {*found[1:], ids[3]} == {*differ, ids[3]}
    shown = gallery(test_set, "set", 5, Pictures(), [ids[3]])
    assert [one.id for one in shown.side_by_side] == found
    assert shown.shown == 5 and all(one.picture == 0 for one in shown.side_by_side)
    # A letter is told with the option that it stands for; a label is not told twice.
    first = {answer.name: (answer.text, answer.note) for answer in shown.side_by_side[0].answers}
    assert first["Molmo base"][0] == "D" and first["Molmo base"][1] in LABELS
    assert first["nano base"][1] == ""


def test_a_single_run_has_none_unless_asked(runs):
    ids, folders = runs
    (test_set,) = group(read_runs(folders[:1])[0])
    assert side_by_side.chosen(test_set, []) == [] and side_by_side.chosen(test_set, [ids[2]]) == [ids[2]]


def test_a_question_asked_for_becomes_a_figure(runs, tmp_path, monkeypatch):
    ids, folders = runs
    monkeypatch.setattr("ninefold.report.page._figures", lambda sections, losses: {})
    report(folders, tmp_path / "page.html", asked=[ids[-2]])
    (stem,) = {path.stem for path in (tmp_path / "page-figures").iterdir()}
    assert stem == f"synthetic-question-{ids[-2]}"
    with Image.open(tmp_path / "page-figures" / f"{stem}.png") as picture:
        assert (np.asarray(picture.convert("RGB")) == (200, 0, 0)).all(axis=-1).mean() > 0.2
    page = (tmp_path / "page.html").read_text()
    assert "Side by side" in page and "&lt;b&gt;bottom&lt;/b&gt;" in page and "<b>bottom" not in page
    with pytest.raises(RunError, match=f"--compare-questions nowhere: no run has .* such as '{ids[0]}'"):
        report(folders, tmp_path / "page.html", asked=["nowhere"])


def test_a_figure_holds_every_answer_and_grows_with_them():
    answers = tuple(ShownAnswer(f"model {k}", f"$x_{k}$ " + "long words " * 40, k % 2 == 0, "label") for k in range(4))
    example = ShownExample("a", "Where?", "left", None, answers, None, None)
    drawing = question.figure(example, None)
    shown = [one.get_text() for one in drawing.texts]
    assert shown[:2] == ["Where?", "Right answer: left"] and len(shown) == 2 + 2 * 4
    assert shown[3].startswith("✓ $x_0$") and shown[5].startswith("✗ $x_1$")
    assert (
        drawing.get_figheight()
        > question.figure(example.__class__("a", "Where?", "left", None, answers[:1], None, None), None).get_figheight()
    )
    assert min(one.get_position()[1] for one in drawing.texts) > 0.02
