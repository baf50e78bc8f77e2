"""Settings of published trainings: warm-up by steps, a model's own dropout, moments of 8 bits."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import torch

from ninefold.errors import ModelError, NinefoldError, RunError
from ninefold.models.load import open_trainable
from ninefold.runs.outcome import run_id
from ninefold.training import eight_bit
from ninefold.training.arguments import trainer_arguments
from ninefold.training.memory import MemoryPlan
from ninefold.training.parameters import set_dropout
from ninefold.training.settings import resolve
from ninefold.training.spec import TrainSpec
from ninefold.training.train import _tell_long_warmup, train


def test_a_warmup_that_never_ends_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    _tell_long_warmup({"warmup_steps": 8}, steps=9)
    _tell_long_warmup({}, steps=9)
    assert capsys.readouterr().err == ""
    _tell_long_warmup({"warmup_steps": 9}, steps=9)
    assert "--warmup-steps 9: there are 9 steps in all" in capsys.readouterr().err


def test_what_is_not_asked_for_is_not_in_a_runs_id(spec: TrainSpec) -> None:
    found = resolve(spec)
    assert found is not None
    record = found.to_json()
    assert not {"dropout", "warmup_steps", "conversation_tokens"} & record.keys()
    assert record["optimizer"] == "adamw"
    for changed in ({"warmup_steps": 4}, {"optimizer": "adamw-8bit"}, {"conversations": True}):
        other = resolve(replace(spec, **changed))  # type: ignore[arg-type]
        assert other is not None
        assert run_id(other.to_json()) != run_id(record)


@pytest.mark.parametrize(
    ("family", "language", "both"),
    [("tiny_llava", 2, 4), ("tiny_qwen2_vl", 2, 4), ("tiny_llava_onevision", 2, 2), ("tiny_clip", 2, 4)],
)
def test_dropout_is_the_models_own(family: str, language: int, both: int, request: pytest.FixtureRequest) -> None:
    for scope, layers in (("language", language), ("vision+language", both)):
        model = open_trainable(str(request.getfixturevalue(family)))
        set_dropout(model.model, 0.25, scope, model.family, "m")  # type: ignore[arg-type]
        rates = [
            vars(module).get(name) for module in model.model.modules() for name in ("attention_dropout", "dropout")
        ]
        assert rates.count(0.25) == layers


def test_a_model_without_dropout_says_so(tiny_molmo: Path) -> None:
    model = open_trainable(str(tiny_molmo))
    with pytest.raises(ModelError, match=r"--dropout 0.1: molmo has no dropout of its own"):
        set_dropout(model.model, 0.1, "vision+language", model.family, "molmo")


def test_moments_of_8_bits_need_their_package(spec: TrainSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = replace(spec, optimizer="adamw-8bit")
    found = resolve(asked)
    assert found is not None
    plan = MemoryPlan(1, 1, False, False)
    arguments = trainer_arguments(found.to_json(), plan, torch.float32, folder=tmp_path, workers=0)
    assert (arguments.optim, arguments.warmup_steps) == ("adamw_bnb_8bit", 0)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(RunError, match="needs bitsandbytes, which is not installed: pip install bitsandbytes"):
        train(asked, tmp_path / "run")
    broken = ModuleType("bitsandbytes.optim")

    def no_library(*_: object, **__: object) -> None:
        raise RuntimeError("no kernel image is available\nfor execution")

    broken.AdamW = no_library  # type: ignore[attr-defined]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    monkeypatch.setattr(eight_bit.metadata, "version", lambda name: "0.1")
    monkeypatch.setitem(sys.modules, "bitsandbytes", ModuleType("bitsandbytes"))
    monkeypatch.setitem(sys.modules, "bitsandbytes.optim", broken)
    with pytest.raises(RunError, match=r"bitsandbytes 0.1 does not work on cpu here \(no kernel image is available\)"):
        eight_bit.check_works(torch.device("cpu"))
    broken.AdamW = lambda *_, **__: SimpleNamespace(step=lambda: None)  # type: ignore[attr-defined]
    with pytest.raises(RunError, match="it changes no weights"):
        eight_bit.check_works(torch.device("cpu"))


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"warmup_steps": 0}, "--warmup-steps 0: must be greater than 0"),
        ({"warmup_steps": 4, "warmup": 0.1}, "--warmup-steps 4: leave out --warmup"),
        ({"optimizer": "sgd"}, "--optimizer 'sgd'"),
    ],
)
def test_impossible_settings_are_one_line(spec: TrainSpec, changed: dict[str, object], says: str) -> None:
    with pytest.raises(NinefoldError, match=says):
        replace(spec, **changed)  # type: ignore[arg-type]
