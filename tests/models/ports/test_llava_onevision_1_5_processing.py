"""Pictures and prompts of LLaVA-OneVision-1.5: the released arrays to the bit, the genuine template to the letter."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tiny import QWEN, some_examples
from tokenizers import AddedToken
from transformers import AutoImageProcessor, AutoProcessor, PreTrainedTokenizerFast, Qwen2Tokenizer

from ninefold.models.families import FAMILIES
from ninefold.models.ports.llava_onevision_1_5 import LlavaOnevision15ImageProcessor, LlavaOnevision15Processor
from ninefold.models.ports.llava_onevision_1_5.processing import CHAT_TEMPLATE
from ninefold.models.vlm.model import VisionLanguageModel

SHARED = Path(__file__).parents[3].parent / "shared"
RELEASED = SHARED / "parity" / "llava-onevision-1.5" / "preprocess"
GENUINE = SHARED / "checkpoints" / "Qwen__Qwen2-VL-7B-Instruct"
SPECIAL = (
    "<|endoftext|> <|im_start|> <|im_end|> <|object_ref_start|> <|object_ref_end|> <|box_start|> <|box_end|> "
    "<|quad_start|> <|quad_end|> <|vision_start|> <|vision_end|> <|vision_pad|> <|image_pad|> <|video_pad|>"
)
ASKED = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What color?"}]}]
TOLD = [
    {"role": "system", "content": "Be brief."},
    *ASKED,
    {"role": "assistant", "content": [{"type": "text", "text": "Red."}]},
    {"role": "user", "content": "And now?"},
]


@pytest.fixture
def processor(tiny_llava_onevision: Path) -> LlavaOnevision15Processor:
    return LlavaOnevision15Processor.from_pretrained(tiny_llava_onevision)


@pytest.fixture(scope="module")
def genuine() -> Qwen2Tokenizer:
    if not GENUINE.is_dir():
        pytest.skip("the genuine tokenizer (../shared/checkpoints) is not here")
    tokenizer = Qwen2Tokenizer.from_pretrained(GENUINE)
    tokenizer.add_tokens([AddedToken(token, special=True) for token in SPECIAL.split()], special_tokens=True)
    return tokenizer


@pytest.mark.parametrize(
    ("size", "rows", "columns", "tokens"),
    [((672, 672), 48, 48, 576), ((640, 480), 34, 46, 391), ((640, 264), 18, 46, 207), ((291, 455), 32, 20, 160)],
)
def test_a_picture_takes_as_many_tokens_as_it_has_features(
    processor: LlavaOnevision15Processor, size: tuple[int, int], rows: int, columns: int, tokens: int
) -> None:
    made = processor(text=["<|image_pad|>?"], images=[[Image.new("RGB", size)]], return_tensors="pt")
    assert set(made) == {"input_ids", "attention_mask", "pixel_values", "image_grid_thw"}
    assert made["image_grid_thw"].tolist() == [[1, rows, columns]]
    assert made["pixel_values"].shape == (rows * columns, 3 * 14 * 14)
    assert (made["input_ids"] == processor.image_token_id).sum() == tokens


def test_rows_have_their_own_pictures(processor: LlavaOnevision15Processor) -> None:
    small, large = Image.new("L", (56, 56)), Image.new("RGBA", (112, 84))
    made = processor(
        text=["<|image_pad|> and <|image_pad|>", "word", "<|image_pad|>"],
        images=[[small, large], [], [small]],
        padding=True,
        padding_side="left",
        return_tensors="pt",
        add_special_tokens=False,
    )
    assert (made["input_ids"] == processor.image_token_id).sum(1).tolist() == [4 + 12, 0, 4]
    assert made["image_grid_thw"].tolist() == [[1, 4, 4], [1, 6, 8], [1, 4, 4]]
    assert made["attention_mask"][1, 0] == 0 and made["attention_mask"][1, -1] == 1
    with pytest.raises(ValueError, match="number of images"):
        processor(text=["<|image_pad|>"], images=[[small, large]])


@pytest.mark.skipif(not RELEASED.is_dir(), reason="the released arrays (../shared/parity) are not here")
def test_pictures_are_prepared_to_the_bit() -> None:
    prepare = LlavaOnevision15ImageProcessor()
    told = json.loads((RELEASED / "summary.json").read_text())
    assert prepare.size == {"shortest_edge": 3136, "longest_edge": told["_settings"]["max_pixels"]}
    coco = SHARED / "data" / "coco" / "val2017"
    files = {RELEASED / "black_red_square_672.png"} | {coco / f"{name[5:]}.jpg" for name in told if name[:5] == "coco_"}
    for file in files:
        facts = told[file.stem] if file.stem in told else told[f"coco_{file.stem}"]
        picture = np.asarray(Image.open(file).convert("RGB"))
        assert hashlib.sha256(picture.tobytes()).hexdigest() == facts["rgb_sha256"]
        made = prepare(picture, return_tensors="np")
        assert hashlib.sha256(made["pixel_values"].tobytes()).hexdigest() == facts["pixel_values_float32_sha256"]
        assert made["image_grid_thw"].tolist() == [facts["image_grid_thw"]]


def test_its_template_is_the_genuine_one(genuine: Qwen2Tokenizer) -> None:
    written = (GENUINE / "chat_template.jinja").read_text()
    for talk in (ASKED, TOLD, [{"role": "user", "content": "Hello"}]):
        for asks in (False, True):
            options = {"add_generation_prompt": asks, "tokenize": False}
            expected = genuine.apply_chat_template(talk, chat_template=written, **options)
            assert genuine.apply_chat_template(talk, chat_template=CHAT_TEMPLATE, **options) == expected
    ids = genuine(genuine.apply_chat_template(ASKED, chat_template=CHAT_TEMPLATE, tokenize=False))["input_ids"]
    begins = [151644, 8948, 198, 2610, 525, 264, 10950, 17847, 13, 151645, 198, 151644, 872, 198, 151652, 151655]
    assert ids[: len(begins)] == begins


def test_a_template_that_knows_no_pictures_is_not_used(processor: LlavaOnevision15Processor) -> None:
    def chosen(own: str | None) -> Any:
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=processor.tokenizer.backend_tokenizer)
        tokenizer.chat_template = own
        return LlavaOnevision15Processor(processor.image_processor, tokenizer).chat_template

    assert chosen(None) == chosen("{{ messages }}") == CHAT_TEMPLATE
    assert chosen("<|image_pad|>{{ messages }}") == "<|image_pad|>{{ messages }}"


@pytest.fixture
def released_folder(tiny_llava_onevision: Path, tmp_path: Path) -> Path:
    """The tiny checkpoint laid out as the released one: Qwen2.5-VL's processor named, its sizes in the old words."""
    for file in tiny_llava_onevision.iterdir():
        if file.name not in ("processor_config.json", "chat_template.jinja"):
            (tmp_path / file.name).symlink_to(file)
    told = {
        "image_processor_type": "Qwen2VLImageProcessor",
        "processor_class": "Qwen2_5_VLProcessor",
        "min_pixels": 3136,
        "max_pixels": 12544,
        "patch_size": 14,
        "temporal_patch_size": 1,
        "merge_size": 2,
    }
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(told))
    (tmp_path / "chat_template.jinja").write_text((tiny_llava_onevision / "chat_template.jinja").read_text())
    return tmp_path


