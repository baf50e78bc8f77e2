"""The real LLaVA classes at random weights: batches change nothing, and answers are what plain transformers gives."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from tiny import some_examples
from transformers import AutoModelForImageTextToText, AutoProcessor

from ninefold.errors import DataError, ModelError
from ninefold.images import open_pil
from ninefold.models.checkpoint.fingerprint import adapter_hash
from ninefold.models.spec import ModelSpec
from ninefold.models.vlm import model as vlm_model
from ninefold.models.vlm.model import VisionLanguageModel
from ninefold.models.vlm.reference import to_device


@pytest.fixture(scope="module")
def model(tiny_llava: Path) -> VisionLanguageModel:
    return VisionLanguageModel.load(str(tiny_llava))


@pytest.fixture(scope="module")
def adapter(tiny_llava: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter that changes answers, laid out as a training run."""
    run = tmp_path_factory.mktemp("runs") / "tuning"
    torch.manual_seed(1)
    base = AutoModelForImageTextToText.from_pretrained(tiny_llava)
    config = LoraConfig(r=4, lora_alpha=64, target_modules=r".*\.(q_proj|k_proj|v_proj)", init_lora_weights=False)
    get_peft_model(base, config).save_pretrained(str(run / "adapter"))
    return run


def plain_answers(folder: Path, count: int, max_new_tokens: int) -> list[str]:
    processor, model = AutoProcessor.from_pretrained(folder), AutoModelForImageTextToText.from_pretrained(folder)
    answers = []
    for example in some_examples(count):
        content = [{"type": "image", "image": open_pil(example.image)}, {"type": "text", "text": example.prompt}]
        inputs = processor.apply_chat_template(
            [{"role": "user", "content": content}],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
        )
        tokens = model.generate(**inputs, do_sample=False, max_new_tokens=max_new_tokens)
        answers.append(processor.decode(tokens[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))
    return answers


def test_answers_equal_plain_generate_one_by_one(model: VisionLanguageModel, tiny_llava: Path) -> None:
    examples = some_examples(7)
    predictions = model.predict(examples, max_new_tokens=6)
    assert [prediction.text for prediction in predictions] == plain_answers(tiny_llava, 7, 6)
    assert [prediction.id for prediction in predictions] == [example.id for example in examples]
    assert any(prediction.text for prediction in predictions)


def test_the_batch_changes_nothing(model: VisionLanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    examples = some_examples(9)
    together = model.predict(examples)
    monkeypatch.setattr(vlm_model, "CORE_TOKENS", 1)
    assert model.predict(examples) == together
    assert model.predict(examples[::-1]) == together[::-1]
    assert model.predict([]) == []


def test_what_the_token_limit_stopped_is_marked(model: VisionLanguageModel) -> None:
    end = model.encoder.end_ids[0]
    words = model.encoder.tokenizer(" top left")["input_ids"]
    assert model.encoder.decode_answer([*words, end, 0, 0]) == (" top left", False)
    assert model.encoder.decode_answer(words) == (" top left", True)
    assert model.encoder.decode_answer([end]) == ("", False)
    assert all(prediction.truncated for prediction in model.predict(some_examples(2), max_new_tokens=1))


def test_the_image_comes_before_the_text(model: VisionLanguageModel) -> None:
    example = some_examples(1)[0]
    assert model.encoder.prompt(example) == f"<|user|><image>{example.prompt}<|end|><|assistant|>"


def test_each_distinct_picture_is_decoded_once(model: VisionLanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = some_examples(2)
    model.predict([first])
    opened = []
    monkeypatch.setattr("ninefold.images.open_pil", lambda image: opened.append(image) or open_pil(image))
    model.predict([first, second, replace(first, id="again")])
    assert sorted(map(repr, opened)) == sorted(map(repr, [first.image, second.image]))


def test_a_picture_that_cannot_be_read_is_named(model: VisionLanguageModel) -> None:
    broken = replace(some_examples(1)[0], id="row 7", image=b"no picture")
    with pytest.raises(DataError, match="example row 7"):
        model.predict([broken])


def test_hidden_states_are_the_last_tokens_after_every_layer(model: VisionLanguageModel) -> None:
    examples = some_examples(5)
    states = model.hidden_states(examples)
    assert states.shape == (5, 2, 32)
    assert states.dtype == np.float32
    for example, expected in zip(examples, states, strict=True):
        assert model.hidden_states([example])[0] == pytest.approx(expected, abs=1e-5)
        batch = to_device(model.model, model.encoder.encode([example], [model.encoder.image(example)]))
        last = model.model.lm_head(torch.from_numpy(expected[-1]).to(model.model.device))
        assert model.model(**batch).logits[0, -1].tolist() == pytest.approx(last.tolist(), abs=1e-5)


def test_what_it_sees_of_a_picture(model: VisionLanguageModel) -> None:
    sight = model.image_input(some_examples(1)[0])
    assert (sight.image, sight.image_tokens) == ((96, 96), 16)
    assert sight.prompt_tokens > sight.image_tokens


def test_choice_scores_are_log_probabilities_of_whole_answers(model: VisionLanguageModel) -> None:
    example = some_examples(1)[0]
    scores = model.choice_scores([example])[0]
    encoder = model.encoder
    picture = encoder.image(example)
    for option, score in zip(example.options, scores, strict=True):
        batch = to_device(model.model, encoder.encode_answers([example], [picture], [option]))
        labels = batch.pop("labels")
        chances = model.model(**batch).logits[0].log_softmax(-1)
        places = (labels[0] != -100).nonzero()[:, 0]
        expected = sum(chances[place - 1, labels[0, place]].item() for place in places)
        assert score == pytest.approx(expected, abs=1e-4)
        assert labels[0, places[-1]] == encoder.end_ids[0]


def test_there_must_be_something_to_choose_from(model: VisionLanguageModel) -> None:
    with pytest.raises(ModelError, match="example open: has no options"):
        model.choice_scores([*some_examples(1), replace(some_examples(1)[0], id="open", options=())])


def test_an_adapter_is_used_and_named_by_its_content(
    model: VisionLanguageModel, tiny_llava: Path, adapter: Path
) -> None:
    tuned = VisionLanguageModel.load(ModelSpec(str(tiny_llava), adapter=adapter))
    assert model.identity["adapter"] is None
    assert tuned.identity == {**model.identity, "adapter": adapter_hash(adapter / "adapter")}
    examples = some_examples(3)
    beside = PeftModel.from_pretrained(
        AutoModelForImageTextToText.from_pretrained(tiny_llava), str(adapter / "adapter")
    )
    plain = VisionLanguageModel(
        beside, tuned.encoder.processor, checkpoint=tuned.checkpoint, family=tuned.family, identity=tuned.identity
    )
    scores = tuned.choice_scores(examples)
    assert scores[0] == pytest.approx(plain.choice_scores(examples)[0], abs=1e-4)
    assert scores[0] != pytest.approx(model.choice_scores(examples)[0], abs=1e-2)
    assert VisionLanguageModel.load(ModelSpec(str(tiny_llava), adapter=adapter / "adapter")).identity == tuned.identity


def test_identity_changes_with_the_weights_and_not_with_the_place(model: VisionLanguageModel, tmp_path: Path) -> None:
    copy = tmp_path / "tiny-llava"
    shutil.copytree(model.checkpoint.path, copy)
    assert VisionLanguageModel.load(str(copy)).identity == model.identity
    settings = json.loads((copy / "processor_config.json").read_text())
    settings["image_processor"]["image_mean"] = [0.0, 0.0, 0.0]
    (copy / "processor_config.json").write_text(json.dumps(settings))
    assert VisionLanguageModel.load(str(copy)).identity != model.identity
    assert model.identity == {
        "name": "tiny-llava",
        "family": "llava",
        "nano": False,
        "checkpoint": model.identity["checkpoint"],
        "adapter": None,
        "dtype": "float32",
    }


def broken_checkpoint(tiny_llava: Path, folder: Path, without: str) -> Path:
    return Path(shutil.copytree(tiny_llava, folder / "broken", ignore=shutil.ignore_patterns(without)))


@pytest.mark.parametrize(
    ("without", "message"),
    [
        ("chat_template.jinja", "has no chat template"),
        ("*.safetensors", "cannot be opened"),
        ("tokenizer*", "cannot be opened"),
        ("processor_config.json", "cannot be opened|takes no pictures"),
    ],
)
def test_a_checkpoint_that_lacks_a_part(tiny_llava: Path, tmp_path: Path, without: str, message: str) -> None:
    folder = broken_checkpoint(tiny_llava, tmp_path, without)
    with pytest.raises(ModelError, match=message) as caught:
        VisionLanguageModel.load(str(folder))
    assert "\n" not in str(caught.value)


def test_a_checkpoint_that_lacks_tensors(tiny_llava: Path, tmp_path: Path) -> None:
    folder = broken_checkpoint(tiny_llava, tmp_path, "nothing")
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    del tensors[next(name for name in tensors if name.endswith("lm_head.weight"))]
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match=r"lacks 1 tensors, lm_head\.weight first"):
        VisionLanguageModel.load(str(folder))


def test_an_adapter_that_is_none_or_for_another_base(tiny_llava: Path, adapter: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no adapter_config"):
        VisionLanguageModel.load(ModelSpec(str(tiny_llava), adapter=tmp_path))
    shutil.copytree(adapter / "adapter", tmp_path / "other")
    settings = json.loads((tmp_path / "other" / "adapter_config.json").read_text())
    settings["r"] = 8
    (tmp_path / "other" / "adapter_config.json").write_text(json.dumps(settings))
    with pytest.raises(ModelError, match="does not fit this base"):
        VisionLanguageModel.load(ModelSpec(str(tiny_llava), adapter=tmp_path / "other"))
