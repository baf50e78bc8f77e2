"""The overview of a report of single runs: seeds of one training are one row."""

import json

import pytest

from ninefold.errors import RunError
from ninefold.report.run_overview import conditions, overview
from ninefold.report.test_sets import group, read_runs
from ninefold.runs.outcome import run_id
from ninefold.runs.tables import read_scores


@pytest.fixture
def made(evaluation, training, answers, tmp_path):
    """The overview of a model with two seeds of one training, one of another, and of a second model."""

    def tuned(name, seed, data):
        folder = training(name)
        spec = {"kind": "training", "model": {"name": "nano"}, "seed": seed, "data": [{"name": data}]}
        (folder / "spec.json").write_text(json.dumps({"id": run_id(spec), **spec}))
        (folder / "metrics.json").write_text(json.dumps({"examples": {"train": 1296}}))
        return folder

    trainings = [tuned("a-0", 0, "synthetic"), tuned("a-1", 1, "synthetic"), tuned("b", 0, "coco")]
    folders = [evaluation("base", answers(0.4)), evaluation("other", answers(0.3), model="Qwen/Qwen2-VL-7B-Instruct")]
    folders += [evaluation(f"t-{k}", answers(0.7 + k / 10), tuned=run.name) for k, run in enumerate(trainings)]
    return lambda *runs: overview_of([*folders, *trainings[:2], *runs])


def overview_of(folders):
    evaluations, trainings = read_runs(folders)
    sets = group(evaluations)
    return overview(conditions(sets, trainings), sets, [f"s{index}" for index, _ in enumerate(sets)])


def test_seeds_of_one_training_are_one_row(made):
    found = made()
    assert found.tests == ("synthetic",)
    assert [(row.model, row.condition, row.examples) for row in found.rows] == [
        ("nano", "base", None), ("nano", "synthetic", 1296), ("nano", "coco", None),
        ("Qwen/Qwen2-VL-7B-Instruct", "base", None),
    ]  # fmt: skip
    two = found.rows[1].cells[0].measured
    assert (two.runs, two.accuracy.values) == ((0, 1), pytest.approx((0.7, 0.8), abs=0.01))
    assert two.change.value == pytest.approx(0.35, abs=0.01)
    # Two seeds that differ by ten points show no direction yet; one run has only the interval over questions.
    assert [row.cells[0].measured.verdict for row in found.rows[1:3]] == ["", "better"]
    assert found.rows[0].cells[0].anchor == "set-s0"
    assert found.file.startswith("data:text/csv;charset=utf-8,model,condition")


def test_a_set_that_a_model_was_not_asked_is_a_gap(made, evaluation, answers):
    found = made(evaluation("photos", answers(0.2), data="photos", fingerprint="photos"))
    assert [row.condition for row in found.rows] == ["base", "synthetic", "coco", "base"]
    assert [cell.gap for cell in found.rows[0].cells] == ["", ""]
    assert [cell.gap for cell in found.rows[1].cells] == ["", "not evaluated"]


def test_one_model_that_was_tuned_once_needs_no_overview(evaluation, answers, html):
    runs = [evaluation("base", answers(0.4)), evaluation("tuned", answers(0.9), tuned=True)]
    assert overview_of(runs) is None
    assert 'class="overview"' not in html(*runs)


def test_the_page_of_several_models_has_it(evaluation, answers, html):
    runs = [evaluation(name, answers(0.4), model=name) for name in ("one", "<b>two")]
    page = html(*runs)
    assert 'class="overview"' in page and "&lt;b&gt;two" in page and "<b>two" not in page


def test_runs_of_other_examples_are_refused(made, evaluation, answers):
    folder = evaluation("t-1", answers(0.8), tuned="a-1")
    read_scores(folder).head(3).to_parquet(folder / "scores.parquet")
    with pytest.raises(RunError, match="other examples"):
        made()


def test_columns_of_a_score_table_are_read_alone(evaluation, answers):
    table = read_scores(evaluation("base", answers(0.4)), ("id", "correct", "grid"))
    assert list(table.columns) == ["id", "correct"] and len(table) == 324