def test_a_released_folder_opens_without_torchvision(released_folder: Path) -> None:
    model = VisionLanguageModel.load(str(released_folder))
    assert model.family is FAMILIES["llava-onevision"]
    processor = model.encoder.processor
    assert isinstance(processor, LlavaOnevision15Processor)
    assert type(processor.image_processor) is LlavaOnevision15ImageProcessor
    assert processor.image_processor.size.longest_edge == 12544


def test_a_saved_folder_opens_by_the_auto_classes(tiny_llava_onevision: Path) -> None:
    processor = AutoProcessor.from_pretrained(tiny_llava_onevision)
    assert type(processor) is LlavaOnevision15Processor
    assert type(AutoImageProcessor.from_pretrained(tiny_llava_onevision)) is LlavaOnevision15ImageProcessor
    assert processor.image_processor.temporal_patch_size == 1
    assert QWEN["vision_start"] in processor.chat_template  # The folder's own, as it knows pictures.


def test_ninefold_asks_it_like_any_other(tiny_llava_onevision: Path) -> None:
    model, examples = VisionLanguageModel.load(str(tiny_llava_onevision)), some_examples(3)
    together = model.predict(examples, max_new_tokens=4)
    assert [model.predict([example], max_new_tokens=4)[0] for example in examples] == together
    scores = model.choice_scores(examples)
    assert all(len(row) == 9 and max(row) < 0 for row in scores)
    assert model.hidden_states(examples).shape == (3, 2, 32)
