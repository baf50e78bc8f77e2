"""Training runs on random weights: they end the same however often they are interrupted."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from peft import PeftModel
from transformers import AutoModelForImageTextToText

from ninefold.errors import NinefoldError, RunError
from ninefold.training import callbacks
from ninefold.training.checkpoints import last_checkpoint
from ninefold.training.spec import TrainSpec
from ninefold.training.train import train
from ninefold.training.trainer import AnswerTrainer

RESULTS = ("adapter/adapter_model.safetensors", "adapter/adapter_config.json", "history.json", "metrics.json")


def assert_same_results(run: Path, other: Path) -> None:
    for name in RESULTS:
        assert (run / name).read_bytes() == (other / name).read_bytes(), name


def test_a_run_folder_holds_what_later_stages_read(unbroken: Path, spec: TrainSpec) -> None:
    names = {path.name for path in unbroken.iterdir()}
    results = {"history.json", "metrics.json", "sees.json"}
    assert names == {"spec.json", "adapter", *results, "provenance.json", "status.json", "README.md"}
    history = json.loads((unbroken / "history.json").read_text())
    assert [(entry["epoch"], entry["step"]) for entry in history] == [(1, 3), (2, 6), (3, 9)]
    assert set(history[0]) == {"epoch", "step", "train_loss", "validation_loss", "learning_rate"}
    assert history[2]["validation_loss"] < history[0]["validation_loss"] < 6.5
    metrics = json.loads((unbroken / "metrics.json").read_text())
    assert metrics["validation_loss"] == min(entry["validation_loss"] for entry in history)
    assert metrics["examples"] == {"train": 24, "validation": 24}
    # 2 layers x q, k, v in each tower.
    assert len(metrics["adapted_modules"]) == 12
    settings = json.loads((unbroken / "spec.json").read_text())
    assert (settings["learning_rate"], settings["schedule"], settings["batch"]) == (1e-3, "constant", 8)


def test_a_finished_run_is_left_alone_and_another_refused(unbroken: Path, spec: TrainSpec) -> None:
    before = (unbroken / "provenance.json").read_bytes()
    assert train(spec, unbroken) == json.loads((unbroken / "metrics.json").read_text())
    assert (unbroken / "provenance.json").read_bytes() == before
    with pytest.raises(RunError, match="seed"):
        train(replace(spec, seed=1), unbroken)


def test_the_adapter_is_plain_peft(unbroken: Path, tiny_llava: Path) -> None:
    base = AutoModelForImageTextToText.from_pretrained(tiny_llava)
    tuned = PeftModel.from_pretrained(base, str(unbroken / "adapter"))
    lora_b = [value for name, value in tuned.named_parameters() if "lora_B" in name]
    assert len(lora_b) == 12
    assert all(value.abs().sum() > 0 for value in lora_b)
    config = tuned.peft_config["default"]
    assert (config.r, config.lora_alpha, config.lora_dropout, config.bias) == (32, 64, 0.0, "none")
    assert config.base_model_name_or_path == str(tiny_llava)


def test_killed_before_a_change_of_its_folder_it_ends_with_the_same_bytes(
    spec: TrainSpec, few: Path, tmp_path: Path
) -> None:
    short = {"batch": 8, "epochs": 2, "limit": 16, "learning_rate": 1e-3, "checkpoint_steps": 1}
    names = (
        "open run/checkpoints/checkpoint-3/trainer_state.json",
        "os.rename run/checkpoints/best-2",
        "os.rename run/metrics.json",
    )
    job = {"spec": {**short, "model": str(spec.model.name), "data": [str(few)]}, "folder": str(tmp_path)}
    (tmp_path / "job.json").write_text(json.dumps({**job, "before": names}))
    script = Path(__file__).with_name("killed_training.py")
    done = subprocess.run([sys.executable, script, tmp_path / "job.json"], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    tally = json.loads(done.stdout)
    assert (tally["faults"], tally["kills"], tally["identical"]) == ([], 3, 3)


def test_stopped_before_an_epoch_is_evaluated_it_evaluates_that_epoch(
    unbroken: Path, spec: TrainSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate = AnswerTrainer.evaluate

    def interrupted(self: AnswerTrainer, *_: object, **__: object) -> dict[str, float]:
        if self.state.epoch == 2:
            raise KeyboardInterrupt
        return evaluate(self)

    # A checkpoint would be due at the last step of every epoch, the third.
    spec, out = replace(spec, checkpoint_steps=3), tmp_path / "run"
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(AnswerTrainer, "evaluate", interrupted)
        train(spec, out)
    train(spec, out)
    assert_same_results(out, unbroken)


def test_stopped_before_its_results_were_written_it_trains_no_more(
    unbroken: Path, spec: TrainSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    out = tmp_path / "late"
    impatient = replace(spec, learning_rate=1.0, patience=1, epochs=9)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("ninefold.training.train._finish", interrupted)
        train(impatient, out)
    monkeypatch.setattr("ninefold.training.trainer.AnswerTrainer.train", interrupted)
    metrics = train(impatient, out)
    assert metrics["stopped_early"]
    assert metrics["epochs"] == metrics["best_epoch"] + 1


def test_two_processes_that_went_on_amid_an_epoch_train_as_one_does(
    unbroken: Path, spec: TrainSpec, tmp_path: Path
) -> None:
    script = tmp_path / "job.py"
    script.write_text(f"""
