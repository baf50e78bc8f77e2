import json
import os
import re
import shutil
import signal
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from ninefold import plugins
from ninefold.data.sources.coco.source import CocoSpec
from ninefold.data.sources.synthetic import SyntheticSpec
from ninefold.errors import DataError, PluginError, RunError
from ninefold.models.registry import FITTED, REGISTERED
from ninefold.models.spec import ModelSpec
from ninefold.runs.records import Status
from ninefold.runs.study import StudyRecord
from ninefold.studies import estimate, leaks, recipes, status, workers
from ninefold.studies.check import faults
from ninefold.studies.description import Condition, Photos, Study, StudyModel
from ninefold.studies.description import Test as StudyTest
from ninefold.studies.plan import plan
from ninefold.studies.run import run


def test_every_run_is_done_and_in_the_record(done, smoke):
    record = StudyRecord.read(done)
    assert [run.kind for run in record.runs] == ["evaluation"] * 2 + ["training"] + ["evaluation"] * 2
    assert {Status.read(done / run.folder).state for run in record.runs} == {"done"}
    assert [condition.rows for condition in record.conditions] == [None, 324]
    assert [run.folder for run in record.select("evaluation", test="coco", condition="base")] == [record.runs[1].folder]


def test_the_scripted_model_learns(done):
    record = StudyRecord.read(done)

    def accuracy(condition):
        (found,) = record.select("evaluation", test="synthetic", condition=condition)
        return json.loads((done / found.folder / "metrics.json").read_text())["accuracy"]

    assert accuracy("base") < 0.7 < accuracy("synthetic")


def test_a_study_that_is_done_does_nothing_again(copied, smoke):
    before = {path: path.stat().st_mtime_ns for path in copied.rglob("*.*")}
    assert len(run(smoke, copied).done) == 9
    assert before == {path: path.stat().st_mtime_ns for path in copied.rglob("*.*")}


def test_only_what_is_missing_is_done(copied, smoke, results):
    whole = results(copied)
    missing = StudyRecord.read(copied).runs[2].folder
    shutil.rmtree(copied / missing)
    run(smoke, copied)
    assert results(copied) == whole


def test_workers_reach_the_same_bytes_though_one_is_killed(smoke, done, results, tmp_path, monkeypatch):
    killed = []
    begin = workers.Workers.begin

    def begin_and_kill(self, task):
        begin(self, task)
        if task.kind == "training" and not killed:
            (busy,) = (worker for worker in self._workers if worker.task is task)
            os.kill(busy.process.pid, signal.SIGKILL)
            killed.append(task.name)

    monkeypatch.setattr(workers.Workers, "begin", begin_and_kill)
    result = run(smoke, tmp_path / "study", jobs=2)
    assert killed
    assert not result.failed
    assert results(tmp_path / "study") == results(done)


def test_a_failed_run_stops_no_other_and_what_needs_it_is_named(copied, smoke, monkeypatch):
    shutil.rmtree(copied / StudyRecord.read(copied).runs[2].folder)

    def fit(*_):
        raise ValueError("the loss is odd")

    monkeypatch.setitem(FITTED, "scripted", fit)
    result = run(smoke, copied)
    reasons = [failure.reason for failure in result.failed.values()]
    assert reasons[0] == "model 'scripted': its fit function fails (ValueError: the loss is odd)"
    assert reasons[1:] == ["needs what failed: Scripted, Synthetic, seed 0: training"] * 2


def test_an_edited_run_is_refused_with_its_reason(copied, smoke):
    spec = copied / StudyRecord.read(copied).runs[0].folder / "spec.json"
    content = json.loads(spec.read_text())
    content["max_new_tokens"] = 99
    spec.write_text(json.dumps(content))
    (failure,) = run(smoke, copied).failed.values()
    assert "was edited after the run began" in failure.reason


def test_a_full_disk_ends_the_study_at_once(copied, smoke, monkeypatch):
    shutil.rmtree(copied / StudyRecord.read(copied).runs[2].folder)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(FITTED, "scripted", full)
    with pytest.raises(RunError, match="the disk is full; make room and run the same command again"):
        run(smoke, copied)


