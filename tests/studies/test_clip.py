"""The recipe of CLIP: each part of the model is trained alone, and each form of text is a model of its own."""

import re
from pathlib import Path

from ninefold.models.load import open_trainable
from ninefold.studies.plan import plan
from ninefold.studies.recipes.clip import FORMS, SCOPES, clip
from ninefold.training.lora import matched
from ninefold.training.settings import pattern_of


def test_forms_are_models_with_folders_of_their_own(tmp_path: Path) -> None:
    planned = plan(clip(seeds=1), tmp_path)
    names = [model.name for model in planned.record.models]
    assert names == ["nano-clip", *(f"nano-clip-{name}" for name in FORMS)]
    assert planned.shared == 0
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
