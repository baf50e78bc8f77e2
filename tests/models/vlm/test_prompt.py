"""Batches put together from prompts and pictures equal the processors' own, tensor by tensor."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from tiny import CHAT_TEMPLATE, QWEN, SPECIAL, some_examples, tiny_tokenizer
from transformers import (
    CLIPImageProcessorPil,
    LlavaNextImageProcessorPil,
    LlavaNextProcessor,
    LlavaProcessor,
    Qwen2VLImageProcessorPil,
    Qwen2VLProcessor,
)

from ninefold.models.compat import without_video
from ninefold.models.families import FAMILIES as ROWS
from ninefold.models.ports.llava_onevision_1_5.processing import (
    LlavaOnevision15ImageProcessor,
    LlavaOnevision15Processor,
)
from ninefold.models.ports.molmo.image_processing import LAYOUT_TOKENS, MolmoImageProcessor
from ninefold.models.ports.molmo.processing import IMAGE_TOKEN, MolmoProcessor
from ninefold.models.vlm.encoder import DecodedImage, Encoder
from ninefold.models.vlm.prompt import Tensors
from ninefold.types import Example

LLAVA_TEMPLATE = CHAT_TEMPLATE.replace("IMAGE", "<image>")
QWEN_TEMPLATE = CHAT_TEMPLATE.replace("IMAGE", "<|vision|><|image_pad|><|/vision|>")
CLIP_TOWER = {"vision_feature_select_strategy": "default", "num_additional_image_tokens": 1}


def llava() -> LlavaProcessor:
    size = {"height": 56, "width": 56}
    pictures = CLIPImageProcessorPil(size=size, crop_size=size, do_center_crop=False)
    return LlavaProcessor(pictures, tiny_tokenizer(), patch_size=14, chat_template=LLAVA_TEMPLATE, **CLIP_TOWER)


def llava_next() -> LlavaNextProcessor:
    pictures = LlavaNextImageProcessorPil(
        size={"shortest_edge": 56},
        crop_size={"height": 56, "width": 56},
        image_grid_pinpoints=[[56, 112], [112, 56], [112, 112], [168, 56]],
    )
    return LlavaNextProcessor(pictures, tiny_tokenizer(), patch_size=14, chat_template=LLAVA_TEMPLATE, **CLIP_TOWER)


def qwen2_vl() -> Qwen2VLProcessor:
    processor = without_video(Qwen2VLProcessor)
    return processor(Qwen2VLImageProcessorPil(), tiny_tokenizer(), chat_template=QWEN_TEMPLATE)


def llava_onevision() -> LlavaOnevision15Processor:
    tokenizer = tiny_tokenizer()
    tokenizer.image_token = QWEN["image"]
    return LlavaOnevision15Processor(LlavaOnevision15ImageProcessor(), tokenizer, QWEN_TEMPLATE)


def molmo() -> MolmoProcessor:
    tokenizer = tiny_tokenizer()
    tokenizer.add_special_tokens({"additional_special_tokens": [*SPECIAL, IMAGE_TOKEN, *LAYOUT_TOKENS]})
    pictures = MolmoImageProcessor(
        base_image_input_size=(56, 56),
        max_crops=4,
        overlap_margins=(1, 1),
        image_token_length_h=2,
        image_token_length_w=2,
    )
    return MolmoProcessor(pictures, tokenizer)


FAMILIES = {
    "llava": llava,
    "llava-next": llava_next,
    "qwen2-vl": qwen2_vl,
    "llava-onevision": llava_onevision,
    "molmo": molmo,
}


def asked(encoder: Encoder, sizes: list[tuple[int, int]]) -> tuple[list[Example], list[DecodedImage]]:
    """Three questions of unequal lengths on each of some pictures of noise, in no order."""
    examples, pictures = [], []
    for place, size in enumerate(sizes):
        pixels = np.random.default_rng(place).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
        picture = Image.fromarray(pixels)
        if encoder.image_bytes:
            picture = np.asarray(picture.resize((56, 56)))
        for example, more in zip(some_examples(3), ("", " Answer with", " Answer with few words"), strict=True):
            examples.append(replace(example, prompt=example.prompt + more))
            pictures.append(picture)
    order = np.random.default_rng(9).permutation(len(examples))
    return [examples[place] for place in order], [pictures[place] for place in order]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("sizes", [[(96, 96), (96, 96)], [(96, 96), (200, 60), (60, 130)]], ids=["one size", "mixed"])
def test_a_batch_equals_the_processors_own(family: str, sizes: list[tuple[int, int]]) -> None:
    processor = FAMILIES[family]()
    encoder = Encoder(processor, (), ROWS[family])
    examples, pictures = asked(encoder, sizes)
    own = processor(
        text=[encoder.prompt(example) for example in examples],
        images=[[picture] for picture in pictures],
        padding=True,
        padding_side="left",
        return_tensors="pt",
        **({"do_resize": False} if encoder.image_bytes else {}),
    )
    assert encoder.splices(examples, pictures)
    found = encoder.encode(examples, pictures)
    assert found.keys() == own.keys()
    for name, tensor in own.items():
        assert found[name].dtype == tensor.dtype, name
        assert torch.equal(found[name], tensor), name


@pytest.mark.parametrize("family", FAMILIES)
def test_a_picture_is_prepared_once(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = Encoder(FAMILIES[family](), (), ROWS[family])
    examples, pictures = asked(encoder, [(96, 96), (96, 96)])
    encoder.encode(examples, pictures)
    calls = []
    processed = encoder._processed
    monkeypatch.setattr(encoder, "_processed", lambda *batch: calls.append(batch) or processed(*batch))
    prompts = encoder.prompts(examples, pictures)
    # Where pictures have one size, their pixels are looked up, and the processor is not needed any more.
    assert len(calls) == (0 if family == "llava" else 2)
    assert len({id(prompt.image) for prompt in prompts}) == 2


def test_a_processor_that_treats_batches_otherwise_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = Encoder(qwen2_vl(), ())
    examples, pictures = asked(encoder, [(96, 96)])
    processed = encoder._processed

    def odd(examples: list[Example], pictures: list[DecodedImage]) -> Tensors:
        return {**processed(examples, pictures), "places": torch.arange(len(examples))}

    monkeypatch.setattr(encoder, "_processed", odd)
    assert not encoder.splices(examples, pictures)
    assert encoder.encode(examples, pictures)["places"].tolist() == [0, 1, 2]
