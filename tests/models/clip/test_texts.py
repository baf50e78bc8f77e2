"""The form of candidate texts: what they say, which models have one, and that an adapter keeps its own."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tiny import some_examples

from ninefold.errors import ModelError
from ninefold.models import identity
from ninefold.models.clip.texts import candidate
from ninefold.models.family import TextForm
from ninefold.models.load import open_model
from ninefold.models.spec import ModelSpec
from ninefold.runs.outcome import changes

EXAMPLE = replace(some_examples(1)[0], question="Where is the red star?", prompt="Say. Where is the red star? [a, b]")


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("question and option", "Where is the red star? top left"),
        ("prompt and option", "Say. Where is the red star? [a, b] top left"),
        ("option", "top left"),
        ("sentence", "the red star is in the top left"),
    ],
)
def test_each_form_says_where_it_is(form: TextForm, text: str, tiny_clip: Path) -> None:
    assert candidate(EXAMPLE, "top left", form) == text
    model = open_model(ModelSpec(str(tiny_clip), texts=form))
    assert model.identity["texts"] == form
    written = model.encoder.tokenizer.decode(model.encoder.texts(EXAMPLE)[0])  # type: ignore[attr-defined]
    expected = model.encoder.tokenizer(candidate(EXAMPLE, EXAMPLE.options[0], form))["input_ids"]  # type: ignore[attr-defined]
    assert written == model.encoder.tokenizer.decode(expected)  # type: ignore[attr-defined]


def test_only_where_questions_make_sentences() -> None:
    with pytest.raises(ModelError, match="makes no sentence"):
        candidate(replace(EXAMPLE, question="What is it?"), "star", "sentence")


@pytest.mark.parametrize("name", ["nano", "openai:http://localhost:1/v1#it"])
def test_models_that_write_have_no_form(name: str) -> None:
    with pytest.raises(ModelError, match="writes its answer"):
        open_model(ModelSpec(name, texts="option"))


def test_the_form_is_part_of_the_run_and_told() -> None:
    plain, other = (identity.resolve(ModelSpec("nano-clip", texts=form)) for form in ("question and option", "option"))  # type: ignore[arg-type]
    assert plain is not None and other is not None
    assert {key for key in plain if plain[key] != other[key]} == {"texts"}
    assert changes({"model": plain}, {"model": other}) == "texts question and option, asked option"


def test_an_adapter_is_asked_as_it_was_trained(tmp_path: Path) -> None:
    base = identity.resolve(ModelSpec("nano-clip", texts="sentence"))
    (tmp_path / "adapter").mkdir()
    (tmp_path / "spec.json").write_text(json.dumps({"kind": "training", "model": base}))
    (tmp_path / "adapter" / "adapter_config.json").write_text("{}")
    (tmp_path / "adapter" / "adapter_model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    with pytest.raises(ModelError, match="trained with --texts 'sentence', not 'option'"):
        identity.resolve(ModelSpec("nano-clip", tmp_path, texts="option"))
    assert identity.resolve(ModelSpec("nano-clip", tmp_path, texts="sentence"))
