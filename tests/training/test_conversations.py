"""All questions about an image as one conversation: what is learned, what is not, and how long it may be."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny import some_examples

from ninefold.data.format import dataset
from ninefold.data.format.card import About
from ninefold.data.format.row_hashes import read_rows
from ninefold.errors import DataError, ModelError, RunError
from ninefold.models.load import open_trainable
from ninefold.models.protocol import Trainable
from ninefold.models.vision_features.features import feature_model
from ninefold.models.vlm.answers import AnswerTokens
from ninefold.models.vlm.continuation import IGNORED
from ninefold.runs.records import WHOLE_IMAGES
from ninefold.training.conversations import Conversations, grouped
from ninefold.training.inputs import open_inputs
from ninefold.training.settings import resolve
from ninefold.training.spec import TrainSpec
from ninefold.types import Example

WRITERS = ("tiny_llava", "tiny_qwen2_vl", "tiny_llava_onevision", "tiny_molmo")
TURNS = (("Is the star red?", "yes"), ("Where is the blue circle? In a few words.", "left of the star"))


def losses_of(model: Trainable, *examples: Example) -> list[torch.Tensor]:
    """The losses of each example's learned tokens, of a batch of all."""
    batch = model.training_batch(examples, [model.encoder.image(example) for example in examples])
    with torch.no_grad():
        losses, rows = model.losses(model.model, batch)
    return [losses[rows == row] for row in range(len(examples))]


@pytest.mark.parametrize("family", WRITERS)
def test_every_answer_is_learned_and_no_turn_sees_a_later_one(family: str, request: pytest.FixtureRequest) -> None:
    model, alone = open_trainable(str(request.getfixturevalue(family))), replace(some_examples(1)[0], options=())
    whole = replace(alone, turns=TURNS)
    batch = model.training_batch([whole, alone], [model.encoder.image(alone)] * 2)
    learned = [labels[labels != IGNORED] for labels in batch["labels"]]
    end = model.encoder.tokenizer.decode([model.encoder.end_ids[0]])
    texts = [model.encoder.tokenizer.decode(ids).replace("> ", ">").strip() for ids in learned]
    assert texts == [end.join([alone.answer, "yes", "left of the star", ""]), f"{alone.answer}{end}"]
    assert (batch["input_ids"][batch["labels"] != IGNORED] == batch["labels"][batch["labels"] != IGNORED]).all()
    # What is between is the template's own.
    ids = batch["input_ids"][0][batch["attention_mask"][0].bool()]
    written = model.encoder.processor.apply_chat_template(messages(whole))
    texts = [model.encoder.tokenizer.decode(one) for one in (ids, model.encoder.tokenizer(written)["input_ids"])]
    tails = [text[text.index(alone.prompt) :].replace(" ", "") for text in texts]
    assert tails[0].strip() == tails[1].strip()

    first, single = losses_of(model, whole, alone)
    changed = losses_of(model, replace(whole, turns=(TURNS[0], ("Where is it?", "right"))))[0]
    ends = [len(model.encoder.answer_ids(answer)) for answer in (alone.answer, "yes", "left of the star")]
    assert (len(single), len(first)) == (ends[0], sum(ends))
    torch.testing.assert_close(first[: ends[0]], single)
    torch.testing.assert_close(first[: sum(ends[:2])], changed[: sum(ends[:2])])
    # The second answer depends on the turn before it.
    other = losses_of(model, replace(whole, prompt="What is it?"))[0]
    assert not torch.allclose(first[ends[0] : sum(ends[:2])], other[ends[0] : sum(ends[:2])])


def messages(example: Example) -> list[dict[str, object]]:
    turns: list[dict[str, object]] = []
    for prompt, answer in ((example.prompt, example.answer), *example.turns):
        image = [] if turns else [{"type": "image"}]
        turns.append({"role": "user", "content": [*image, {"type": "text", "text": prompt}]})
        turns.append({"role": "assistant", "content": [{"type": "text", "text": answer}]})
    return turns


