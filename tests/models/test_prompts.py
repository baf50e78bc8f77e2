"""What each family reads and sees: prompt, tiles, tokens and answer, by genuine vocabularies and published settings."""

import io
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from make_models import page
from PIL import Image
from releases import Reader, assemble, opened
from transformers.image_utils import SizeDict

from ninefold.models.checkpoint.network import open_checkpoint
from ninefold.models.checkpoint.processor import open_processor
from ninefold.models.clip.encoder import ClipEncoder
from ninefold.models.families import FAMILIES
from ninefold.models.protocol import ImageInput
from ninefold.models.spec import ModelSpec
from ninefold.models.vlm.continuation import IGNORED
from ninefold.models.vlm.encoder import Encoder
from ninefold.models.vlm.image_input import ImageInputs
from ninefold.questions.prompt import prompt
from ninefold.space import LABELS
from ninefold.types import Example

CHECKPOINTS = Path(__file__).parents[3] / "shared" / "checkpoints"
QUESTION = "Where is the red square?"
ASKED = (
    "Answer with as few words as possible. Where is the red square? Choose from [top left, top center, top right, "
    "center left, center, center right, bottom left, bottom center, bottom right]."
)
CHATML = (
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
    f"<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>{ASKED}<|im_end|>\n"
    "<|im_start|>assistant\n"
)
SIZES = ((672, 672), (640, 264), (291, 455), (640, 480))
"""The synthetic pictures' and those of three COCO photos."""


TORCHVISION = {
    "clip": "CLIPImageProcessor",
    "llava_next": "LlavaNextImageProcessor",
    "qwen2_vl": "Qwen2VLImageProcessor",
}
"""The image processors of transformers that families name, which need torchvision under these names."""


@dataclass(frozen=True)
class Row:
    """What is held of a family."""

    prompt: str
    """The whole text, with the placeholder of the picture."""
    answer: list[str]
    """Every token that is learned of "top left"."""
    prompt_tokens: int
    """Length of the whole, with a picture of 672 x 672."""
    sights: list[tuple[tuple[int, int], int, int]]
    """Pixels, tiles and image tokens for each of `SIZES`."""


VICUNA = Row(
    prompt=f"USER: <image>\n{ASKED} ASSISTANT:",
    answer=["▁top", "▁left", "</s>"],
    prompt_tokens=631,
    sights=[((336, 336), 1, 576)] * 4,
)
QWEN_SIGHTS = [((672, 672), 1, 576), ((644, 252), 1, 207), ((280, 448), 1, 160), ((644, 476), 1, 391)]
ROWS = {
    "llava": VICUNA,
    "llava-next": Row(
        prompt=VICUNA.prompt,
        answer=VICUNA.answer,
        prompt_tokens=2983,
        sights=[((672, 672), 5, 2928), ((672, 336), 3, 1556), ((336, 672), 3, 1526), ((672, 672), 5, 2340)],
    ),
    "llava-onevision": Row(CHATML, ["top", "Ġleft", "<|im_end|>"], 640, QWEN_SIGHTS),
    "molmo": Row(
        prompt=f"<|image|> User: {ASKED} Assistant:",
        answer=["Ġtop", "Ġleft", "<|endoftext|>"],
        prompt_tokens=1020,
        sights=[((784, 784), 10, 928), ((784, 336), 4, 480), ((336, 560), 3, 384), ((784, 560), 7, 704)],
    ),
    "qwen2-vl": Row(CHATML, ["top", "Ġleft", "<|im_end|>"], 640, QWEN_SIGHTS),
}

needs_checkpoints = pytest.mark.skipif(not CHECKPOINTS.is_dir(), reason="no genuine vocabularies in ../shared")


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a family's release."""
    parent = tmp_path_factory.mktemp("releases")
    return cache(lambda family: assemble(family, CHECKPOINTS, parent / family))


@pytest.fixture(scope="module")
def encoder_of(release: Callable[[str], Path]) -> Callable[[str], Reader]:
    """The encoder of a family."""
    return cache(lambda family: opened(release(family)))


def example(width: int, height: int) -> Example:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=0)
    return Example("e", file.getvalue(), QUESTION, prompt(QUESTION, LABELS), LABELS, "top left")


@needs_checkpoints
@pytest.mark.parametrize("family", ROWS)
def test_the_table(family: str, encoder_of: Callable[[str], Encoder], capsys: pytest.CaptureFixture[str]) -> None:
    row, encoder = ROWS[family], encoder_of(family)
    eyes = ImageInputs(encoder)
    square = example(672, 672)
    sights = [eyes.image_input(example(*size)) for size in SIZES]
    batch = encoder.encode_answers([square], encoder.images([square]), ["top left"])
    learned = batch["labels"][0] != IGNORED
    answer = encoder.tokenizer.convert_ids_to_tokens(batch["labels"][0][learned])
    with capsys.disabled():
        print(f"\n{family}: {encoder.prompt(square)!r}\n  672 x 672: {sights[0]}\n  answer: {answer}")

    assert encoder.prompt(square) == row.prompt
    assert [(sight.pixels, sight.tiles, sight.image_tokens) for sight in sights] == row.sights
    assert answer == row.answer
    # The answer's tokens stand at the end, and are what the model is shown there.
    assert learned.tolist() == [False] * sights[0].prompt_tokens + [True] * len(answer)
    assert (batch["input_ids"][0][learned] == batch["labels"][0][learned]).all()
    assert sights[0].prompt_tokens == row.prompt_tokens
    # What is counted by texts is what is counted in tensors.
    assert (
        sights[3].prompt_tokens
        == encoder.encode([example(640, 480)], [encoder.image(example(640, 480))])["input_ids"].shape[1]
    )


