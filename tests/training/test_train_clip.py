"""A whole road of CLIP on random weights: train, interrupt, go on, load, evaluate."""

import json
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from tiny import some_examples

from ninefold.data.format import dataset
from ninefold.data.format.card import About
from ninefold.data.sources.synthetic import SyntheticSpec, examples
from ninefold.evaluation.evaluate import evaluate
from ninefold.evaluation.spec import EvaluateSpec
from ninefold.models.clip.model import DualEncoder
from ninefold.models.spec import ModelSpec
from ninefold.training import callbacks
from ninefold.training.spec import TrainSpec
from ninefold.training.train import train

RESULTS = ("adapter/adapter_model.safetensors", "adapter/adapter_config.json", "history.json", "metrics.json")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "synthetic"
    train_pool = examples(SyntheticSpec(split="train", canvas=96))
    test = examples(SyntheticSpec(split="test", canvas=96))
    few = {split: islice(part, 0, 144, 6) for split, part in {**train_pool, **test}.items()}
    dataset.write(folder, few, about=About("a few", "A few rows.", {}))
    return folder


@pytest.fixture(scope="module")
def spec(tiny_clip: Path, data: Path) -> TrainSpec:
    return TrainSpec(ModelSpec(str(tiny_clip)), data=(data,), batch=8, epochs=3, learning_rate=3e-3, checkpoint_steps=2)


@pytest.fixture(scope="module")
def run(spec: TrainSpec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "clip"
    train(spec, out)
    return out


def test_the_loss_falls_from_that_of_a_guess(run: Path) -> None:
    history = json.loads((run / "history.json").read_text())
    losses = [entry["train_loss"] for entry in history]
    assert losses == sorted(losses, reverse=True)
    # The logarithm of nine texts, and what random weights add to it.
    assert 1.5 < losses[2] < losses[0] < 3
    metrics = json.loads((run / "metrics.json").read_text())
    # 2 layers x q, k, v in each tower.
    assert len(metrics["adapted_modules"]) == 12
    assert metrics["examples"] == {"train": 24, "validation": 24}
    assert json.loads((run / "spec.json").read_text())["model"]["family"] == "clip"


def test_interrupted_it_ends_with_the_same_bytes(
    run: Path, spec: TrainSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_self: object, _args: object, state: Any, _control: object, **_: object) -> None:
        if state.global_step == 5:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(callbacks.CheckpointSchedule, "on_step_begin", interrupted, raising=False)
        train(spec, tmp_path / "cut")
    train(spec, tmp_path / "cut")
    for name in RESULTS:
        assert (tmp_path / "cut" / name).read_bytes() == (run / name).read_bytes(), name


def test_the_micro_batch_and_recomputing_change_nothing(run: Path, spec: TrainSpec, tmp_path: Path) -> None:
    train(replace(spec, micro_batch=2, recompute=True), tmp_path / "small")
    small, whole = (json.loads((out / "history.json").read_text()) for out in (tmp_path / "small", run))
    for one, other in zip(small, whole, strict=True):
        assert one["train_loss"] == pytest.approx(other["train_loss"], rel=1e-4)
        assert one["validation_loss"] == pytest.approx(other["validation_loss"], rel=1e-4)


def test_text_alone_can_be_adapted(spec: TrainSpec, tmp_path: Path) -> None:
    metrics = train(replace(spec, lora_scope="language", epochs=1), tmp_path / "text")
    assert metrics["adapted_modules"] == [
        f"text_model.encoder.layers.{n}.self_attn.{p}_proj" for n in (0, 1) for p in ("k", "v", "q")
    ]


def test_the_adapter_answers_otherwise(run: Path, data: Path, tiny_clip: Path, tmp_path: Path) -> None:
    tuned = DualEncoder.load(ModelSpec(str(tiny_clip), adapter=run))
    asked = some_examples(3)
    assert tuned.choice_scores(asked) != DualEncoder.load(str(tiny_clip)).choice_scores(asked)
    told = EvaluateSpec(ModelSpec(str(tiny_clip)), data)
    base = evaluate(told, tmp_path / "base", progress=False)
    metrics = evaluate(EvaluateSpec(ModelSpec(str(tiny_clip), run), data), tmp_path / "tuned", progress=False)
    chosen = evaluate(
        EvaluateSpec(ModelSpec(str(tiny_clip), run), data, scoring="choice"), tmp_path / "chosen", progress=False
    )
    assert metrics["confusion"] != base["confusion"]
    assert (metrics["n"], metrics["invalid"]) == (24, 0)
    # It chooses either way.
    assert chosen == metrics