from pathlib import Path, PosixPath
from ninefold.training.callbacks import CheckpointSchedule
from ninefold.models.shortcuts import Shortcuts
from ninefold.models.spec import ModelSpec
from ninefold.training.spec import TrainSpec
from ninefold.training.train import train
from ninefold.training.trainer import AnswerTrainer

def interrupted(self, args, state, control, **_):
    if state.global_step == 5:
        raise KeyboardInterrupt

spec, out = {replace(spec, epochs=2, checkpoint_steps=4)!r}, Path({str(tmp_path / "run")!r})
CheckpointSchedule.on_step_begin = interrupted
try:
    train(spec, out)
except KeyboardInterrupt:
    del CheckpointSchedule.on_step_begin
train(spec, out)
""")
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    subprocess.run([*launch, str(script)], check=True, capture_output=True, timeout=120, env=environment)
    together = json.loads((tmp_path / "run" / "history.json").read_text())
    alone = json.loads((unbroken / "history.json").read_text())[:2]
    for one, other in zip(together, alone, strict=True):
        for key in ("step", "train_loss", "validation_loss"):
            assert one[key] == pytest.approx(other[key], rel=1e-4), key
    assert json.loads((tmp_path / "run" / "provenance.json").read_text())["processes"] == 2


def test_several_data_sets_are_trained_on_together(spec: TrainSpec, few: Path, tmp_path: Path) -> None:
    metrics = train(replace(spec, data=(few, few), epochs=1, micro_batch=4), tmp_path / "both")
    assert metrics["examples"] == {"train": 48, "validation": 48}
    settings = json.loads((tmp_path / "both" / "spec.json").read_text())
    assert [entry["name"] for entry in settings["data"]] == ["synthetic-train", "synthetic-train"]


def test_the_micro_batch_changes_nothing(unbroken: Path, spec: TrainSpec, tmp_path: Path) -> None:
    train(replace(spec, micro_batch=2), tmp_path / "small")
    small, whole = (json.loads((run / "history.json").read_text()) for run in (tmp_path / "small", unbroken))
    for one, other in zip(small, whole, strict=True):
        assert one["train_loss"] == pytest.approx(other["train_loss"], rel=1e-4)
        assert one["validation_loss"] == pytest.approx(other["validation_loss"], rel=1e-4)


def test_from_a_damaged_checkpoint_it_goes_back_to_the_one_before(
    unbroken: Path, spec: TrainSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_self: object, _args: object, state: Any, _control: object, **_: object) -> None:
        if state.global_step == 5:
            raise KeyboardInterrupt

    out = tmp_path / "run"
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(callbacks.CheckpointSchedule, "on_step_begin", interrupted, raising=False)
        train(spec, out)
    last = out / "checkpoints" / "checkpoint-4"
    for name in ("optimizer.pt", "scheduler.pt", "rng_state.pth", "adapter_model.safetensors", "trainer_state.json"):
        copy = shutil.copytree(out / "checkpoints", tmp_path / name)
        os.truncate(copy / last.name / name, (last / name).stat().st_size // 2)
        assert last_checkpoint(copy) == copy / "checkpoint-3", name
        assert f"{last.name}: {name} is damaged; training goes on from the" in capsys.readouterr().err
    # One changed byte is damage too, and so is another kind of text.
    whole = (last / "optimizer.pt").read_bytes()
    at = whole.index(b"param_groups")
    (last / "optimizer.pt").write_bytes(whole[:at] + b"P" + whole[at + 1 :])
    copy = shutil.copytree(out / "checkpoints", tmp_path / "byte")
    assert last_checkpoint(copy) == copy / "checkpoint-3"
    copy = shutil.copytree(out / "checkpoints", tmp_path / "deep")
    (copy / last.name / "trainer_state.json").write_text("[" * 99_999)
    assert last_checkpoint(copy) == copy / "checkpoint-3"
    (last / "optimizer.pt").unlink()
    train(spec, out)
    assert f"{last}: optimizer is missing; training goes on" in capsys.readouterr().err
    assert_same_results(out, unbroken)


def test_a_checkpoint_that_was_being_written_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "checkpoint-12").mkdir()
    assert last_checkpoint(tmp_path) is None
    assert last_checkpoint(tmp_path / "missing") is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train_split": "other"}, "no split 'other'; name one with --train-split: train, validation"),
        ({"validation_split": "other"}, "no split 'other'; name one with --validation-split: train, validation"),
        ({"learning_rate": 1e30}, "the loss is nan at step 2 of 9; training has diverged: lower --learning-rate"),
        ({"rank": 10**9}, "--rank 1,000,000,000: the largest adapted module has"),
    ],
)
def test_what_cannot_be_trained_is_said_in_one_line(
    spec: TrainSpec, tmp_path: Path, change: dict[str, object], message: str
) -> None:
    with pytest.raises(NinefoldError, match=message):
        train(replace(spec, **change), tmp_path / "run")


@pytest.mark.parametrize("change", [{"rank": 0}, {"epochs": -1}, {"warmup": 1.0}, {"data": ()}, {"clip": -1.0}])
def test_values_that_cannot_be_meant_are_refused(spec: TrainSpec, change: dict[str, object]) -> None:
    with pytest.raises(RunError, match=f"--{next(iter(change))}"):
        replace(spec, **change)