FURTHER = {
    "llava": "USER: Is it red? ASSISTANT:",
    "llava-next": "USER: Is it red? ASSISTANT:",
    "llava-onevision": "\n<|im_start|>user\nIs it red?<|im_end|>\n<|im_start|>assistant\n",
    "molmo": " User: Is it red? Assistant:",
    "qwen2-vl": "\n<|im_start|>user\nIs it red?<|im_end|>\n<|im_start|>assistant\n",
}
"""What is between the end of an answer and the next answer of a conversation."""


@needs_checkpoints
@pytest.mark.parametrize("family", FURTHER)
def test_a_further_turn_is_the_templates_own(family: str, encoder_of: Callable[[str], Encoder]) -> None:
    encoder = encoder_of(family)
    square = replace(example(56, 56), turns=(("Is it red?", "yes"),))
    batch = encoder.training_batch([square], [encoder.image(square)])
    ids, learned = batch["input_ids"][0], batch["labels"][0] != IGNORED
    end = encoder.answer_ids("yes")[-1:]
    between = ids[int(learned.long().argmax()) :][~learned[int(learned.long().argmax()) :]].tolist()
    assert encoder.tokenizer.decode(between) == FURTHER[family]
    assert ids[learned].tolist() == [*encoder.answer_ids("top left"), *encoder.answer_ids("yes")]
    # Each answer ends with the same token, which stops it when the model writes.
    assert ids[learned].tolist().count(end[0]) == 2


@needs_checkpoints
def test_molmos_picture_is_a_block_with_lines(encoder_of: Callable[[str], Encoder]) -> None:
    encoder, square = encoder_of("molmo"), example(672, 672)
    ids = encoder.encode([square], [encoder.image(square)])["input_ids"][0].tolist()
    tokens = [encoder.tokenizer.convert_tokens_to_ids(f"<im_{name}>") for name in ("start", "end", "patch", "col")]
    assert [ids.count(token) for token in tokens] == [2, 2, 928, 12 + 28]  # 972 in all
    assert ids[0] == encoder.tokenizer.convert_tokens_to_ids("<|endoftext|>")


@needs_checkpoints
def test_clip_reads_the_question_with_each_label_and_sees_a_square(encoder_of: Callable[[str], ClipEncoder]) -> None:
    encoder = encoder_of("clip")
    texts = encoder.texts(example(640, 480))
    assert encoder.tokenizer.decode(texts[1]) == "<|startoftext|>where is the red square ? top center <|endoftext|>"
    assert [len(text) for text in texts] == [10, 10, 10, 10, 9, 10, 10, 10, 10]
    pixels = encoder.pixels([encoder.image(example(*size)) for size in SIZES])
    assert pixels.shape == (4, 3, 336, 336)


@needs_checkpoints
def test_the_page_of_models_is_what_the_code_says(encoder_of: Callable[[str], Reader]) -> None:
    written = Path(__file__).parents[2] / "docs" / "models.md"
    assert written.read_text() == page({family: encoder_of(family) for family in FAMILIES}), (
        "make it again: python docs/make_models.py ../shared/checkpoints"
    )


@needs_checkpoints
@pytest.mark.parametrize("family", [*ROWS, "clip"])
def test_torchvision_changes_nothing(
    family: str,
    release: Callable[[str], Path],
    encoder_of: Callable[[str], Reader],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    photo = example(200, 150)
    without = tensors(encoder_of(family), photo)
    for module in list(sys.modules.values()):
        if module.__name__.startswith("transformers") and "is_torchvision_available" in vars(module):
            monkeypatch.setattr(module, "is_torchvision_available", lambda: True)
    # Without torchvision these names stand for Pillow's classes, with it for its own, which resize otherwise.
    for model_type, name in TORCHVISION.items():
        monkeypatch.setattr(f"transformers.models.{model_type}.{name}", Torchvisions)
    installed = tensors(opened(release(family)), photo)
    assert installed.keys() == without.keys()
    assert all(torch.equal(installed[name], without[name]) for name in without)


class Torchvisions:
    @classmethod
    def from_pretrained(cls, *_: object, **__: object) -> None:
        raise AssertionError("asked for torchvision's image processor")

    from_dict = from_pretrained


def tensors(encoder: Reader, photo: Example) -> Mapping[str, torch.Tensor]:
    if isinstance(encoder, ClipEncoder):
        return {"pixel_values": encoder.pixels([encoder.image(photo)])}
    return encoder.encode([photo], [encoder.image(photo)])


def test_a_picture_that_is_cut_says_so(tiny_llava: Path) -> None:
    processor = open_processor(*open_checkpoint(ModelSpec(str(tiny_llava))))
    photo = example(200, 100)
    assert ImageInputs(Encoder(processor, [1])).image_input(photo).share == 1
    processor.image_processor.size = SizeDict(shortest_edge=56)
    processor.image_processor.do_center_crop = True
    sight = ImageInputs(Encoder(processor, [1])).image_input(photo)
    assert sight == ImageInput((200, 100), (56, 56), 1, 16, sight.prompt_tokens, share=0.5)
