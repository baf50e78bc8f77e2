"""The shipped nano base: what the package promises of it."""

from pathlib import Path

import pytest
from transformers import AutoModelForImageTextToText, AutoProcessor

from ninefold.data.sources.synthetic import SyntheticSpec, examples
from ninefold.models.families import find
from ninefold.models.vlm.model import VisionLanguageModel
from ninefold.questions.catalog import find_format
from ninefold.space import LABELS

FOLDER = Path(find("nano").path)


@pytest.fixture(scope="module")
def answered():
    """Every 37th synthetic test picture, so that objects, sizes and cells all come up, and what the base says of it."""
    asked = list(examples(SyntheticSpec("test"))["test"])[::37]
    said = VisionLanguageModel.load("nano").predict(asked)
    return [(example, find_format("labels").read(p.text, LABELS)) for example, p in zip(asked, said, strict=True)]


def test_it_is_small_and_opens_without_ninefold():
    assert (FOLDER / "model.safetensors").stat().st_size <= 4_000_000
    assert not [path for path in FOLDER.iterdir() if path.suffix in {".bin", ".pt", ".pkl", ".py"}]
    model = AutoModelForImageTextToText.from_pretrained(FOLDER)
    assert model.config.model_type == "llava"
    assert AutoProcessor.from_pretrained(FOLDER).image_processor.do_center_crop is False


def test_it_is_known_as_nano():
    assert find(str(FOLDER)).nano


def test_it_follows_the_format(answered):
    assert sum(reading.kind != "label" for _, reading in answered) < 0.05 * len(answered)


def test_it_is_biased_and_neither_blind_nor_perfect(answered):
    right = [reading.label == example.answer for example, reading in answered]
    assert 0.3 <= sum(right) / len(right) <= 0.75
    sides = [reading.label == example.answer for example, reading in answered if example.answer == "center left"]
    tops = [reading.label == example.answer for example, reading in answered if example.answer == "top center"]
    assert sum(sides) / len(sides) < sum(tops) / len(tops)