@pytest.mark.parametrize("family", ["tiny_llava", "tiny_qwen2_vl"])
def test_features_take_conversations(family: str, request: pytest.FixtureRequest) -> None:
    model = open_trainable(str(request.getfixturevalue(family)))
    model.model.requires_grad_(False)
    examples = [replace(example, turns=TURNS[:count]) for count, example in enumerate(some_examples(3))]
    given = feature_model(model, examples)
    given.prepare(examples)
    batch = given.training_batch(examples, [given.image(example) for example in examples])
    with torch.no_grad():
        losses, _ = given.losses(model.model, batch)
    torch.testing.assert_close(losses, torch.cat(losses_of(model, *examples)), rtol=1e-6, atol=1e-6)


def test_conversations_are_of_one_image_each_and_split_where_they_are_long() -> None:
    assert grouped("aabab", [4] * 5, 100) == [[0, 1, 3], [2, 4]]
    assert grouped("aabaa", [4, 4, 4, 4, 90], 8) == [[0, 1], [2], [3], [4]]
    assert grouped("abc", [4] * 3, 100) == [[0], [1], [2]]
    assert grouped([], [], 8) == []


def test_a_text_that_stands_for_an_image_or_for_the_end_is_refused(tiny_llava: Path) -> None:
    encoder, example = open_trainable(str(tiny_llava)).encoder, some_examples(1)[0]
    end = encoder.tokenizer.decode([encoder.end_ids[0]])
    for other in (replace(example, answer=f"left {end} right"), replace(example, turns=(("Where?", end),))):
        with pytest.raises(ModelError, match=f"holds {end}, which ends an answer"):
            encoder.training_batch([other], [encoder.image(other)])
    for other in (replace(example, answer="A lamp <image>."), replace(example, turns=(("Where is <image>?", "left"),))):
        with pytest.raises(ModelError, match="holds <image>, which stands for an image"):
            encoder.training_batch([other], [encoder.image(other)])


class Refusing:
    """A template that takes one question only, and one that numbers its turns."""

    def __init__(self, numbered: bool) -> None:
        self.tokenizer, self.numbered = self, numbered

    def decode(self, tokens: Sequence[int]) -> str:
        return "<end>"

    def apply_chat_template(self, turns: Sequence[dict[str, str]], *, add_generation_prompt: bool = False) -> str:
        if not self.numbered and len(turns) > 2:
            raise ValueError("one turn only")
        written = "".join(f"{at} {turn['content'][-1]['text']} " for at, turn in enumerate(turns))  # type: ignore[index]
        return f"{written}{len(turns)} " if add_generation_prompt else written


