"""FSDP as far as one process shows it; `performance/sharding.py` trains with it in two."""

from pathlib import Path

import pytest
import torch
from accelerate.utils import DistributedType

from ninefold.errors import RunError
from ninefold.models.spec import ModelSpec
from ninefold.training import processes, sharding, train
from ninefold.training.spec import TrainSpec


def test_a_layer_is_what_is_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharding.os, "environ", {})
    network = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.LayerNorm(2))
    network._no_split_modules = {"Linear", "AbsentLayer"}
    sharding.configure(network)
    assert sharding.os.environ["FSDP_TRANSFORMER_CLS_TO_WRAP"] == "Linear"


def test_only_gpus_divide_the_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not sharding.sharded()
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    assert not sharding.sharded()
    monkeypatch.setattr(processes.processes(), "distributed_type", DistributedType.MULTI_GPU)
    assert sharding.sharded()


def test_a_model_is_opened_in_main_memory_in_the_precision_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharding, "sharded", lambda: True)
    monkeypatch.setattr(train, "open_trainable", lambda spec: spec)
    opened = train._opened(TrainSpec(ModelSpec("llava-next"), (Path("set"),)), "bfloat16")
    assert (opened.device, opened.dtype) == ("cpu", "bfloat16")


def test_another_library_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERATE_USE_DEEPSPEED", "true")
    with pytest.raises(RunError, match="DeepSpeed is not supported; use --use_fsdp or --multi_gpu"):
        sharding.sharded()


def test_a_plan_without_a_trial_is_careful() -> None:
    plan = sharding.plan(300.0, batch=4, micro_batch=None, checkpointing=None)
    assert (plan.micro_batch, plan.tokens, plan.gradient_checkpointing) == (1, 300, True)
    assert sharding.plan(300.0, batch=4, micro_batch=9, checkpointing=False).micro_batch == 4
