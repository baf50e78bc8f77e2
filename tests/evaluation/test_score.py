import shutil
from dataclasses import replace

import pandas as pd
import pytest

from ninefold import store
from ninefold.errors import DataError, RunError
from ninefold.evaluation.predict import predict
from ninefold.evaluation.score import score
from ninefold.models.fake import FakeModel
from ninefold.runs.metrics import SCORER_VERSION, EvaluationMetrics
from ninefold.space import LABELS, Cell, label_of_cell
from ninefold.types import Example


def grid_examples(**more):
    return [
        Example(
            id=f"{row}-{col}",
            image=b"",
            question="Where is the red square?",
            prompt="p",
            options=LABELS,
            answer=label_of_cell(Cell(row, col)),
            group=f"block {row}",
            factors={"region": label_of_cell(Cell(row, col)), "cell_row": row, "cell_col": col, **more},
        )
        for row in range(9)
        for col in range(9)
    ]


def run(out, answer, examples, limit=None, *, clustering="group", labels=(), **options):
    spec = {"data": {"limit": limit, "clustering": clustering, "labels": list(labels)}}
    predict(FakeModel(answer), examples, out, spec=spec, progress=False, **options)
    return score(out)


@pytest.mark.parametrize(
    ("nano", "factors", "has_caveat"),
    [
        (True, {"category": "dining table"}, True),
        (True, {}, True),
        (True, {"category": "red square"}, False),
        (True, {"scene": "{}"}, False),
        (False, {"category": "dining table"}, False),
    ],
)
def test_a_nano_model_on_photos_has_a_caveat(tmp_path, nano, factors, has_caveat):
    spec = {"model": {"name": "a", "nano": nano}, "data": {"limit": None, "clustering": "group"}}
    predict(FakeModel(lambda e: e.answer), grid_examples(**factors), tmp_path, spec=spec, progress=False)
    assert ("nano models" in score(tmp_path).get("caveat", "")) == has_caveat


def test_a_perfect_census(tmp_path):
    metrics = run(tmp_path, lambda e: e.answer.title() + ".", grid_examples(distractors=0), clustering="census")
    assert (metrics["n"], metrics["accuracy"], metrics["valid_accuracy"], metrics["invalid"]) == (81, 1, 1, 0)
    assert metrics["ci95"] == pytest.approx([0.9547, 1], abs=5e-5)
    assert "Wilson" in metrics["interval"] and "census" in metrics["interval"]
    assert metrics["by_cell"] == [[1.0] * 9] * 9
    assert metrics["n_by_cell"] == [[1] * 9] * 9
    assert metrics["votes"] == [[label_of_cell(Cell(r, c)) for c in range(9)] for r in range(9)]
    assert metrics["answer_by_cell"] == metrics["votes"]
    assert list(metrics["by_region"]) == list(LABELS)
    assert metrics["by_region"]["center"]["n"] == 9 and metrics["by_region"]["center"]["accuracy"] == 1
    assert metrics["confusion"] == {label: {label: 9} for label in LABELS}
    assert store.read_json(tmp_path / "metrics.json") == metrics
    assert metrics["scorer"] == SCORER_VERSION


def test_only_a_whole_set_without_chance_is_a_census(tmp_path):
    for name, distractors, limit in (("some", 0, 81), ("cluttered", 3, None)):
        examples = grid_examples(distractors=distractors)
        metrics = run(tmp_path / name, lambda e: "center", examples, limit, clustering="census")
        assert "census" not in metrics["interval"] and "Wilson" in metrics["interval"]


def test_questions_about_one_picture_are_clustered(tmp_path):
    metrics = run(tmp_path, lambda e: "top left", grid_examples())
    # Three blocks of nine hold three right answers each, six hold none.
    assert metrics["accuracy"] == pytest.approx(1 / 9)
    assert "clustered by 9 groups" in metrics["interval"]
    low, high = metrics["ci95"]
    assert 0 < low < 1 / 9 < 1 / 3 < high < 1 / 2


def test_invalid_answers_are_counted_by_class_and_are_wrong(tmp_path):
    said = ["", "in the middle", "top left or center", "one two three four five six", "top left"]
    metrics = run(
        tmp_path,
        lambda e: said[e.factors["cell_col"] % 5],
        [e for e in grid_examples() if e.factors["cell_row"] == 0 and e.factors["cell_col"] < 5],
        max_new_tokens=5,
    )
    assert metrics["invalid_by_class"] == {
        "empty": 1, "no label": 1, "several labels": 1, "truncated": 1, "refused": 0,
    }  # fmt: skip
    assert (metrics["n"], metrics["invalid"], metrics["accuracy"], metrics["valid_accuracy"]) == (5, 4, 0, 0)
    assert metrics["confusion"] == {
        "top left": {"empty": 1, "no label": 1, "several labels": 1},
        "top center": {"top left": 1, "truncated": 1},
    }
    assert metrics["votes"][0][:6] == [None, None, None, None, "top left", None]
    assert metrics["by_cell"][0][:6] == [0, 0, 0, 0, 0, None]
    assert metrics["ci95_by_cell"][0][:6] == [[0, pytest.approx(0.7935, abs=5e-5)]] * 5 + [None]
    assert metrics["by_region"]["center"] == {"n": 0, "accuracy": None, "ci95": None}


