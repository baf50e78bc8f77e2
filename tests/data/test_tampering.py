"""No edit of a row goes unnoticed, whatever the question."""

import io
import shutil

import numpy as np
import pytest
from PIL import Image
from tampering import Part, change, png, rows_of, swap

from ninefold.data.checks.certificate import certify, verify
from ninefold.data.format import dataset
from ninefold.data.sources.synthetic import SyntheticSpec
from ninefold.errors import DataError
from ninefold.questions.catalog import QUESTIONS

LOOKS = ("red square", "blue circle")


@pytest.fixture(scope="module", params=QUESTIONS)
def question(request):
    return request.param


@pytest.fixture(scope="module")
def made(question, tmp_path_factory):
    """Two looks on a small grid, in two splits by look; with a distractor where the question allows one.

    Of 18 rows of a look, row k shows region k // 2, large where k is even, otherwise small.
    """
    folder = tmp_path_factory.mktemp("sets") / "made"
    distractors = 0 if question in ("color", "shape") else 1
    source = Part(SyntheticSpec("test", question=question, distractors=distractors, canvas=48, grid=3))
    rows = list(source.splits()["test"].examples)
    parts = {look.split()[0]: [row for row in rows if row.factors["object"] == look] for look in LOOKS}
    dataset.write(folder, parts, about=source.about())
    return folder


@pytest.fixture
def folder(made, tmp_path):
    shutil.copytree(made, tmp_path / "set")
    return tmp_path / "set"


def flip_answer(rows):
    rows[5]["answer"] = next(label for label in rows[5]["options"] if label != rows[5]["answer"])


def lie(rows):
    flip_answer(rows)
    rows[5]["slot"] = rows[5]["options"].index(rows[5]["answer"])


def ask_otherwise(rows):
    for name in ("question", "prompt"):
        rows[2][name] = rows[2][name].replace("the", "a", 1)


def instruct_otherwise(rows):
    rows[2]["prompt"] = rows[2]["prompt"].replace("Answer", "Reply")


def reorder_options(rows):
    rows[7]["options"] = rows[7]["options"][::-1]


@pytest.mark.parametrize(
    ("edit", "row"), [(flip_answer, 5), (reorder_options, 7), (swap(4, 14, "image"), 4), (swap(3, 4, "prompt"), 3)]
)
def test_a_changed_row_is_named(folder, edit, row):
    name = rows_of(folder)[1]["id"][row].as_py()
    change(folder, edit)
    with pytest.raises(DataError, match=f"row {name}: "):
        verify(folder)


@pytest.mark.parametrize(
    ("edit", "row", "fact"),
    [
        (flip_answer, 5, "slot is the position"),
        (lie, 5, "question and answer are those of {question} for the scene"),
        (reorder_options, 7, "the prompt holds the question and after it the options"),
        (
            lambda rows: rows[2].update(size={"small": "large"}.get(rows[2]["size"], "small")),
            2,
            "the first thing of the",
        ),
        (swap(4, 14, "region"), 4, "region is the one that the cell lies in"),
        (
            lambda rows: rows[2].update(order=2 if rows[2]["order"] != 2 else 0),
            None,
            "the options are listed in the order",
        ),
        (lambda rows: rows[2].update(distractors=2), 2, "distractors counts"),
        (lambda rows: rows[2].update(options=["center"] * 9), 2, "the options are all different"),
        (lambda rows: rows[2].update(scene="{"), 2, "its scene is not readable"),
        (
            lambda rows: rows[2].update(scene=rows[2]["scene"].replace('"black"', '"plaid"')),
            2,
            "colors of the vocabulary",
        ),
        (lambda rows: rows[2].update(cell_row=None), 2, "region is the one"),
        (lambda rows: rows[2].update(options=None), 2, "the prompt holds"),
        (lambda rows: rows[2].update(answer_format="riddle"), 2, "unknown answer format 'riddle'"),
        (lambda rows: rows[2].update(answer_format="short_text"), 2, "the question's format"),
        (ask_otherwise, 2, "question and answer are those of {question} for the scene"),
        (instruct_otherwise, 2, "the prompt is the instruction, the question and the options"),
        (swap(4, 14, "scene"), 4, "the first thing of the scene"),
    ],
)
def test_rows_that_contradict_themselves_cannot_even_be_certified(folder, question, edit, row, fact):
    name = rows_of(folder)[1]["id"][row].as_py() if row is not None else ""
    change(folder, edit, manifest=True)
    with pytest.raises(DataError, match=fact.format(question=question)) as error:
        certify(folder)
    assert name in str(error.value)


def repaint(rows):
    picture = np.array(Image.open(io.BytesIO(rows[9]["image"]["bytes"])).convert("RGB"))
    picture[picture[:, :, 0] > 0] = (255, 254, 0)
    rows[9]["image"]["bytes"] = png(picture)


def move_a_pixel(rows):
    picture = np.array(Image.open(io.BytesIO(rows[9]["image"]["bytes"])).convert("RGB"))
    picture[0 if picture[:12].sum() == 0 else -1, 0] = (255, 0, 0)
    rows[9]["image"]["bytes"] = png(picture)


def clip_a_shape(rows):
    picture = np.array(Image.open(io.BytesIO(rows[9]["image"]["bytes"])).convert("RGB"))
    red = np.argwhere((picture == (255, 0, 0)).all(axis=2))
    picture[tuple(red[0])] = 0
    rows[9]["image"]["bytes"] = png(picture)


@pytest.mark.parametrize(
    ("edit", "fact"),
    [
        (swap(9, 14, "image"), "every pixel that is not background"),
        (repaint, "every pixel that is not background"),
        (move_a_pixel, "every pixel that is not background"),
        (clip_a_shape, "things of one shape and size have one silhouette"),
        (lambda rows: rows[9]["image"].update(bytes=png(np.zeros((50, 50, 3), np.uint8))), "as large as"),
    ],
)
def test_pictures_are_checked_even_where_all_hashes_agree(folder, edit, fact):
    name = rows_of(folder)[1]["id"][9].as_py()
    change(folder, edit, manifest=True, certificate=True)
    with pytest.raises(DataError, match=f"row {name}: broken: .*{fact}"):
        verify(folder)
