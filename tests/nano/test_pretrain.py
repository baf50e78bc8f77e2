from copy import deepcopy

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForImageTextToText

from ninefold.models.families import find
from ninefold.nano import build
from ninefold.nano.architecture import grid
from ninefold.nano.architectures.catalog import SHAPES
from ninefold.nano.curriculum import TASKS, Teacher, corpus, naming_targets, turn
from ninefold.nano.pretraining import recipe
from ninefold.nano.recipe import one_cycle
from ninefold.nano.spec import PretrainSpec
from ninefold.nano.world import plain
from ninefold.questions.prompt import prompt
from ninefold.seeding import rng
from ninefold.space import LABELS


@pytest.fixture(scope="module")
def tokenizer():
    textures = [np.zeros((8, 8, 3), np.uint8)]
    return build.tokenizer(corpus(0, textures))


def test_labels_are_words_and_any_text_survives(tokenizer):
    assert [tokenizer.tokenize(label) for label in LABELS[:2]] == [["top", "Ġleft"], ["top", "Ġcenter"]]
    text = prompt("Where is the hair drier — naïve 😀?", LABELS)
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_patch_borders_miss_the_cell_borders():
    patches = {i * build.PATCH for i in range(1, build.SIDE // build.PATCH)}
    assert all(round(build.SIDE * k / 9) not in patches for k in range(1, 9))


@pytest.mark.parametrize("family", SHAPES)
def test_a_lesson_asks_for_answers_alone(family, tokenizer):
    shape = SHAPES[family]
    processor = shape.processor(deepcopy(tokenizer))
    teacher = Teacher(shape, processor)
    pictures = [plain(rng(0, i), 3) for i in range(2)]
    lesson = teacher.lesson(rng(1), pictures, shape.sizes[0])
    ids_BT, answered = lesson.inputs["input_ids"], lesson.labels_BT != -100
    assert torch.equal(lesson.labels_BT[answered], ids_BT[answered])
    text = processor.tokenizer.decode(ids_BT[0])
    answers = processor.tokenizer.decode(ids_BT[0][answered[0]]).split("<eos>")
    asked = [part.split("<eos>")[0] for part in text.split("<assistant>")[1:]]
    assert [answer for answer in asked if answer] == [answer for answer in answers if answer][: len(asked)]
    image = processor.tokenizer.convert_tokens_to_ids(shape.image_token)
    assert (ids_BT[0] == image).sum() == len(lesson.boxes)
    for picture, token in lesson.look_at_L2.tolist():
        assert ids_BT[picture, token] not in (image, teacher.pad, teacher.assistant)
    assert lesson.look_for_LN.sum(1).min() >= 1


@pytest.mark.parametrize("family", SHAPES)
def test_an_opening_is_what_the_chat_template_writes(family, tokenizer):
    shape = SHAPES[family]
    processor = shape.processor(deepcopy(tokenizer))
    turn = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Where?"}]}
    assert processor.apply_chat_template([turn], add_generation_prompt=True) == f"{shape.opening}Where?<assistant>"


@pytest.mark.parametrize("family", SHAPES)
def test_every_image_token_shows_its_part_at_every_size(family, tokenizer):
    shape = SHAPES[family]
    processor = shape.processor(deepcopy(tokenizer))
    teacher = Teacher(shape, processor)
    image = processor.tokenizer.convert_tokens_to_ids(shape.image_token)
    for size in shape.sizes:
        inputs, boxes = teacher.show([plain(rng(0), 1)], size)
        assert (inputs["input_ids"][0] == image).sum() == len(boxes)
        # Every point of the picture is shown by as many tokens as there are views of it.
        area = ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).sum()
        assert area == pytest.approx(round(area), abs=1e-4)


def test_every_kind_of_turn_comes_up():
    turns = [turn(rng(2, i), plain(rng(3, i), 4)) for i in range(200)]
    assert {made.task for made in turns} == set(TASKS)
    assert all(made.question.startswith(made.named) for made in turns)


def test_naming_targets_sit_on_the_center_patch():
    picture = plain(rng(4), 1)
    side = build.SIDE // build.PATCH
    shape, color, offset = naming_targets([picture], grid(side, side))
    (patch,) = torch.nonzero(shape[0]).flatten().tolist()
    assert patch == int(picture.items[0].y * side) * side + int(picture.items[0].x * side)
    assert color[0, patch] > 0
    assert offset[0, patch].min() >= 0
    assert offset[0, patch].max() < 1


@pytest.mark.parametrize("family", ["clip", *(name for name, shape in SHAPES.items() if shape.graft)])
def test_other_families_begin_from_the_first_base(family, tmp_path):
    made = recipe(PretrainSpec(tmp_path / family, family=family, textures=2, eye_batch=2, eye_steps=0, steps=1))
    first = AutoModelForImageTextToText.from_pretrained(find("nano").path, dtype=torch.float32)
    donor = first.model.vision_tower.encoder.layers[0].self_attn
    qkv = torch.cat([donor.q_proj.weight, donor.k_proj.weight, donor.v_proj.weight])
    same = [
        name
        for name, tensor in made.model.named_parameters()
        if tensor.shape in (qkv.shape, donor.q_proj.weight.shape)
        and (torch.equal(tensor, qkv) or torch.equal(tensor, donor.q_proj.weight))
    ]
    assert len(same) == 1
    made.run()
    folder = tmp_path / family / "base"
    assert sum(file.stat().st_size for file in folder.iterdir()) < 4_000_000
    assert find(str(folder)).nano
    assert find(str(folder)).family.name == family


def test_the_rate_rises_and_falls_to_nothing():
    assert one_cycle(0.0) == 0
    assert one_cycle(0.06) == 1
    assert one_cycle(1.0) == pytest.approx(0, abs=1e-9)


def test_an_interrupted_recipe_makes_the_same_base(tmp_path, monkeypatch):
    def spec(name):
        steps = {"eye_steps": 2, "place_steps": 2, "steps": 2, "checkpoint_every": 1}
        return PretrainSpec(out=tmp_path / name, eye_batch=2, batch=2, textures=2, **steps)

    monkeypatch.setattr(build, "WIDTH", 32)
    monkeypatch.setattr(build, "LAYERS", 3)
    recipe(spec("whole")).run()
    cut = recipe(spec("cut"))
    talk = cut._talk

    def interrupted(done):
        if cut.step == 5:
            raise KeyboardInterrupt
        return talk(done)

    monkeypatch.setattr(cut, "_talk", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cut.run()
    recipe(spec("cut")).run()
    whole, resumed = (load_file(tmp_path / name / "base" / "model.safetensors") for name in ("whole", "cut"))
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)
    assert (tmp_path / "cut" / "done.json").exists()