def test_another_study_in_the_folder_is_refused(copied, smoke):
    with pytest.raises(RunError, match="holds the study smoke, asked other"):
        run(replace(smoke, name="other"), copied)


def test_a_training_set_that_overlaps_a_test_is_refused(smoke, tmp_path):
    world = smoke.tests[1].source.world
    leaky = Condition("coco-complete", "COCO", (Photos(world, {"split": "train"}),))
    study, out = replace(smoke, conditions=(leaky,)), tmp_path / "study"
    with pytest.raises(DataError, match=r"train-coco-complete-\w+ and test-coco-\w+: share .*; nothing was trained"):
        run(study, out)
    # One that allows it says so in its record.
    planned = plan(replace(study, overlap="allow"), out)
    record = leaks.recorded(planned.record, planned, leaks.of(planned))
    found = {(leak.condition, leak.test): leak for leak in record.leaks}
    assert set(found) == {("coco-complete", "coco")}
    leak = found["coco-complete", "coco"]
    assert 0 < leak.images <= leak.test_images
    assert 0 < leak.rows <= leak.rows_of_shared_images <= leak.test_rows
    assert leak.data.startswith("data/train-coco-complete-")
    assert StudyRecord.from_json(json.loads(json.dumps(record.to_json()))).leaks == record.leaks


def test_all_faults_are_told_at_once(smoke):
    study = replace(
        smoke,
        models=(*smoke.models, StudyModel("Nothing", ModelSpec("no-such-model"))),
        conditions=(
            *smoke.conditions,
            Condition("synthetic", "Again", (SyntheticSpec("train"),), {"epoch": 3}),
            Condition("odd name", "Odd", (SyntheticSpec("train"),), {"epochs": -1}),
        ),
        tests=(
            *smoke.tests,
            StudyTest("photos", "Photos", CocoSpec(Path("nowhere.json"), Path("nowhere"))),
            StudyTest("asked", "Asked", SyntheticSpec("test"), conditions=("tuned",)),
        ),
        seeds=(0, 0, -1),
    )
    told = "\n".join(faults(study))
    for part in (
        "model Nothing: no-such-model: no model of this name",
        "condition synthetic: named twice",
        "condition 'odd name': a name is made of letters",
        "--epochs -1: must be greater than 0",
        "condition synthetic: there is no option 'epoch' (did you mean 'epochs'?)",
        "nowhere.json: no such file or folder",
        "test asked: there is no condition 'tuned'",
        "seed 0: named twice",
        "seed -1: seeds are whole numbers from 0 to 4294967295",
    ):
        assert part in told


def test_conditions_that_ask_for_the_same_share_it(smoke, tmp_path):
    again = replace(smoke.conditions[0], name="scaling-324", group="scaling")
    planned = plan(replace(smoke, conditions=(*smoke.conditions, again)), tmp_path)
    assert planned.shared == 3
    assert len(planned.tasks) == len(plan(smoke, tmp_path).tasks)


OWN_FILES = ("paper", "spare")
"""Beginnings of recipes that read files of the user."""


@pytest.mark.parametrize("name", [name for name in recipes.RECIPES if not name.startswith(OWN_FILES)])
def test_every_recipe_is_without_fault(name, tmp_path):
    study = recipes.find(name)
    assert faults(study) == []
    planned = plan(study, tmp_path)
    assert len({task.folder for task in planned.tasks}) == len(planned.tasks)


def test_the_paper_has_its_conditions_and_needs_its_photos(tmp_path):
    study = recipes.find("paper", {"coco": str(tmp_path / "nowhere"), "seeds": "3", "models": "CLIP,Molmo"})
    assert [condition.name for condition in study.conditions[:6]] == [
        "synthetic",
        *(f"distractors-{number}" for number in (1, 3, 5)),
        "coco-complete",
        "coco-subset",
    ]
    assert [len(study.seeds), *(model.title for model in study.models)] == [3, "CLIP", "Molmo"]
    assert any("instances_train2017.json: no such file" in fault for fault in faults(study))


@pytest.fixture
def file(tmp_path, monkeypatch):
    def write(text):
        path = tmp_path / "my_own_study.py"
        path.write_text(text)
        return path

    yield write
    import sys

    sys.modules.pop("my_own_study", None)
    plugins.LOADED[:] = [each for each in plugins.LOADED if each != tmp_path / "my_own_study.py"]


