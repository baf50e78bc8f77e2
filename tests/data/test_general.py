"""General questions: whether a category is there, and what is at a point, as nano bases were asked in pretraining."""

from collections import Counter
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from ninefold.data.checks.certificate import verify
from ninefold.data.make import make
from ninefold.data.sources.coco.general import GeneralSource, GeneralSpec
from ninefold.data.sources.coco.general_questions import claim_of, is_there, what_is_at
from ninefold.data.sources.coco.presence import choose
from ninefold.errors import DataError
from ninefold.nano.captioner import point
from ninefold.nano.world import WorldThing
from ninefold.space import Box


@pytest.fixture
def spec(dotted: Path) -> GeneralSpec:
    return GeneralSpec(dotted / "annotations.json", dotted / "images", subset=60, embed=False)


def test_presence_has_yes_as_often_as_no_and_tells_the_truth(dotted: Path, spec: GeneralSpec, tmp_path: Path) -> None:
    # "d" is in ten photos, one of them with a broken box only: still it is there.
    text = (dotted / "annotations.json").read_text()
    more = [
        f'{{"id": {900 + n}, "image_id": {n}, "category_id": 4, "bbox": [0, 0, {3 if n > 1 else 0}, 3]}}'
        for n in range(1, 11)
    ]
    text = text.replace('"categories": [', '"categories": [{"id": 4, "name": "orange d"}, ')
    (tmp_path / "annotations.json").write_text(text.replace('"annotations": [', f'"annotations": [{", ".join(more)}, '))
    source = GeneralSource(replace(spec, annotations=tmp_path / "annotations.json", subset=20))
    with pytest.raises(
        DataError,
        match=r"--subset 22: 22 presence questions are needed .* its photos allow 20 .*; use --subset 20 or less",
    ):
        GeneralSource(replace(source.spec, subset=22)).splits()
    assert source.about().description.endswith(" about a photo is right at most 20 times of 20 in test (100.0 %).")
    stated = make(source, tmp_path / "presence").folder
    assert "whoever gives one answer for each photo is right at most 20 times of 20 (1)" in " ".join(
        verify(stated)["statements"]
    )
    rows = list(source.splits()["test"].examples)
    assert Counter((row.question, row.answer) for row in rows) == {
        ("Is there an orange d?", "yes"): 10,
        ("Is there an orange d?", "no"): 10,
    }
    assert all((int(row.group) <= 10) == (row.answer == "yes") for row in rows)
    assert rows[0].prompt == "Answer with as few words as possible. Is there an orange d?" and not rows[0].options


def test_a_photo_alone_does_not_tell_whether_something_is_there() -> None:
    shown = [{"a"}, {"a", "b"}, {"b", "c"}, {"c", "d"}, {"d", "a"}, {"b", "d"}, {"c"}, set[str]()]
    for size, photos in ((8, 4), (16, 7), (24, 7)):
        rows = choose(shown, "abcd", size)
        assert len(set(rows)) == size
        assert Counter((row.category, row.there) for row in rows) == dict.fromkeys(
            product("abcd", (True, False)), size // 8
        )
        assert all(row.there == (row.category in shown[row.photo]) for row in rows)
        answers = Counter((row.photo, row.there) for row in rows)
        assert all(answers[photo, True] == answers[photo, False] for photo in range(8))
        assert len({photo for photo, _ in answers}) == photos
    # Photo 0 lacks nothing, so that another one has its "no".
    assert choose([{"a"}, set()], "a", 2) == [(0, "a", True), (1, "a", False)]


def test_naming_asks_for_lone_things_in_the_words_of_pretraining(spec: GeneralSpec, tmp_path: Path) -> None:
    data = make(GeneralSource(replace(spec, question="naming", split="train")), tmp_path / "naming")
    assert data.splits == {"train": 60, "validation": 15} and data.labels == ("a", "b", "c")
    rows = list(data.read("train"))
    assert Counter(row.answer for row in rows) == {"a": 20, "b": 20, "c": 20}
    assert all(row.prompt == row.question and row.question.startswith("What is at ") for row in rows)
    assert not any(row.answer == "a" and int(row.group) % 2 for row in rows)  # odd photos have two of it
    assert verify(tmp_path / "naming")["verdict"].startswith("OK: 75 rows, every fact holds")


def test_claims_are_true_as_often_as_false_in_vsrs_words(spec: GeneralSpec, tmp_path: Path) -> None:
    annotations = spec.annotations.read_text()
    for letter in "abc":
        annotations = annotations.replace(f'"name": "{letter}"', f'"name": "orange {letter}"')
    photos = [f'"id": {900 + n}, "image_id": {n}, "category_id": 4, "bbox": [0, 0, 3, 3]' for n in range(1, 21)]
    annotations = annotations.replace('"annotations": [', f'"annotations": [{{{"}, {".join(photos)}}}, ')
    (tmp_path / "a.json").write_text(
        annotations.replace('"categories": [', '"categories": [{"id": 4, "name": "red d"}, ')
    )
    spec = replace(spec, annotations=tmp_path / "a.json", question="claim", subset=40)
    data = make(GeneralSource(spec), tmp_path / "claims")
    rows = list(data.read("test"))
    assert Counter((row.prompt, row.answer) for row in rows) == {
        ("A red d is in the picture. True or False?", "True"): 20,
        ("A red d is in the picture. True or False?", "False"): 20,
    }
    assert verify(data.folder)["verdict"].startswith("OK: 40 rows, every fact holds")
    data = make(GeneralSource(replace(spec, question="choice")), tmp_path / "choices")
    rows = list(data.read("test"))
    assert Counter(row.options.index(row.answer) for row in rows) == dict.fromkeys(range(4), 10)
    asked = rows[0].prompt.splitlines()
    assert asked[0] == rows[0].question and asked[1:] == [
        f"{a}. {b}" for a, b in zip("ABCD", rows[0].options, strict=True)
    ]
    assert claim_of("orange a") == "An orange a is in the picture."
    assert verify(data.folder)["verdict"].startswith("OK: 40 rows, every fact holds")


def test_the_words_are_those_of_nano_pretraining() -> None:
    thing = WorldThing("red", "star", x=0.07, y=0.999, w=0.1, h=0.002, rgb=(255, 0, 0))
    assert what_is_at(Box(0.02, 0.998, 0.1, 0.002), 1, 1) == f"What is at {point(thing)}?" == "What is at 07 99?"
    assert is_there(thing.name) == "Is there a red star?"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"subset": 1}, "--subset 1: at least two questions are needed"),
        ({"seed": -1}, "--seed -1: seeds are zero or more"),
        ({"subset": 4, "question": "choice"}, "--question choice needs four categories or more"),
        ({"subset": 501, "question": "naming"}, "501 naming questions are needed of one split, .* allow 500"),
    ],
)
def test_what_cannot_be_asked_is_said_in_one_line(spec: GeneralSpec, change: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        GeneralSource(replace(spec, **change)).splits()
