from copy import deepcopy

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForImageTextToText

from ninefold.errors import DesignError
from ninefold.models.families import FAMILIES, find
from ninefold.nano import base
from ninefold.nano.architecture import grid
from ninefold.nano.architectures.catalog import ARCHITECTURES
from ninefold.nano.conversations import TASKS, Batcher, corpus, turn
from ninefold.nano.loop import one_cycle
from ninefold.nano.pretraining import pretraining
from ninefold.nano.spec import PretrainSpec
from ninefold.nano.targets import token_targets
from ninefold.nano.world import plain
from ninefold.questions.prompt import prompt
from ninefold.runs.records import Status
from ninefold.seeding import rng
from ninefold.space import LABELS

GENERATIVE = [name for name in ARCHITECTURES if FAMILIES[name].kind == "generative"]


@pytest.fixture(scope="module")
def tokenizer():
    textures = [np.zeros((8, 8, 3), np.uint8)]
    return base.tokenizer(corpus(0, textures))


def test_labels_are_words_and_any_text_survives(tokenizer):
    assert [tokenizer.tokenize(label) for label in LABELS[:2]] == [["top", "Ġleft"], ["top", "Ġcenter"]]
    text = prompt("Where is the hair drier — naïve 😀?", LABELS)
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_patch_borders_miss_the_cell_borders():
    patches = {i * base.PATCH for i in range(1, base.SIDE // base.PATCH)}
    assert all(round(base.SIDE * k / 9) not in patches for k in range(1, 9))


@pytest.mark.parametrize("family", GENERATIVE)
def test_a_batch_asks_for_answers_alone(family, tokenizer):
    architecture = ARCHITECTURES[family]
    processor = architecture.processor(deepcopy(tokenizer))
    batcher = Batcher(architecture, processor)
    pictures = [plain(rng(0, i), 3) for i in range(2)]
    batch = batcher.batch(rng(1), pictures, architecture.sizes[0])
    ids_BT, answered = batch.inputs["input_ids"], batch.labels_BT != -100
    assert torch.equal(batch.labels_BT[answered], ids_BT[answered])
    text = processor.tokenizer.decode(ids_BT[0])
    answers = processor.tokenizer.decode(ids_BT[0][answered[0]]).split("<eos>")
    asked = [part.split("<eos>")[0] for part in text.split("<assistant>")[1:]]
    assert [answer for answer in asked if answer] == [answer for answer in answers if answer][: len(asked)]
    image = processor.tokenizer.convert_tokens_to_ids(architecture.image_token)
    assert (ids_BT[0] == image).sum() == len(batch.boxes)
    for picture, token in batch.attend_from_L2.tolist():
        assert ids_BT[picture, token] not in (image, batcher.pad, batcher.assistant)
    assert batch.attend_to_LN.sum(1).min() >= 1


@pytest.mark.parametrize("family", GENERATIVE)
def test_the_prompt_start_is_what_the_chat_template_writes(family, tokenizer):
    architecture = ARCHITECTURES[family]
    processor = architecture.processor(deepcopy(tokenizer))
    turn = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Where?"}]}
    assert (
        processor.apply_chat_template([turn], add_generation_prompt=True)
        == f"{architecture.prompt_start}Where?<assistant>"
    )


@pytest.mark.parametrize("family", GENERATIVE)
def test_every_image_token_shows_its_part_at_every_size(family, tokenizer):
    architecture = ARCHITECTURES[family]
    processor = architecture.processor(deepcopy(tokenizer))
    batcher = Batcher(architecture, processor)
    image = processor.tokenizer.convert_tokens_to_ids(architecture.image_token)
    for size in architecture.sizes:
        inputs, boxes = batcher.start([plain(rng(0), 1)], size)
        assert (inputs["input_ids"][0] == image).sum() == len(boxes)
        # Every point of the picture is shown by as many tokens as there are views of it.
        area = ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).sum()
        assert area == pytest.approx(round(area), abs=1e-4)


def test_every_kind_of_turn_comes_up():
    turns = [turn(rng(2, i), plain(rng(3, i), 4)) for i in range(200)]
    assert {made.task for made in turns} == set(TASKS)
    assert all(made.question.startswith(made.named) for made in turns)


def test_token_targets_sit_on_the_center_patch():
    picture = plain(rng(4), 1)
    side = base.SIDE // base.PATCH
    shape, color, offset = token_targets([picture], grid(side, side))
    (patch,) = torch.nonzero(shape[0]).flatten().tolist()
    assert patch == int(picture.items[0].y * side) * side + int(picture.items[0].x * side)
    assert color[0, patch] > 0
    assert offset[0, patch].min() >= 0
    assert offset[0, patch].max() < 1


@pytest.mark.parametrize("family", [name for name, made in ARCHITECTURES.items() if made.initialize])
def test_other_families_begin_from_the_first_base(family, tmp_path):
    made = pretraining(
        PretrainSpec(tmp_path / family, family=family, textures=2, vision_batch=2, vision_steps=0, language_steps=1)
    )
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


def test_an_interrupted_pretraining_makes_the_same_base(tmp_path, monkeypatch):
    def spec(name):
        steps = {"vision_steps": 2, "position_steps": 2, "language_steps": 2, "checkpoint_every": 1}
        return PretrainSpec(out=tmp_path / name, vision_batch=2, language_batch=2, textures=2, **steps)

    monkeypatch.setattr(base, "WIDTH", 32)
    monkeypatch.setattr(base, "LAYERS", 3)
    pretraining(spec("whole")).run()
    cut = pretraining(spec("cut"))
    talk = cut._language_step

    def interrupted(done):
        if cut.step == 5:
            raise KeyboardInterrupt
        return talk(done)

    monkeypatch.setattr(cut, "_language_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cut.run()
    # Lines after the last checkpoint will be written again; a kill cuts the last one.
    log = tmp_path / "cut" / "log.jsonl"
    log.write_text('{"step": 5}\n{"step": 6}\n{"st')
    pretraining(spec("cut")).run()
    assert log.read_text() == '{"step": 5}\n'
    whole, resumed = (load_file(tmp_path / name / "base" / "model.safetensors") for name in ("whole", "cut"))
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)
    assert Status.read(tmp_path / "cut").state == "done"


def test_a_family_without_a_nano_base_is_one_clear_line(tmp_path):
    with pytest.raises(DesignError, match="--family gpt: has no nano base; choose one of llava, clip"):
        pretraining(PretrainSpec(tmp_path, family="gpt"))


@pytest.mark.parametrize("stage", ["vision", "position"])
def test_a_stage_that_a_family_starts_after_is_refused(tmp_path, stage):
    with pytest.raises(DesignError, match=f"--{stage}-steps 3: the base of llava-next starts from LLaVA's"):
        pretraining(PretrainSpec(tmp_path, family="llava-next", **{f"{stage}_steps": 3}))


@pytest.mark.parametrize("field, value", [("vision_rate", float("nan")), ("vision_batch", 0), ("seed", -1)])
def test_numbers_of_pretraining_are_checked(tmp_path, field, value):
    with pytest.raises(DesignError, match=f"--{field.replace('_', '-')} {value}: must be"):
        PretrainSpec(tmp_path, **{field: value})