def test_a_study_of_a_users_file_is_found(file):
    path = file(
        "import ninefold as nf\n"
        "def mine(seeds: int = 1) -> nf.Study:\n"
        "    model = nf.StudyModel('nano', nf.ModelSpec('nano'))\n"
        "    tests = [nf.Test('t', 'T', nf.SyntheticSpec('test'))]\n"
        "    return nf.Study('mine', 'Mine', [model], tests, seeds=range(seeds))\n"
    )
    assert list(recipes.find(f"{path}:mine", {"seeds": "2"}).seeds) == [0, 1]
    with pytest.raises(RunError, match="has no parameter 'seed'; it has seeds"):
        recipes.find(f"{path}:mine", {"seed": "2"})
    with pytest.raises(RunError, match="give a value of type int"):
        recipes.find(f"{path}:mine", {"seeds": "two"})
    with pytest.raises(RunError, match="has no function 'yours'"):
        recipes.find(f"{path}:yours")


def test_the_study_of_the_documentation_is_without_fault(file, tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "studies.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    study = recipes.find(f"{file(code)}:crowded")
    assert faults(study) == []
    assert len(plan(study, tmp_path).record.runs) == 2 + 2 * 3 * 3
    rows = re.findall(r"^\| (`[^|]+) \|", page, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([a-z0-9-]+)`", row)}
    assert named >= set(recipes.RECIPES)


def test_a_study_file_that_raises_is_named_with_its_line(file):
    with pytest.raises(PluginError, match="line 2: ZeroDivisionError"):
        recipes.find(f"{file('one = 1' + chr(10) + 'one / 0')}:mine")


def test_a_function_that_returns_no_study_is_refused(file):
    path = file("def mine():\n    return 3\ndef broken():\n    return {}['a']\n")
    with pytest.raises(RunError, match=r"returns a int; return a ninefold\.Study"):
        recipes.find(f"{path}:mine")
    with pytest.raises(RunError, match="its function fails"):
        recipes.find(f"{path}:broken")
    with pytest.raises(RunError, match="no recipe of this name; there are paper"):
        recipes.find("nothing")


def test_the_scripted_model_is_registered():
    recipes.find("smoke")
    assert "scripted" in REGISTERED
    assert isinstance(recipes.find("smoke"), Study)


def test_a_full_fine_tuning_is_tested_as_a_checkpoint(smoke, tmp_path):
    model = StudyModel("Nano", ModelSpec("nano"), options={"method": "full"})
    planned = plan(replace(smoke, models=(model,)), tmp_path)
    (training,) = (task for task in planned.tasks if task.kind == "training")
    tested = [task.work.model for task in planned.tasks if task.kind == "evaluation" and training.key in task.needs]
    assert [(spec.name, spec.adapter) for spec in tested] == [(str(training.folder), None)] * 2
    # Before it is there, its time is that of its base.
    lines = estimate.text(replace(smoke, models=(model,)), tmp_path)
    assert "and whole checkpoints of full fine-tuning not counted" in lines
    assert "hours on 2 CPU cores" in lines


def test_an_interruption_that_python_loses_is_raised_before_the_next_task(copied, smoke, monkeypatch):
    shutil.rmtree(copied / StudyRecord.read(copied).runs[2].folder)
    fit = FITTED["scripted"]

    def interrupted(*arguments):
        with suppress(KeyboardInterrupt):  # As Python does within its own callbacks.
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)
        return fit(*arguments)

    monkeypatch.setitem(FITTED, "scripted", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(smoke, copied)
    states = [Status.read(copied / each.folder).state for each in StudyRecord.read(copied).runs]
    assert states[:3] == ["done"] * 3


def test_a_killed_study_is_shown_as_interrupted(copied, capsys):
    folder = copied / StudyRecord.read(copied).runs[2].folder
    Status.running().write(folder)
    (copied / ".lock").write_text("process 1 on nowhere")
    status.follow(copied)
    (row,) = [line for line in capsys.readouterr().out.splitlines() if "Synthetic" in line and "Scripted" in line]
    assert [cell.strip() for cell in row.split("│")[3:8]] == ["2", "", "", "1", ""]
