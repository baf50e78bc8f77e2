"""Data sets mixed by weights: how many examples of each an epoch holds, which, and the same again when resumed."""

import json
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from training_runs import assert_same_adapter

from ninefold.errors import RunError
from ninefold.runs.outcome import run_id
from ninefold.training import callbacks
from ninefold.training.mixture import Mixture, apportioned
from ninefold.training.sampler import LengthBuckets
from ninefold.training.settings import examples_of, resolve
from ninefold.training.spec import TrainSpec
from ninefold.training.train import train


def test_an_example_comes_again_only_when_all_of_its_set_have_come() -> None:
    mixture = Mixture(sizes=(5, 20), counts=(4, 3), seed=0)
    epochs = [mixture.epoch(epoch) for epoch in range(5)]
    assert all(sum(index < 5 for index in epoch) == 4 and len(epoch) == 7 for epoch in epochs)
    small = Counter(index for epoch in epochs for index in epoch if index < 5)
    large = [index for epoch in epochs for index in epoch if index >= 5]
    assert small == dict.fromkeys(range(5), 4)  # 5 epochs of 4 are 4 laps through 5 examples
    assert len(set(large)) == 15 and set(large) <= set(range(5, 25))
    assert mixture.epoch(3) == epochs[3]
    assert Mixture((5, 20), (4, 3), seed=1).epoch(0) != epochs[0]


def test_an_epoch_may_hold_a_small_set_several_times() -> None:
    assert Counter(Mixture((3, 10), (7, 1), 0).epoch(0)[:7]).most_common()[-1][1] == 2


def test_batches_are_those_of_the_mixture() -> None:
    order = LengthBuckets([100.0] * 5 + [300.0] * 20, 4, seed=0, mixture=Mixture((5, 20), (4, 8), 0))
    order.set_epoch(2)
    assert len(order) == 12 and Counter(order) == Counter(Mixture((5, 20), (4, 8), 0).epoch(2))


def test_shares_are_whole_numbers_that_sum_to_the_total() -> None:
    assert apportioned((0.25, 0.75), 1296) == [324, 972]
    assert apportioned((1, 1, 1), 100) == [34, 33, 33]
    assert apportioned((3, 3), 5) == apportioned((0.5, 0.5), 5) == [3, 2]


def test_an_interrupted_mixture_ends_with_the_same_bytes(
    spec: TrainSpec, few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "synthetic-other"
    shutil.copytree(few, other)
    mixed = replace(spec, data=(few, other), weights=(1, 3), epoch_examples=16, epochs=2, micro_batch=8)
    metrics = train(mixed, tmp_path / "whole")
    settings = json.loads((tmp_path / "whole" / "spec.json").read_text())
    assert settings["mixture"] == [4, 12]
    assert metrics["examples"] == {"train": 16, "validation": 8 + 24}
    assert metrics["steps"] == 4

    def interrupted(_self: object, _args: object, state: Any, _control: object, **_: object) -> None:
        if state.global_step == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(callbacks.CheckpointSchedule, "on_step_begin", interrupted, raising=False)
        with pytest.raises(KeyboardInterrupt):
            train(mixed, tmp_path / "cut")
    train(mixed, tmp_path / "cut")
    assert_same_adapter(tmp_path / "whole", tmp_path / "cut")


def test_weights_change_the_run_only_where_they_are_given(spec: TrainSpec, few: Path) -> None:
    def settings(**changes: Any) -> Mapping[str, Any]:
        found = resolve(replace(spec, data=(few, few), **changes))
        assert found is not None
        return found.to_json()

    assert "mixture" not in settings()
    assert settings(weights=(2, 2)) == settings(weights=(0.5, 0.5), epoch_examples=48)
    ids = {run_id(settings(**changes)) for changes in ({}, {"weights": (1, 1)}, {"weights": (1, 2)})}
    assert len(ids) == 3


def test_a_fit_function_of_a_user_gets_the_first_epoch(spec: TrainSpec, few: Path) -> None:
    train, validation = examples_of(replace(spec, data=(few, few), weights=(1, 3), epoch_examples=16))
    assert (len(train), len(validation)) == (16, 8 + 24)
    both = [*examples_of(replace(spec, data=(few,)))[0]] * 2
    assert [one.id for one in train] == [both[index].id for index in Mixture((24, 24), (4, 12), 0).epoch(0)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": (1.0,)}, "--weights 1.0: one for each of 2 data sets is needed"),
        ({"weights": (1.0, 0.0)}, "must be greater than 0 and finite; leave out a data set without share"),
        ({"weights": (1.0, float("nan"))}, "must be greater than 0 and finite"),
        ({"epoch_examples": 8}, "--epoch-examples 8: needs --weights"),
        ({"weights": (1, 1), "epoch_examples": 0}, "--epoch-examples 0: must be greater than 0"),
        ({"weights": (1, 1000)}, "of 48 examples, an epoch would hold none of .*leave it out"),
    ],
)
def test_weights_that_cannot_be_meant_are_refused(
    spec: TrainSpec, few: Path, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(RunError, match=message):
        resolve(replace(spec, data=(few, few), **change))
