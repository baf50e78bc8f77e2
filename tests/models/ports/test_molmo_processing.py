"""Molmo's pictures, tokens and prompts: against the released processor's, and by their definition."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny import some_examples, tiny_tokenizer
from transformers import AutoImageProcessor, AutoProcessor, AutoTokenizer

from ninefold.models.ports.molmo import MolmoImageProcessor, MolmoProcessor
from ninefold.models.vlm.model import VisionLanguageModel

SHARED = Path(__file__).parents[3].parent / "shared"
PREPROCESSED = SHARED / "parity" / "molmo-7b-d" / "preprocess"
GENUINE = SHARED / "checkpoints" / "allenai__Molmo-7B-D-0924"
oracle = pytest.mark.skipif(not PREPROCESSED.is_dir(), reason="the released code's numbers (../shared) are not here")
genuine = pytest.mark.skipif(not GENUINE.is_dir(), reason="the genuine tokenizer (../shared/checkpoints) is not here")

BOUND = 2.5e-4
"""How far TensorFlow's resize and torch's may be apart, in normalized units: a 250th of a grey level."""

SQUARE = "black_red_square_672"


@pytest.fixture(scope="module")
def released() -> MolmoProcessor:
    return AutoProcessor.from_pretrained(GENUINE)


@pytest.fixture(scope="module")
def processor(tiny_molmo: Path) -> MolmoProcessor:
    return AutoProcessor.from_pretrained(tiny_molmo)


def asked(text: str, pictures: int = 1) -> list[dict[str, object]]:
    return [{"role": "user", "content": [{"type": "image"}] * pictures + [{"type": "text", "text": text}]}]


def picture(height: int, width: int) -> Image.Image:
    pixels = np.random.default_rng(height * width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@oracle
@genuine
@pytest.mark.parametrize("name", ["coco_000000190676", "coco_000000079014", "coco_000000326542", SQUARE])
def test_inputs_are_the_released_ones(released: MolmoProcessor, name: str) -> None:
    told = json.loads((PREPROCESSED / "summary.json").read_text())
    photo = SHARED / "data" / "coco" / "val2017" / f"{name.removeprefix('coco_')}.jpg"
    image = Image.open(PREPROCESSED / f"{name}.png" if name == SQUARE else photo).convert("RGB")
    if hashlib.sha256(np.asarray(image).tobytes()).hexdigest() != told[name]["rgb_sha256"]:
        pytest.skip("this JPEG decoder gives other pixels")
    prompt = released.apply_chat_template(asked("What color is the square?"), add_generation_prompt=True)
    assert prompt == "<|image|> User: What color is the square? Assistant:"
    found = {key: array[0] for key, array in released(text=[prompt], images=[[image]], return_tensors="np").items()}
    expected = np.load(PREPROCESSED / f"{name}.npz")
    for key in ("input_ids", "image_input_idx", "image_masks"):
        assert np.array_equal(found[key], expected[key]), key
    assert found["input_ids"][-10:].tolist() == told["_prompt"]["prompt_token_ids"]
    assert (found["input_ids"] == 152066).sum() == told[name]["num_im_patch_tokens"]
    assert found["images"].shape == tuple(told[name]["images_shape"]) and found["images"].dtype == np.float32
    assert np.abs(found["images"][:, ::24, ::21] - expected["images_sub"]).max() < BOUND
    assert np.abs(found["images"].mean(-1) - expected["patch_mean"]).max() < BOUND
    if name == SQUARE:
        assert hashlib.sha256(found["images"].tobytes()).hexdigest() == told[name]["images_float32_sha256"]
        assert found["input_ids"].shape == (983,) and (found["input_ids"] == 152067).sum() == 40


@oracle
@pytest.mark.parametrize("kind", ["molmo-7b-d", "molmo-7b-o"])
def test_other_settings_give_the_released_inputs_too(kind: str) -> None:
    folder = PREPROCESSED.parents[1] / kind / "case1"
    made = MolmoImageProcessor(**json.loads((folder / "case.json").read_text())["preprocess"])
    inputs = np.load(folder / "inputs.npz")
    for row, name in enumerate(("image_rgb", "image2_rgb")):
        images, masks = made.crops(inputs[name])
        assert np.abs(images - inputs["batch_images"][row][: len(images)]).max() < BOUND
        assert np.array_equal(masks, inputs["batch_image_masks"][row][: len(images)])
        places = made.layout(*inputs[name].shape[:2]).positions
        expected = inputs["batch_image_input_idx"][row][: len(images)]
        assert np.array_equal(np.where(places < 0, places, places + 1), expected)


@genuine
def test_the_official_folder_opens_with_its_own_tokenizer_and_our_prompt(released: MolmoProcessor) -> None:
    assert type(released) is MolmoProcessor
    assert type(AutoImageProcessor.from_pretrained(GENUINE)) is MolmoImageProcessor
    tokenizer = AutoTokenizer.from_pretrained(GENUINE)
    assert len(tokenizer) == 152069 and tokenizer.convert_tokens_to_ids("<im_patch>") == 152066
    assert "<|im_start|>" in tokenizer.chat_template, "the folder's template is that of the model it was made from"
    turns = [*asked("Where?"), {"role": "assistant", "content": "top left"}, {"role": "user", "content": "Sure?"}]
    written = released.apply_chat_template(turns, add_generation_prompt=True)
    assert written == "<|image|> User: Where? Assistant: top left<|endoftext|> User: Sure? Assistant:"


def test_tilings_enlarge_least() -> None:
    made = MolmoImageProcessor()
    known = {(672, 672): (3, 3), (480, 640): (2, 3), (264, 640): (1, 3), (455, 291): (2, 1), (400, 3000): (1, 11)}
    known |= {(3000, 400): (11, 1), (336, 336): (1, 1), (100, 100): (1, 1), (112, 112): (1, 1), (5000, 5000): (3, 3)}
    assert {size: made.tiling(*size) for size in known} == known


@pytest.mark.parametrize("size", [(1, 1), (20, 300), (112, 40), (111, 111), (2, 900)])
def test_pictures_of_any_size_have_one_feature_an_image_token(size: tuple[int, int]) -> None:
    made = MolmoImageProcessor()
    layout = made.layout(*size)
    images, masks = made.crops(np.full((*size, 3), 255, np.uint8))
    assert images.shape == (len(layout.positions), 576, 588) and masks.shape == images.shape[:2]
    assert np.isfinite(images).all() and images[0].max() > 0
    places = layout.positions[layout.positions >= 0]
    assert sorted(places) == np.flatnonzero(layout.tokens == 2).tolist()


def test_features_of_a_mosaic_run_in_raster_order_over_its_tiles() -> None:
    """2 x 1 tiles of 6 x 6 patches, of which inner borders give up 2: 3 x 3 pooled ones each, 2 of 3 rows kept."""
    made = MolmoImageProcessor(
        base_image_input_size=(48, 48),
        image_patch_size=8,
        max_crops=2,
        overlap_margins=(2, 2),
        image_token_length_h=3,
        image_token_length_w=3,
    )
    assert made.tiling(100, 40) == (2, 1)
    layout = made.layout(100, 40)
    row = "pppc"
    assert "".join("sepc"[token] for token in layout.tokens) == f"s{row * 3}es{row * 4}e"
    whole = [1, 2, 3, 5, 6, 7, 9, 10, 11]
    upper = [15, 16, 17, 19, 20, 21, -100, -100, -100]
    lower = [-100, -100, -100, 23, 24, 25, 27, 28, 29]
    assert layout.positions.tolist() == [whole, upper, lower]


def test_masks_begin_one_crop_too_early_as_released() -> None:
    made = MolmoImageProcessor()
    images, masks = made.crops(np.full((264, 640, 3), 255, np.uint8))
    assert len(images) == 4 and (masks[-1] == -1).all()
    shown = (images.reshape(4, 576, -1) > 1).mean(-1)
    assert np.allclose(masks[:-1], shown[1:], atol=1e-6), "row i is of tile i, which is crop i + 1"


def test_batches_are_padded_and_places_moved(processor: MolmoProcessor) -> None:
    chats = [asked("Where is it?"), asked("Where is the red square, please?"), asked("Which?", 2), asked("Why?", 0)]
    texts = [processor.apply_chat_template(chat, add_generation_prompt=True) for chat in chats]
    pictures = [[picture(100, 40)], [picture(64, 64)], [picture(30, 90), picture(20, 20)], []]
    alone = [processor(text=text, images=some or None) for text, some in zip(texts, pictures, strict=True)]
    for side in ("left", "right"):
        batch = processor(text=texts, images=pictures, padding=True, padding_side=side, return_tensors="pt")
        assert {key: tensor.dtype for key, tensor in batch.items()} == {
            "input_ids": torch.int64,
            "attention_mask": torch.int64,
            "images": torch.float32,
            "image_masks": torch.float32,
            "image_input_idx": torch.int64,
        }
        patch = processor.tokenizer.convert_tokens_to_ids("<im_patch>")
        for row, one in enumerate(alone):
            ids, mask = batch["input_ids"][row], batch["attention_mask"][row].bool()
            assert ids[mask].tolist() == one["input_ids"][0]
            places = batch["image_input_idx"][row]
            assert sorted(places[places >= 0].tolist()) == (ids == patch).nonzero()[:, 0].tolist()
            count = len(one["images"][0]) if "images" in one else 0
            assert (batch["images"][row, count:] == -1).all() and (batch["image_masks"][row, count:] == -1).all()
            assert (places[count:] == -1).all()
            if count:
                assert np.array_equal(batch["images"][row, :count], one["images"][0])
    assert [len(one["images"][0]) for one in alone[:3]] == [5, 5, 4]
    begin = processor.tokenizer.eos_token_id
    assert all(one["input_ids"][0][0] == begin for one in alone)
    assert processor(text=texts[3], add_special_tokens=False)["input_ids"][0] == alone[3]["input_ids"][0][1:]


def test_pictures_and_placeholders_must_be_equally_many(processor: MolmoProcessor) -> None:
    with pytest.raises(ValueError, match="0 pictures for 1"):
        processor(text="<|image|> User: Where? Assistant:")
    with pytest.raises(ValueError, match="2 pictures for 1"):
        processor(text="<|image|> User: Where? Assistant:", images=[picture(9, 9), picture(9, 9)])
    front, usual = (
        processor(text=f"{before} User: Where? Assistant:", images=picture(9, 9))["input_ids"]
        for before in ("", "<|image|>")
    )
    assert front == usual, "as the released one does"


def test_kinds_of_pictures_are_all_read_as_color(processor: MolmoProcessor) -> None:
    grey = picture(50, 70).convert("L")
    expected = np.asarray(grey.convert("RGB"))
    rgb = processor.image_processor.rgb
    for image in (
        grey,
        np.asarray(grey),
        expected,
        grey.convert("RGBA"),
        torch.from_numpy(expected.transpose(2, 0, 1).copy()),
    ):
        assert np.array_equal(rgb(image), expected)
    with pytest.raises(ValueError, match=r"not \(50, 70, 3\) of float64"):
        rgb(expected / 255)


def test_a_tokenizer_without_its_tokens_is_refused() -> None:
    with pytest.raises(ValueError, match=r"lacks <\|image\|>, <im_start>"):
        MolmoProcessor(MolmoImageProcessor(), tiny_tokenizer())


def test_it_runs_as_a_model_of_ninefold(tiny_molmo: Path) -> None:
    model = VisionLanguageModel.load(str(tiny_molmo))
    examples = some_examples(3)
    together = model.predict(examples, max_new_tokens=4)
    assert together == [model.predict([example], max_new_tokens=4)[0] for example in examples]
    assert all(len(scores) == 9 for scores in model.choice_scores(examples[:1]))
    assert model.hidden_states(examples).shape == (3, 2, 32)
    text = "<|image|> User: " + examples[0].prompt + " Assistant:"
    assert model.encoder.prompt(examples[0]) == text
    tokens = model.encoder.answer_ids("top left")
    assert model.encoder.tokenizer.decode(tokens) == " top left<|end|>"
