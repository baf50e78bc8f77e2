"""A training run as later stages find it: finished without torch, locked while it runs, parent of what it made."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ninefold import store
from ninefold.errors import FactError, RunError
from ninefold.evaluation.evaluate import evaluate
from ninefold.evaluation.spec import EvaluateSpec
from ninefold.models.spec import ModelSpec
from ninefold.report.test_sets import group, read_runs
from ninefold.runs.lock import locked
from ninefold.runs.outcome import run_id
from ninefold.runs.records import Status
from ninefold.training.settings import finished_metrics, resolve
from ninefold.training.spec import TrainSpec
from ninefold.training.train import train


def test_a_model_with_weights_of_its_own_is_paired_with_its_base(
    spec: TrainSpec, tiny_llava: Path, few: Path, tmp_path: Path
) -> None:
    tuning = tmp_path / "tuning"
    train(replace(spec, method="full", epochs=1, limit=8), tuning)
    folders = []
    for name, model in (("base", tiny_llava), ("tuned", tuning)):
        asked = EvaluateSpec(ModelSpec(str(model)), few, split="validation", limit=4, max_new_tokens=2)
        evaluate(asked, tmp_path / name, progress=False)
        folders.append(tmp_path / name)
    told = store.read_json(tmp_path / "tuned" / "provenance.json")
    assert told["training"] == str(tuning)
    assert told["parent"] == store.read_json(tuning / "spec.json")["model"]
    assert store.read_json(tmp_path / "tuned" / "spec.json")["model"]["name"] == "tuning"
    (test_set,) = group(read_runs(folders)[0])
    assert [result.name for result in test_set.results] == ["base", "tuned"]
    assert [(one.run.folder.name, other.run.folder.name) for one, other in test_set.pairs] == [("base", "tuned")]
    # Its folder inside the run is the same model.
    inside = EvaluateSpec(ModelSpec(str(tuning / "model")), few, split="validation", limit=4, max_new_tokens=2)
    assert evaluate(inside, tmp_path / "tuned", progress=False)["n"] == 4


def test_a_finished_run_is_found_without_torch(unbroken: Path, spec: TrainSpec) -> None:
    found = resolve(spec)
    assert found is not None and store.read_json(unbroken / "spec.json")["id"] == run_id(found.to_json())
    script = f"""
import sys
from pathlib import Path, PosixPath
from ninefold import api
from ninefold.models.shortcuts import Shortcuts
from ninefold.models.spec import ModelSpec
from ninefold.training.spec import TrainSpec
metrics = api.train({spec!r}, {str(unbroken)!r})
assert metrics["epochs"], metrics
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True)
    with pytest.raises(RunError, match=r"holds a run with other settings \(seed 0, asked 5\).*--overwrite"):
        finished_metrics(replace(spec, seed=5), unbroken)
    assert finished_metrics(replace(spec, seed=5), unbroken, overwrite=True) is None


def test_a_finished_run_of_a_changed_data_set_is_no_result(
    unbroken: Path, spec: TrainSpec, few: Path, tmp_path: Path
) -> None:
    run, data = (Path(shutil.copytree(folder, tmp_path / folder.name)) for folder in (unbroken, few))
    moved = replace(spec, data=(data,))
    metrics = finished_metrics(moved, run)
    assert metrics is not None and metrics == finished_metrics(spec, unbroken)
    [path] = (data / "data").glob("train-*")
    table = pq.read_table(path)
    answers = pa.array(["center", *table["answer"].to_pylist()[:-1]])
    pq.write_table(table.set_column(table.schema.get_field_index("answer"), "answer", answers), path)
    for asked in (lambda: finished_metrics(moved, run), lambda: train(moved, run)):
        with pytest.raises(FactError, match=r"row .*: its question, prompt, options or answer is not the manifest's"):
            asked()
    assert finished_metrics(spec, unbroken) == metrics


def test_a_run_that_another_process_holds_is_refused_before_its_model_is_opened(
    spec: TrainSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ninefold.training.train._opened", lambda _: pytest.fail("opened"))
    tmp_path.joinpath("run").mkdir()
    with locked(tmp_path / "run"), pytest.raises(RunError, match=r"process .* works on this run"):
        train(spec, tmp_path / "run")


def test_a_run_that_fails_says_why(spec: TrainSpec, tmp_path: Path) -> None:
    with pytest.raises(RunError):
        train(replace(spec, learning_rate=1e30), tmp_path / "run")
    status = Status.read(tmp_path / "run")
    assert status.state == "failed" and "lower --learning-rate" in str(status.reason)
