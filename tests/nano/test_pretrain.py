import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from ninefold.nano import build
from ninefold.nano.lessons import TASKS, Teacher, naming_targets, turn
from ninefold.nano.pretrain import Pretraining, corpus, one_cycle
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


def test_a_lesson_asks_for_answers_alone(tokenizer):
    teacher = Teacher(tokenizer)
    pictures = [plain(rng(0, i), 3) for i in range(2)]
    lesson = teacher.lesson(rng(1), pictures)
    answered = lesson.labels_BT != -100
    assert torch.equal(lesson.labels_BT[answered], lesson.ids_BT[answered])
    text = tokenizer.decode(lesson.ids_BT[0])
    answers = tokenizer.decode(lesson.ids_BT[0][answered[0]]).split("<eos>")
    asked = [part.split("<eos>")[0] for part in text.split("<assistant>")[1:]]
    assert [answer for answer in asked if answer] == [answer for answer in answers if answer][: len(asked)]
    for picture, token in lesson.look_at_L2.tolist():
        assert lesson.ids_BT[picture, token] not in (teacher.image, teacher.pad, teacher.assistant)
    assert lesson.look_for_LP.sum(1).min() >= 1


def test_every_kind_of_turn_comes_up():
    turns = [turn(rng(2, i), plain(rng(3, i), 4)) for i in range(200)]
    assert {made.task for made in turns} == set(TASKS)
    assert all(made.question.startswith(made.named) for made in turns)


def test_naming_targets_sit_on_the_center_patch():
    picture = plain(rng(4), 1)
    shape, color, offset = naming_targets([picture])
    (patch,) = torch.nonzero(shape[0]).flatten().tolist()
    side = build.SIDE // build.PATCH
    assert patch == int(picture.items[0].y * side) * side + int(picture.items[0].x * side)
    assert color[0, patch] > 0
    assert offset[0, patch].min() >= 0
    assert offset[0, patch].max() < 1


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
    Pretraining(spec("whole")).run()
    cut = Pretraining(spec("cut"))
    talk = cut._talk

    def interrupted(done):
        if cut.step == 5:
            raise KeyboardInterrupt
        return talk(done)

    monkeypatch.setattr(cut, "_talk", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cut.run()
    Pretraining(spec("cut")).run()
    whole, resumed = (load_file(tmp_path / name / "base" / "model.safetensors") for name in ("whole", "cut"))
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)
    assert (tmp_path / "cut" / "done.json").exists()
