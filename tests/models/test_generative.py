"""The real LLaVA classes at random weights: batches change nothing, and answers are what plain transformers gives."""

from pathlib import Path

import pytest
from transformers import AutoModelForImageTextToText, AutoProcessor

from ninefold.images import open_pil
from ninefold.models.families import find
from ninefold.models.generative import GenerativeModel
from ninefold.questions.prompt import prompt
from ninefold.space import LABELS, Cell
from ninefold.types import Example, Scene, Thing


def make_examples(count: int) -> list[Example]:
    shapes, colors = ("square", "circle", "star"), ("red", "white", "magenta")
    examples = []
    for index in range(count):
        thing = Thing(shapes[index % 3], colors[index // 3 % 3], "large", Cell(index % 9, (index * 2) % 9))
        question = f"Where is the {thing.look}?"
        options = LABELS[index % 9 :] + LABELS[: index % 9]
        scene = Scene(things=(thing,), canvas=96)
        examples.append(Example(f"e{index}", scene, question, prompt(question, options), options, LABELS[index % 9]))
    return examples


@pytest.fixture(scope="module")
def model(tiny_llava: Path) -> GenerativeModel:
    return GenerativeModel.load(find(str(tiny_llava)))


def test_predictions_equal_plain_generate_one_by_one(model: GenerativeModel, tiny_llava: Path) -> None:
    examples = make_examples(7)
    processor = AutoProcessor.from_pretrained(tiny_llava)
    plain = AutoModelForImageTextToText.from_pretrained(tiny_llava)
    expected = []
    for example in examples:
        content = [{"type": "image", "image": open_pil(example.image)}, {"type": "text", "text": example.prompt}]
        inputs = processor.apply_chat_template(
            [{"role": "user", "content": content}],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
        )
        tokens = plain.generate(**inputs, do_sample=False, max_new_tokens=6)[0, inputs["input_ids"].shape[1] :]
        expected.append(processor.decode(tokens, skip_special_tokens=True))
    assert [prediction.text for prediction in model.predict(examples, max_new_tokens=6)] == expected
