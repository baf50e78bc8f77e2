"""Questions about the relation of two things: true by their boxes, and so that no text tells the answer."""

import json
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from ninefold.data.checks.certificate import verify
from ninefold.data.make import make
from ninefold.data.sources.coco.relation_questions import direction, letters, statement, true_false, words
from ninefold.data.sources.coco.relations import RelationsSource, RelationsSpec
from ninefold.errors import DataError
from ninefold.questions.catalog import FORMATS
from ninefold.space import Box

PLACES = {"left": (2, 20), "right": (36, 20), "above": (20, 2), "below": (20, 36), "oblique": (36, 36)}
"""Corner of the one thing of a photo, seen from the other, at (20, 20)."""


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> RelationsSpec:
    """Photos of dog and cat, and of dog and cup, ten in each place; in the last three there is a second dog."""
    folder = tmp_path_factory.mktemp("relations")
    (folder / "images").mkdir()
    images, rows = [], []
    for number in range(103):
        corner, category = list(PLACES.values())[number % 5], 2 + number // 5 % 2
        Image.new("RGB", (48, 48), (2 * number, 0, 0)).save(folder / "images" / f"{number}.png")
        images.append({"id": number, "file_name": f"{number}.png", "width": 48, "height": 48})
        boxes = [(1, *corner), (category, 20, 20), *([(1, 0, 0)] if number >= 100 else [])]
        rows += [
            {"id": len(rows) + i, "image_id": number, "category_id": which, "bbox": [x, y, 8, 8]}
            for i, (which, x, y) in enumerate(boxes, 1)
        ]
    categories = [{"id": number, "name": name} for number, name in enumerate(("dog", "cat", "cup"), 1)]
    content = {"images": images, "annotations": rows, "categories": categories}
    (folder / "annotations.json").write_text(json.dumps(content))
    return RelationsSpec(folder / "annotations.json", folder / "images", subset=64, embed=False)


def test_a_relation_is_told_of_boxes_where_only_one_can_be_meant() -> None:
    box = Box(20, 20, 8, 8)
    found = {name: direction(Box(*corner, 8, 8), box) for name, corner in PLACES.items()}
    assert found == {"left": "left", "right": "right", "above": "above", "below": "below", "oblique": None}
    assert direction(Box(13, 20, 8, 8), box) is None  # they overlap
    assert direction(Box(12, 20, 8, 8), box) == "left"  # they touch
    assert direction(Box(4, 12, 8, 8), box) == "left" and direction(Box(4, 11, 8, 8), box) is None  # 16 to 8, 16 to 9


def test_the_forms_in_their_words() -> None:
    assert true_false("red star", "above", "cup").prompt == "The red star is above the cup. True or False?"
    assert letters("dog", "cup", (3, 0, 1, 2)).prompt == (
        "Which is true of the picture?\nA. The dog is below the cup.\nB. The dog is left of the cup.\n"
        "C. The dog is right of the cup.\nD. The dog is above the cup."
    )
    assert words("dog", "right", "cup").prompt == "Is the dog to the left or to the right of the cup?"
    assert FORMATS["labels"].read("to the left", ("left", "right")).label == "left"


def test_a_statement_is_as_often_true_as_false_and_so_are_those_of_a_photo(spec: RelationsSpec, tmp_path: Path) -> None:
    data = make(RelationsSource(spec), tmp_path / "made")
    rows = list(data.read("test"))
    assert len(rows) == 64
    for key in ("text", "photo"):
        answers = defaultdict(Counter)
        for row in rows:
            answers[row.question if key == "text" else row.group][row.answer] += 1
        assert all(given["True"] == given["False"] for given in answers.values()), key
    assert {row.group for row in rows}.isdisjoint({"100", "101", "102"})
    for row in rows:
        said = statement(row.factors["subject"], row.factors["relation"], row.factors["object"])
        assert (row.question == said) == (row.answer == "True")
    assert verify(data.folder)["verdict"].startswith("OK: 64 rows, every fact holds")


@pytest.mark.parametrize(("form", "count", "chance"), [("letters", 64, 0.25), ("words", 64, 0.5)])
def test_options_are_right_equally_often_wherever_they_stand(
    spec: RelationsSpec, tmp_path: Path, form, count, chance
) -> None:
    data = make(RelationsSource(replace(spec, form=form)), tmp_path / "made")
    rows = list(data.read("test"))
    slots = Counter(row.options.index(row.answer) for row in rows)
    assert len(rows) == count and set(slots.values()) == {count * chance}
    assert Counter(row.factors["relation"] for row in rows) == dict.fromkeys(
        ("left", "right", "above", "below"), count // 4
    )
    assert f"reads the prompt alone is right at most {count * chance:.0f} times of" in " ".join(
        verify(data.folder)["statements"]
    )


def test_training_and_validation_ask_about_other_photos(spec: RelationsSpec) -> None:
    splits = RelationsSource(replace(spec, form="words", split="train", subset=16)).splits()
    groups = {name: {row.group for row in split.examples} for name, split in splits.items()}
    assert len(groups["train"]) == 16 and len(groups["validation"]) == 4
    assert groups["train"].isdisjoint(groups["validation"])


def test_too_few_photos_are_said_in_one_line(spec: RelationsSpec, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--subset 7: at least 8 questions are needed"):
        replace(spec, subset=7)
    content = json.loads(spec.annotations.read_text())
    content["annotations"] = [row for row in content["annotations"] if row["bbox"][1] != 2]
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match="too few photos show the same two things in all four relations"):
        RelationsSource(replace(spec, annotations=tmp_path / "annotations.json")).splits()
