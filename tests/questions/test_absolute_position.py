import pytest

from ninefold.questions.catalog import QUESTIONS
from ninefold.questions.prompt import prompt
from ninefold.space import LABELS, Box, Cell
from ninefold.types import Scene, Thing

question = QUESTIONS["absolute_position"]


@pytest.mark.parametrize(("name", "kind"), QUESTIONS.items())
def test_every_question_reads_its_own_labels(name, kind):
    assert kind.name == name
    assert [kind.read(label).label for label in kind.labels] == list(kind.labels)


def test_asks_for_the_first_thing_of_a_scene():
    target = Thing("square", "red", "small", Cell(0, 8))
    other = Thing("circle", "blue", "regular", Cell(4, 4))
    assert question.ask(Scene((target, other))) == ("Where is the red square?", "top right")


def test_asks_for_a_box_by_its_center_ties_going_right_and_down():
    assert question.ask_box("person", Box(0, 0, 100, 80), 300, 240) == ("Where is the person?", "top left")
    assert question.ask_box("person", Box(100, 80, 0, 0), 300, 240)[1] == "center"


def test_truncated_texts_are_told_apart():
    assert question.read("The", truncated=True).kind == "truncated"
    assert question.read("The").kind == "no label"


def test_the_prompt_is_the_papers():
    assert prompt("Where is the red square?", ("bottom right", "center")) == (
        "Answer with as few words as possible. Where is the red square? Choose from [bottom right, center]."
    )
    assert prompt("Where is it?", (), "Say.") == "Say. Where is it?"
    assert prompt("Where?", LABELS).count(",") == 8
