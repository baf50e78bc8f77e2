"""The generic road on a family that keeps each picture's size: real Qwen2-VL classes, without torchvision."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny import some_examples

from ninefold.models.families import FAMILIES
from ninefold.models.vlm import model as vlm_model
from ninefold.models.vlm.model import VisionLanguageModel
from ninefold.models.vlm.reference import answer_logits, to_device
from ninefold.training.lora import matched
from ninefold.types import Example


@pytest.fixture(scope="module")
def model(tiny_qwen2_vl: Path) -> VisionLanguageModel:
    return VisionLanguageModel.load(str(tiny_qwen2_vl))


def examples_of_many_sizes() -> list[Example]:
    examples = some_examples(5)
    for place, (width, height) in {1: (120, 200), 3: (200, 60)}.items():
        pixels = np.random.default_rng(place).integers(0, 256, (height, width, 3), dtype=np.uint8)
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG")
        examples[place] = replace(examples[place], image=file.getvalue())
    return examples


def test_it_has_a_row_and_needs_no_torchvision(model: VisionLanguageModel) -> None:
    assert model.family is FAMILIES["qwen2-vl"]
    assert type(model.encoder.processor.image_processor).__name__ == "Qwen2VLImageProcessorPil"


def test_pictures_keep_their_sizes_and_the_batch_changes_nothing(
    model: VisionLanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = examples_of_many_sizes()
    batch = model.encoder.encode(examples, model.encoder.images(examples))
    # 96 is rounded to 84 or 112, the nearest multiple of 28; a quarter of the 14-pixel patches are left as tokens.
    assert batch["image_grid_thw"].tolist() == [[1, 6, 6], [1, 14, 8], [1, 6, 6], [1, 4, 14], [1, 6, 6]]
    assert (batch["input_ids"] == model.model.config.image_token_id).sum(1).tolist() == [9, 28, 9, 14, 9]
    together = model.predict(examples, max_new_tokens=4)
    monkeypatch.setattr(vlm_model, "CORE_TOKENS", 1)
    assert model.predict(examples, max_new_tokens=4) == together


def test_the_loss_of_each_row_is_that_of_the_row_alone(model: VisionLanguageModel) -> None:
    examples = examples_of_many_sizes()
    encoder = model.encoder
    batch = encoder.encode_answers(examples, encoder.images(examples), [example.answer for example in examples])
    assert batch["mm_token_type_ids"].shape == batch["input_ids"].shape == batch["labels"].shape
    batch = to_device(model.model, batch)
    logits, targets, rows = answer_logits(model.model, batch, batch.pop("labels"))
    losses = torch.nn.functional.cross_entropy(logits, targets, reduction="none")
    for row, example in enumerate(examples):
        alone = to_device(model.model, encoder.encode_answers([example], [encoder.image(example)], [example.answer]))
        assert losses[rows == row].mean().item() == pytest.approx(model.model(**alone).loss.item(), rel=1e-5)


def test_the_two_scopes_reach_the_fused_vision_attention_or_not(model: VisionLanguageModel) -> None:
    scopes = FAMILIES["qwen2-vl"].scopes
    language = [f"model.language_model.layers.{n}.self_attn.{p}_proj" for n in (0, 1) for p in "qkv"]
    assert sorted(matched(model.model, scopes["language"])) == sorted(language)
    vision = ["model.visual.blocks.0.attn.qkv", "model.visual.blocks.1.attn.qkv"]
    assert sorted(matched(model.model, scopes["vision+language"])) == sorted(language + vision)