def test_a_tie_of_votes_names_its_labels(tmp_path):
    examples = [replace(e, id=f"{e.id}{again}") for again in "ab" for e in grid_examples()]
    metrics = run(tmp_path, lambda e: e.answer if e.id.endswith("a") else "center", examples)
    assert metrics["votes"][0][0] == ["top left", "center"] and metrics["votes"][4][4] == "center"
    assert EvaluationMetrics.load(tmp_path / "metrics.json").votes == metrics["votes"]


def test_thoughts_are_not_read_and_those_cut_off_are_told(tmp_path, caplog):
    said = {0: "<think>left?</think> top left", 1: "<think> it may be bottom right. I see", 2: "in the center </think>"}
    examples = [e for e in grid_examples() if e.factors["cell_row"] == 0 and e.factors["cell_col"] < 4]
    # The third text ends a thought that its prompt began; the fourth was cut off in one, and shows no tag.
    metrics = run(tmp_path, lambda e: said.get(e.factors["cell_col"], "a top right is a"), examples, max_new_tokens=4)
    assert metrics["invalid_by_class"] == {
        "empty": 1, "no label": 0, "several labels": 0, "truncated": 2, "refused": 0,
    }  # fmt: skip
    line = "2 of 4 answers were cut off while the model was thinking: raise --max-new-tokens or turn thinking off"
    assert metrics["warnings"] == [line] and f"{tmp_path}: {line}" in caplog.text
    table = pd.read_parquet(tmp_path / "scores.parquet")
    assert table["text"][0] == said[0] and table["label"][0] == "top left"


def test_nothing_valid(tmp_path):
    metrics = run(tmp_path, lambda e: "", grid_examples())
    assert metrics["valid_accuracy"] is None
    assert pd.read_parquet(tmp_path / "scores.parquet")["label"].isna().all()


def test_the_score_table_has_one_row_an_example_and_every_factor(tmp_path):
    run(tmp_path, lambda e: "Center" if e.factors["cell_row"] == 4 else "?", grid_examples(scene="{}"))
    table = pd.read_parquet(tmp_path / "scores.parquet")
    assert list(table.columns) == [
        "id", "group", "question", "options", "answer", "text", "kind", "label", "correct",
        "region", "cell_row", "cell_col", "scene",
    ]  # fmt: skip
    assert len(table) == 81 and table["correct"].sum() == 3
    assert set(table["label"].dropna()) == {"center"}
    assert table.loc[table["correct"], "text"].tolist() == ["Center"] * 3


def test_rescoring_needs_only_the_predictions_and_gives_the_same_bytes(tmp_path):
    run(tmp_path / "a", lambda e: "center", grid_examples())
    (tmp_path / "b").mkdir()
    for name in ("predictions.parquet", "spec.json"):
        shutil.copy(tmp_path / "a" / name, tmp_path / "b" / name)
    score(tmp_path / "b")
    for name in ("scores.parquet", "metrics.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_questions_without_a_place_have_no_maps(tmp_path):
    plain = [Example(f"e{i}", b"", "q", "p", (), "center", group=str(i)) for i in range(3)]
    metrics = run(tmp_path, lambda e: "center", plain, labels=LABELS)
    assert metrics["accuracy"] == 1 and "by_cell" not in metrics


def test_an_answer_is_right_if_it_reads_as_the_truth_does(tmp_path):
    sides = ("left", "right", "on", "under")
    examples = [
        Example("a", b"", "q", "p", sides, "B", answer_format="letters", group="1"),
        Example("b", b"", "q", "p", sides, "under", answer_format="letters", group="2"),
        Example("c", b"", "q", "p", ("Yes", "No"), "True", answer_format="true_false", group="3"),
        Example("d", b"", "q", "p", (), "Two", answer_format="short_text", group="4"),
        Example("e", b"", "q", "p", sides, "unreadable", answer_format="letters", group="5"),
    ]
    said = {"a": "It is to the right.", "b": "D", "c": "Correct.", "d": "2", "e": "nothing"}
    metrics = run(tmp_path, lambda e: said[e.id], examples)
    table = pd.read_parquet(tmp_path / "scores.parquet")
    assert table["correct"].tolist() == [True] * 4 + [False]
    assert table["answer"].tolist() == ["right", "under", "Yes", "2", "unreadable"]
    assert metrics["confusion"]["right"] == {"right": 1} and metrics["invalid_by_class"]["no label"] == 1


def test_labels_of_another_question_and_cells_without_one_answer(tmp_path):
    labels = ("up", "down")
    examples = [
        replace(e, options=labels, answer="up" if e.factors["cell_row"] < 4 or k % 2 else "down")
        for k, e in enumerate([*grid_examples(), *(replace(e, id=f"{e.id}-2") for e in grid_examples())])
    ]
    metrics = run(tmp_path, lambda e: "down", examples, labels=labels)
    assert list(metrics["confusion"]) == ["up", "down"]
    assert list(metrics["by_region"]) == list(LABELS)
    assert metrics["answer_by_cell"][0] == ["up"] * 9 and metrics["answer_by_cell"][8] == [None] * 9
    assert metrics["votes"] == [["down"] * 9] * 9


def test_what_cannot_be_scored_is_an_error(tmp_path):
    with pytest.raises(RunError, match="not an evaluation of ninefold"):
        score(tmp_path)
    odd = [Example("e", b"", "q", "p", (), "yes", answer_format="yes_no")]
    with pytest.raises(DataError, match="'yes_no'"):
        run(tmp_path / "odd", lambda e: "yes", odd)
