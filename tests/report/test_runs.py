import json

import pytest

from ninefold.errors import RunError
from ninefold.report.test_sets import group, read_runs
from ninefold.runs.outcome import run_id
from ninefold.store import write_json


def test_tuned_runs_are_paired_with_the_base_that_answered_the_same(evaluation, training, answers):
    bad, good = answers(0.4), answers(0.9)
    folders = [
        evaluation("tuned-photos", good, tuned=True, data="photos", fingerprint="d"),
        evaluation("base", bad),
        evaluation("tuned", good, tuned=True),
        evaluation("other", bad, model="Qwen/Qwen2-VL-7B-Instruct"),
        training(),
    ]
    evaluations, trainings = read_runs([*folders, folders[1]])
    assert [run.folder.name for run in trainings] == ["tuning"]
    photos, synthetic = group(evaluations)
    assert (photos.name, synthetic.name) == ("photos", "synthetic")
    assert [result.name for result in photos.results] == ["tuned"]
    assert photos.pairs == []
    names = ["nano base", "nano tuned", "Qwen/Qwen2-VL-7B-Instruct base"]
    assert [result.name for result in synthetic.results] == names
    assert [(one.name, other.name) for one, other in synthetic.pairs] == [("nano base", "nano tuned")]


def test_a_probe_is_refused_in_words(tmp_path):
    spec = {"kind": "probe", "model": {"name": "nano"}, "folds": 3}
    write_json(tmp_path / "spec.json", {"id": run_id(spec), **spec})
    write_json(tmp_path / "status.json", {"state": "done"})
    with pytest.raises(RunError, match="is a probe, which only the report of a study draws"):
        read_runs([tmp_path])


def test_several_tuned_models_are_told_apart(evaluation, answers):
    folders = [evaluation("base", answers(0.4))]
    folders += [evaluation(f"tuned-{k}", answers(0.8 + k / 10), tuned=f"adapter{k}") for k in (0, 1)]
    (test_set,) = group(read_runs(folders)[0])
    assert [result.name for result in test_set.results] == ["base", "tuned, adapter0", "tuned, adapter1"]


@pytest.mark.parametrize(
    ("gone", "message"),
    [
        ("spec.json", "not a run of ninefold"),
        ("done.json", "not finished; repeat its command"),
        ("scores.parquet", "predictions without scores; run: ninefold score"),
    ],
)
def test_what_is_no_finished_run_is_refused_in_one_line(evaluation, answers, gone, message):
    folder = evaluation("base", answers(0.4))
    (folder / gone).unlink()
    with pytest.raises(RunError, match=message) as caught:
        read_runs([folder])
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_runs_asked_in_another_way_are_not_compared(evaluation, answers):
    ways = [("one", {}), ("two", {"scoring": "choice"}), ("three", {"scoring": "choice", "tuned": True})]
    folders = [evaluation(name, answers(0.4), **way) for name, way in ways]
    (test_set,) = group(read_runs(folders)[0])
    assert [result.name for result in test_set.results] == ["nano base", "nano by choice base", "nano by choice tuned"]
    assert test_set.pairs == [test_set.results[1:]]


def test_nothing_to_report_is_an_error():
    with pytest.raises(RunError, match="no run to report"):
        read_runs([])


def test_models_with_weights_of_their_own_are_paired_through_their_lineage(evaluation, answers, tmp_path):
    base, full = evaluation("base", answers(0.4)), evaluation("full", answers(0.9), model="model")
    parent = json.loads((base / "spec.json").read_text())["model"]
    provenance = json.loads((full / "provenance.json").read_text())
    told = {"parent": parent, "training": str(tmp_path / "full-training")}
    (full / "provenance.json").write_text(json.dumps(provenance | told))
    (test_set,) = group(read_runs([full, base])[0])
    assert [result.name for result in test_set.results] == ["base", "tuned"]
    assert [(one.run.folder.name, other.run.folder.name) for one, other in test_set.pairs] == [("base", "full")]


def test_scores_of_another_version_are_refused(evaluation, answers):
    folder = evaluation("base", answers(0.4))
    metrics = json.loads((folder / "metrics.json").read_text())
    (folder / "metrics.json").write_text(json.dumps(metrics | {"scorer": 0}))
    with pytest.raises(RunError, match="another version of ninefold; run: ninefold score"):
        read_runs([folder])
