"""Requests of lmms-eval as examples, and the file of answers that an interrupted run goes on from."""

import pytest
from PIL import Image

from ninefold import images
from ninefold.errors import ModelError
from ninefold.evaluation.lmms import answers
from ninefold.evaluation.lmms.requests import Asked, Settings
from ninefold.types import NO_IMAGE

PICTURE = Image.new("RGB", (4, 3), (1, 2, 3))


def turn(*parts, role="user"):
    return {"role": role, "content": list(parts)}


def text(words):
    return {"type": "text", "text": words}


def image(url=PICTURE):
    return {"type": "image", "url": url}


def test_an_image_and_a_text_become_an_example_without_loss():
    example = Asked.of_messages([turn(text("Look at"), image(), text("Where is it?"))], "mine/0").example("mine/0", {})
    assert (example.id, example.prompt, example.options) == ("mine/0", "Look at Where is it?", ())
    assert images.open_rgb(example.image).tolist() == [[[1, 2, 3]] * 4] * 3


def test_a_row_that_was_exported_tells_its_question_and_options():
    row = {"question": "Where?", "options": ["left", "right"], "answer_format": "labels"}
    example = Asked("Where? left or right", []).example("mine/0", row)
    assert (example.question, example.options, example.image) == ("Where?", ("left", "right"), NO_IMAGE)


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([turn(text("Be short"), role="system"), turn(text("Where?"))], "system, user"),
        ([turn({"type": "video", "url": "a.mp4"}, text("Where?"))], "video"),
    ],
)
def test_what_a_model_here_cannot_be_asked_is_refused(messages, reason):
    with pytest.raises(ModelError, match=reason):
        Asked.of_messages(messages, "mine/0")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"max_new_tokens": 16, "temperature": 0, "do_sample": False, "num_beams": 1, "top_p": 1.0}, (16, ())),
        ({"until": ["ASSISTANT:", ""]}, (128, ("ASSISTANT:",))),
        ({"until": "\n\n", "max_gen_toks": 5, "temperature": 0.7, "do_sample": False}, (5, ("\n\n",))),
    ],
)
def test_greedy_settings_are_taken(asked, expected):
    settings = Settings.of(asked, "mine")
    assert (settings.max_new_tokens, settings.until) == expected


@pytest.mark.parametrize("asked", [{"temperature": 0.7}, {"do_sample": True}, {"num_beams": 4}, {"n": 2}])
def test_sampling_and_beams_are_refused(asked):
    with pytest.raises(ModelError, match="greedy; add --gen_kwargs"):
        Settings.of(asked, "mine")


def test_an_answer_ends_before_the_first_stop_text():
    assert Settings(5, ("USER:", "\n\n")).cut("left\n\nUSER: more") == "left"
    assert Settings(5, ()).cut("left") == "left"


def test_answers_of_whole_chunks_are_kept(tmp_path):
    path = tmp_path / "answers.jsonl"
    made = [
        answers.Answered(id=f"mine/{at}", prompt="Where?", images=1, text="left", truncated=False, document={})
        for at in range(answers.CHUNK + 3)
    ]
    answers.append(path, made)
    path.write_bytes(path.read_bytes()[:-5])
    assert answers.read(path, len(made)) == made[: answers.CHUNK]
    answers.append(path, made[answers.CHUNK :])
    assert answers.read(path, len(made)) == made
    assert answers.flat({"a": [1, "b"], "image": PICTURE, "nested": {"c": None}}) == {
        "a": [1, "b"],
        "nested": {"c": None},
    }
