from dataclasses import dataclass

import pytest

from ninefold.errors import DesignError, PluginError
from ninefold.questions.asking import ask
from ninefold.questions.catalog import QUESTIONS, find_format, find_question, register_question
from ninefold.questions.prompt import prompt
from ninefold.space import LABELS, Box, Cell, label_of_cell
from ninefold.types import BoxQuestion, Scene, Thing

question = find_question("absolute_position")


@pytest.mark.parametrize(("name", "kind"), QUESTIONS.items())
def test_every_question_reads_its_own_labels(name, kind):
    assert kind.name == name
    answers = [find_format(kind.answer_format).read(label, kind.labels) for label in kind.labels]
    assert [answer.label for answer in answers] == list(kind.labels)


def test_asks_for_the_first_thing_of_a_scene():
    target = Thing("square", "red", "small", Cell(0, 8))
    other = Thing("circle", "blue", "regular", Cell(4, 4))
    assert question.ask(Scene((target, other))) == ("Where is the red square?", "top right")


def test_asks_for_a_box_by_its_center_ties_going_right_and_down():
    assert question.ask_box("person", Box(0, 0, 100, 80), 300, 240) == ("Where is the person?", "top left")
    assert question.ask_box("person", Box(100, 80, 0, 0), 300, 240)[1] == "center"


@pytest.mark.parametrize("grid", [3, 6, 9])
def test_the_axes_agree_with_the_regions(grid):
    horizontal, vertical = find_question("horizontal_position"), find_question("vertical_position")
    for cell in (Cell(row, col) for row in range(grid) for col in range(grid)):
        scene = Scene((Thing("square", "red", "small", cell),), grid=grid)
        asked, column = horizontal.ask(scene)
        row = vertical.ask(scene)[1]
        assert asked == "Where is the red square?"
        assert label_of_cell(cell, grid) == ("center" if row == column == "center" else f"{row} {column}")


def test_the_axes_of_a_box_end_where_its_regions_end():
    horizontal, vertical = find_question("horizontal_position"), find_question("vertical_position")
    for x in range(0, 301, 25):
        box = Box(x, 240 - x / 300 * 240, 0, 0)
        row, column = vertical.ask_box("cup", box, 300, 240)[1], horizontal.ask_box("cup", box, 300, 240)[1]
        region = question.ask_box("cup", box, 300, 240)[1]
        assert region == ("center" if row == column == "center" else f"{row} {column}")


def test_attributes_are_asked_without_being_named():
    scene = Scene((Thing("star", "cyan", "small", Cell(0, 8)),))
    assert find_question("color").ask(scene) == ("What is the color of the object?", "cyan")
    assert find_question("shape").ask(scene) == ("What is the shape of the object?", "star")
    assert not isinstance(find_question("color"), BoxQuestion)
    assert isinstance(question, BoxQuestion) and isinstance(find_question("vertical_position"), BoxQuestion)


def test_a_question_of_the_users_own(monkeypatch):
    monkeypatch.setattr("ninefold.questions.catalog.QUESTIONS", dict(QUESTIONS))

    @dataclass
    class Size:
        name: str = "size"
        labels: tuple[str, ...] = ("large", "small")
        answer_format: str = "labels"

        def ask(self, scene):
            return "How large is it?", scene.things[0].size

    register_question(Size())
    assert find_question("size").labels == ("large", "small")
    register_question(Size(labels=("small", "large")))  # as a notebook does that is run again
    assert find_question("size").labels == ("small", "large")
    with pytest.raises(
        DesignError, match=r"unknown question 'colour'; did you mean color\? known: absolute_position, "
    ):
        find_question("colour")
    for broken, message in (
        (Size("color"), "ninefold has one of this name"),
        (Size(labels=("small", "small")), "all different"),
        (Size(labels=("Small", "small")), "does not read the label 'small' as itself"),
        (Size(labels=("large", 3)), "must be a tuple of strings"),
        (Size(labels="large"), "must be a tuple of strings"),
        (Size(labels=("B", "C"), answer_format="letters"), "does not read the label 'B' as itself"),
        (Size(answer_format="spoken"), "unknown answer format 'spoken'; known: "),
    ):
        with pytest.raises(DesignError, match=message):
            register_question(broken)


def test_the_prompt_is_the_papers():
    assert prompt("Where is the red square?", ("bottom right", "center")) == (
        "Answer with as few words as possible. Where is the red square? Choose from [bottom right, center]."
    )
    assert prompt("Where is it?", (), "Say.") == "Say. Where is it?"
    assert prompt("Where?", LABELS).count(",") == 8


@pytest.mark.parametrize("answer", [None, "left", ("left",), ("a", 3), ZeroDivisionError, SystemExit("a\nb")])
def test_a_question_that_asks_nothing_is_named(answer):
    class Odd:
        name = "odd"

        def ask(self, scene):
            if isinstance(answer, BaseException) or answer is ZeroDivisionError:
                raise answer
            return answer

    with pytest.raises(PluginError, match="question 'odd': its ask") as caught:
        ask(Odd(), None)
    assert "\n" not in str(caught.value)
