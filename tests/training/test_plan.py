"""How a batch is cut, what the probe finds and leaves, and what happens when memory is not enough."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import some_examples
from training_runs import assert_same_adapter

from ninefold.errors import RunError
from ninefold.models.load import open_trainable
from ninefold.training import probe, trainer
from ninefold.training.dataset import TrainingSet
from ninefold.training.memory import MemoryPlan
from ninefold.training.parameters import made_trainable
from ninefold.training.spec import TrainSpec
from ninefold.training.train import train

LORA = {"pattern": r".*q_proj", "rank": 4, "alpha": 8, "dropout": 0.0, "init": "gaussian"}


def test_a_batch_is_cut_evenly_by_length_within_its_tokens() -> None:
    plan = MemoryPlan(micro_batch=8, tokens=400, gradient_checkpointing=False, unused_parameters=False)
    assert plan.split([100.0] * 6) == [[0, 1, 2], [3, 4, 5]]
    assert plan.split([100, 50, 90, 60, 95]) == [[1, 3], [2, 4, 0]]
    assert plan.split([900.0, 800.0]) == [[1], [0]]
    assert [len(part) for part in plan.split([10.0] * 20)] == [6, 7, 7]


def test_halving_ends_in_gradient_checkpointing_and_then_in_one_line() -> None:
    plan = MemoryPlan(8, 800, False, False)
    plan = plan.halved(5, 100)
    assert (plan.micro_batch, plan.tokens, plan.gradient_checkpointing) == (2, 200, False)
    plan = plan.halved(2, 100).halved(1, 100)
    assert (plan.micro_batch, plan.tokens, plan.gradient_checkpointing) == (1, 100, True)
    with pytest.raises(RunError, match="out of memory on a single example of about 100 tokens"):
        plan.halved(1, 100)


@pytest.fixture
def choose(tiny_llava: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., MemoryPlan]:
    model = open_trainable(str(tiny_llava))
    training_set = TrainingSet(some_examples(4), model.encoder)

    def chosen(mebibytes: float, **options: Any) -> MemoryPlan:
        monkeypatch.setattr(probe, "free", lambda device: int(mebibytes * 2**20))
        with made_trainable(model, {"lora": LORA, "scope": "language", "seed": 0}, restore=True) as trainable:
            return probe.choose(training_set, trainable.network, model.losses, trainable.dtype, batch=16, **options)[0]

    return chosen


def test_the_plan_follows_from_the_memory_that_is_free(choose: Callable[..., MemoryPlan]) -> None:
    roomy, tight, none = choose(4096), choose(6), choose(0.1)
    assert (roomy.micro_batch, roomy.gradient_checkpointing) == (16, False)
    assert 900 < roomy.tokens <= 1024
    assert not tight.gradient_checkpointing and tight.tokens < roomy.tokens
    assert none.gradient_checkpointing and len(none.split([60.0] * 4)) == 4
    told = choose(0.1, micro_batch=3)
    assert (told.micro_batch, told.gradient_checkpointing) == (3, True)
    assert choose(0.1, micro_batch=3, checkpointing=False).gradient_checkpointing is False
    assert choose(4096, checkpointing=True).gradient_checkpointing is True
    with pytest.raises(RunError, match="train fewer weights: --method lora, a lower --rank, or --lora-scope language"):
        choose(0)


def test_the_probe_leaves_no_trace(tiny_llava: Path) -> None:
    model = open_trainable(str(tiny_llava))
    training_set = TrainingSet(some_examples(2), model.encoder)
    batch = training_set.batch([0])
    with made_trainable(
        model, {"lora": {**LORA, "dropout": 0.5}, "scope": "language", "seed": 0}, restore=True
    ) as trainable:
        weights = {name: value.clone() for name, value in trainable.network.state_dict().items()}
        random = torch.get_rng_state()
        trial = probe.measure(model.losses, trainable.network, batch, torch.float32)
        assert torch.equal(torch.get_rng_state(), random)
        assert all(torch.equal(value, weights[name]) for name, value in trainable.network.state_dict().items())
        assert all(parameter.grad is None for parameter in trainable.network.parameters())
        # The last layer of the vision tower has no query of its own left out: all take part.
        assert not trial.unused and trial.random
    # Twice the examples keep twice the activations.
    assert probe.measure(model.losses, model.model, training_set.batch([0, 1]), torch.float32).size > 1.5 * trial.size


def test_a_probed_run_is_the_run_with_its_plan_given(unbroken: Path, spec: TrainSpec, tmp_path: Path) -> None:
    plan = json.loads((unbroken / "provenance.json").read_text())["plan"]
    assert plan["micro_batch"] == 8 and not plan["recompute"] and not plan["features"]
    train(replace(spec, micro_batch=8, recompute=False), tmp_path / "told")
    assert_same_adapter(tmp_path / "told", unbroken)


def test_out_of_memory_the_step_is_done_again_in_halves(
    spec: TrainSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = replace(spec, epochs=1, dropout=0.1)
    plain, calls = trainer.AnswerTrainer._inputs, []

    def short(self: trainer.AnswerTrainer, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        calls.append(len(batch["indices"]))
        if self.model.training and len(batch["indices"]) > 4:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate more than there is.")
        return plain(self, batch)

    with monkeypatch.context() as patch:
        patch.setattr(trainer.AnswerTrainer, "_inputs", short)
        train(spec, tmp_path / "short")
    assert calls[:4] == [8, 4, 4, 4]
    assert "out of memory; going on with at most 4 examples" in capsys.readouterr().err
    train(replace(spec, micro_batch=4, recompute=False), tmp_path / "four")
    assert_same_adapter(tmp_path / "short", tmp_path / "four")
    assert json.loads((tmp_path / "short" / "provenance.json").read_text())["plan"]["micro_batch"] == 4


def test_a_resumed_run_keeps_its_plan(
    unbroken: Path, spec: TrainSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(trainer.AnswerTrainer, "train", interrupted)
        train(replace(spec, micro_batch=2), tmp_path / "run")
    # Nothing is probed again, however the memory has changed.
    monkeypatch.setattr("ninefold.training.train.choose", interrupted)
    train(spec, tmp_path / "run")
    assert json.loads((tmp_path / "run" / "provenance.json").read_text())["plan"]["micro_batch"] == 2


def test_of_a_shared_gpu_no_more_than_the_share_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"memory_allocated": 2, "memory_reserved": 5, "mem_get_info": (90, 100)}
    for name, value in known.items():
        monkeypatch.setattr(torch.cuda, name, lambda device, value=value: value)
    for share, left in ((1.0, 93), (0.5, 48)):
        monkeypatch.setattr(torch.cuda, "get_per_process_memory_fraction", lambda device, share=share: share)
        assert probe.free(torch.device("cuda")) == left