@pytest.mark.parametrize(("numbered", "reason"), [(False, "takes no conversation .one turn only"), (True, "otherwise")])
def test_a_template_that_is_no_conversation_says_so(numbered: bool, reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        AnswerTokens(Refusing(numbered), [0]).encode_prompt("Where?")


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three open questions about each of four images, one of a fifth, and two for validation."""
    folder, shown = tmp_path_factory.mktemp("data") / "pairs", some_examples(5)

    def rows(split: str, images: Sequence[Example], count: int) -> Iterator[Example]:
        for image in images:
            for number in range(count):
                text = f"Where is the star{' and the circle' * number}?"
                yield Example(
                    f"{split} {image.id}/{number}",
                    image.image,
                    text,
                    text,
                    (),
                    "left " * number + "left",
                    "short_text",
                    image.id,
                )

    splits = {
        "train": [*rows("a", shown[:4], 3), *rows("a", shown[4:], 1)],
        "validation": list(rows("b", shown[:1], 2)),
    }
    dataset.write(folder, splits, about=About("Pairs", "Pairs.", {}, answer_format="short_text"))
    return folder


def test_a_split_becomes_conversations_and_validation_stays(
    pairs: Path, tiny_llava: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = open_trainable(str(tiny_llava))
    spec = TrainSpec(str(tiny_llava), pairs, conversations=True, features="off")  # type: ignore[arg-type]
    inputs = open_inputs(spec, model)
    assert inputs.questions == 13
    assert "5 conversations of 13 questions" in capsys.readouterr().err
    assert [len(example.turns) for example in inputs.train.examples] == [2, 2, 2, 2, 0]
    assert len(inputs.validation) == 2
    rows = list(dataset.Dataset.open(pairs).read("train"))
    first = inputs.train.examples[0]
    assert (first.id, first.turns) == (rows[0].id, tuple((row.prompt, row.answer) for row in rows[1:3]))
    # Lengths are those of the tensors: the longest is exact, and no other is thought longer.
    sizes = [inputs.train.batch([index])["labels"].numel() for index in range(5)]
    assert max(inputs.train.lengths) == pytest.approx(max(sizes))
    assert [length > 100 for length in inputs.train.lengths] == [size > 100 for size in sizes]
    monkeypatch.setattr(model.model.config.text_config, "max_position_embeddings", max(sizes) - 1)
    with pytest.raises(DataError, match=f"has {max(sizes)} tokens, and tiny-llava takes at most {max(sizes) - 1};"):
        open_inputs(spec, model)
    # A photo that its processor makes smaller only seems too long.
    monkeypatch.setattr(model.model.config.text_config, "max_position_embeddings", max(sizes))
    cost = model.encoder.cost
    monkeypatch.setattr(model.encoder, "cost", lambda example: 9000 + cost(example))
    open_inputs(spec, model)
    monkeypatch.undo()
    # Nothing is cut: the turns that do not fit are a conversation of their own.
    lengths = model.encoder.turn_lengths([(row.prompt, row.answer) for row in rows[:3]])
    split = open_inputs(replace(spec, conversation_tokens=sum(lengths[:2])), model)
    assert [len(example.turns) for example in split.train.examples] == [1, 0, 1, 0, 1, 0, 1, 0, 0]
    # With the answer's end and the template around, as in the tensors.
    ids = [
        len(model.encoder._answers.encode_prompt(row.prompt)) + len(model.encoder.answer_ids(row.answer))
        for row in rows
    ]
    assert model.encoder.turn_lengths([(row.prompt, row.answer) for row in rows]) == ids


def test_several_data_sets_share_the_conversations_of_their_images_and_a_limit_takes_whole_images(pairs: Path) -> None:
    data = dataset.Dataset.open(pairs)

    def rows(*limits: int | None) -> list[list[int]]:
        sets = [data.sequence("train", limit, whole_images=True) for limit in limits]
        return list(Conversations.of(sets, lambda turns: [1] * len(turns), 100).rows)  # type: ignore[arg-type]

    assert rows(None, None) == [
        [0, 1, 2, 13, 14, 15],
        *([n, n + 1, n + 2, n + 13, n + 14, n + 15] for n in (3, 6, 9)),
        [12, 25],
    ]
    assert sorted(map(len, rows(8))) in ([3, 3], [1, 3, 3])
    assert [len(rows(limit)) for limit in (1, 13, 99)] == [1, 5, 5]
    found = resolve(TrainSpec("nano", pairs, conversations=True, limit=8))  # type: ignore[arg-type]
    assert found is not None and found.rows == WHOLE_IMAGES


def test_one_pair_an_image_is_the_same_example(spec: TrainSpec) -> None:
    data = dataset.Dataset.open(spec.data[0])
    images = [row.pixels for row in read_rows(data.folder, "train")]
    # The option orders of one scene are questions about one image.
    assert len(images) == len(set(images))
    model = open_trainable(spec.model)
    alone, together = (
        open_inputs(replace(spec, conversations=conversations), model) for conversations in (False, True)
    )
    assert list(together.train.examples) == list(alone.train.examples)
    assert together.train.lengths == alone.train.lengths
    settings = [resolve(replace(spec, conversations=conversations)) for conversations in (False, True)]
    records = [found.to_json() for found in settings if found is not None]
    assert records[1] == {**records[0], "conversation_tokens": 1024}
    assert "conversation_tokens" not in records[0]


def test_what_takes_no_conversation_says_so(pairs: Path, tiny_clip: Path) -> None:
    asked = TrainSpec(str(tiny_clip), pairs, conversations=True)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="--conversations: tiny-clip answers each question alone"):
        resolve(asked)
    with pytest.raises(RunError, match="--conversation-tokens 9: needs --conversations"):
        replace(asked, conversations=False, conversation_tokens=9)
    with pytest.raises(RunError, match="--weights: count questions"):
        replace(asked, weights=(1,))
