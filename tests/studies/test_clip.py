"""The recipe of CLIP: each part of the model is trained alone, and each form of text is a model of its own."""

import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.numpy import save_file
from tiny import some_examples

from ninefold.errors import ModelError
from ninefold.models.load import open_model, open_trainable
from ninefold.models.registry import FITTED
from ninefold.models.spec import ModelSpec
from ninefold.studies.plan import plan
from ninefold.studies.recipes.clip import FORMS, HEADS, SCOPES, clip
from ninefold.training.lora import matched
from ninefold.training.settings import pattern_of


def test_forms_are_models_with_folders_of_their_own(tmp_path: Path) -> None:
    planned = plan(clip(seeds=1), tmp_path)
    names = [model.name for model in planned.record.models]
    assert names == ["nano-clip", *(f"nano-clip-{name}" for name in [*FORMS, "pooled", "patches"])]
    assert len(clip(model="clip").models) == 1 + len(FORMS) and len(HEADS) == 2
    assert planned.shared == 0
    assert all(model.nano for model in planned.record.models)
    assert {run.model for run in planned.record.runs if run.condition == "vision"} == {"nano-clip"}


def test_each_scope_adapts_its_own_part() -> None:
    model = open_trainable("nano-clip")
    parts = {}
    for name in ("vision", "text", "projections"):
        options = SCOPES[name][1]
        scope = model.family.scopes[options.get("lora_scope", "vision+language")]
        pattern = pattern_of(options["targets"]) if "targets" in options else scope
        parts[name] = {re.split(r"\.", module)[0] for module in matched(model.model, pattern)}
    assert parts == {
        "vision": {"vision_model"},
        "text": {"text_model"},
        "projections": {"visual_projection", "text_projection"},
    }


def test_a_linear_head_learns_positions_from_frozen_features(tmp_path: Path) -> None:
    every = some_examples(216)
    train, test = [one for at, one in enumerate(every) if at % 4], every[::4]
    name = "nano-clip-patches"
    fitted = FITTED[name](ModelSpec(name), train[::2], train[1::2], 0)
    save_file(dict(fitted.arrays), tmp_path / "adapter_model.safetensors")
    head = open_model(ModelSpec(name, tmp_path))
    right = [answer.text == one.answer for answer, one in zip(head.predict(test), test, strict=True)]
    assert sum(right) / len(right) > 0.9
    assert head.identity["adapter"] is not None
    scores = head.choice_scores(test[:1])[0]
    assert sum(map(math.exp, scores)) == pytest.approx(1)
    with pytest.raises(ModelError, match=r"was trained on .*, not on 'here'"):
        head.predict([replace(test[0], options=("here", "there"))])
    assert [
        *map(len, (head.features(test[:1])[0], open_model(ModelSpec("nano-clip-pooled")).features(test[:1])[0]))
    ] == [
        81 * 128,
        128,
    ]
    untrained = open_model(ModelSpec(name))
    assert untrained.predict(test[:1])[0].text == test[0].options[0]
    with pytest.raises(ModelError, match="has no options"):
        untrained.predict([replace(test[0], options=())])
    (tmp_path / "adapter_model.safetensors").unlink()
    with pytest.raises(ModelError, match="holds no linear head"):
        open_model(ModelSpec(name, tmp_path))
