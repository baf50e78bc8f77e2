"""Study folders that were edited: what does not belong to the study is named, and pooled with nothing."""

import json
import shutil
from dataclasses import replace

import pytest

from ninefold.errors import RunError
from ninefold.report.study.results import StudyResults
from ninefold.runs.lock import held
from ninefold.runs.study import StudyRecord
from ninefold.studies import status
from ninefold.studies.run import run


def folder(study, kind="evaluation", **which):
    wanted = {"condition": "synthetic", **({"test": "synthetic"} if kind == "evaluation" else {}), **which}
    return study / next(StudyRecord.read(study).select(kind, **wanted)).folder


def edit(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_study_is_followed_while_a_process_works_on_it(copied):
    record = StudyRecord.read(copied)
    (folder(copied) / "status.json").unlink()
    assert status.is_over(record, copied)
    lock = copied / ".lock"
    with held(lock, AssertionError):
        assert not status.is_over(record, copied)
    lock.touch()  # As a killed process leaves it.
    assert status.is_over(record, copied)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"folder": "../elsewhere"}, r"run '\.\./elsewhere' is not in runs/"),
        ({"folder": "/etc"}, "run '/etc' is not in runs/"),
        ({"condition": "none"}, "there is no condition 'none'"),
        ({"test": None}, "there is no test None"),
        ({"model": "none"}, "there is no model 'none'"),
    ],
)
def test_a_record_that_was_edited_is_refused_and_written_again(copied, changes, told):
    path = copied / "study.json"
    content = json.loads(path.read_text())
    content["runs"][0] |= changes
    path.write_text(json.dumps(content))
    with pytest.raises(RunError, match=told):
        StudyRecord.read(copied)


def test_a_lost_record_is_written_again(copied, smoke):
    before = (copied / "study.json").read_bytes()
    (copied / "study.json").unlink()
    with pytest.raises(RunError, match="holds no study"):
        StudyRecord.read(copied)
    with pytest.raises(RunError, match="nowhere: no such study folder; `ninefold study run RECIPE --out"):
        StudyRecord.read(copied / "nowhere")
    run(smoke, copied)
    assert (copied / "study.json").read_bytes() == before


def test_an_evaluation_of_another_model_is_absent_from_the_report(copied):
    shutil.rmtree(folder(copied))
    shutil.copytree(folder(copied, condition="base"), folder(copied))
    (absent,) = StudyResults.read(copied).absent
    assert "is of the model of no training, and not of synthetic-seed-0-" in absent.reason


def test_an_evaluation_of_other_questions_is_absent_from_the_report(copied):
    shutil.rmtree(folder(copied))
    shutil.copytree(folder(copied, test="coco"), folder(copied))
    (absent,) = StudyResults.read(copied).absent
    assert "than its test has now" in absent.reason


def test_a_training_of_another_seed_is_absent_from_the_report(copied, smoke):
    two = replace(smoke, seeds=(0, 1), tests=smoke.tests[:1])
    run(two, copied)
    shutil.rmtree(folder(copied, "training", seed=0))
    shutil.copytree(folder(copied, "training", seed=1), folder(copied, "training", seed=0))
    (absent,) = StudyResults.read(copied).absent
    assert "is a training with seed 1, and not 0" in absent.reason


def test_edited_metrics_are_absent_from_the_report(copied):
    edit(folder(copied) / "metrics.json", accuracy=0.99)
    (absent,) = StudyResults.read(copied).absent
    assert "metrics.json has an accuracy of 0.99, scores.parquet" in absent.reason


def test_a_broken_status_fails_its_run_alone(copied, smoke):
    (folder(copied) / "status.json").write_text("{")
    (failure,) = run(smoke, copied).failed.values()
    assert "status.json: not readable as JSON" in failure.reason


def test_damaged_scores_and_data_sets_are_made_again(copied, smoke, results):
    whole = results(copied)
    (folder(copied) / "scores.parquet").unlink()
    (folder(copied, condition="base") / "scores.parquet").write_bytes(b"x")
    next((copied / "data").glob("test-synthetic-*/data/*.parquet")).write_bytes(b"x")
    assert not run(smoke, copied).failed
    assert results(copied) == whole
