import hashlib
import json
from collections import Counter
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from tracing import traced

from ninefold.data.checks import certificate
from ninefold.data.format.dataset import Dataset
from ninefold.data.make import make
from ninefold.data.sources.synthetic import SyntheticSource, SyntheticSpec, examples
from ninefold.errors import DesignError
from ninefold.scenes.render import encode_png, render
from ninefold.space import LABELS
from ninefold.store import content_id

SMALL = {"canvas": 48, "grid": 3}


def first(spec: SyntheticSpec):
    return next(iter(next(iter(examples(spec).values()))))


def test_the_test_set_is_the_papers():
    rows = list(examples(SyntheticSpec("test"))["test"])
    assert len(rows) == len({row.id for row in rows}) == 3888
    assert set(Counter((row.factors["object"], row.factors["size"]) for row in rows).values()) == {81}
    assert set(Counter(row.answer for row in rows).values()) == {432}
    assert set(Counter(row.factors["slot"] for row in rows).values()) == {432}
    assert len({row.prompt for row in rows}) == 432


@pytest.mark.parametrize("holdout", ["object", "block", "random"])
def test_the_training_pool_is_the_papers(holdout: str):
    parts = {split: list(rows) for split, rows in examples(SyntheticSpec("train", holdout=holdout)).items()}
    assert {split: len(rows) for split, rows in parts.items()} == {"train": 1296, "validation": 324}
    looks = {row.factors["object"] for rows in parts.values() for row in rows}
    assert looks == {f"white {shape}" for shape in ("circle", "triangle", "square", "star")} | {
        f"{color} plus" for color in ("red", "green", "blue", "cyan", "magenta", "yellow")
    }


def test_an_example_says_what_its_scene_shows():
    row = next(row for row in examples(SyntheticSpec("test"))["test"] if row.id == "red-star-small-r0c8")
    assert row.question == "Where is the red star?"
    assert row.answer == row.factors["region"] == "top right"
    assert row.prompt == (
        f"Answer with as few words as possible. Where is the red star? Choose from [{', '.join(row.options)}]."
    )
    assert sorted(row.options) == sorted(LABELS)
    assert row.options[row.factors["slot"]] == row.answer
    assert row.group == f"red star|{row.factors['order']}"
    assert json.loads(row.factors["scene"]) == {
        "background": "black", "canvas": 672, "grid": 9, "antialias": False,
        "things": [{"shape": "star", "color": "red", "size": "small", "row": 0, "col": 8}],
    }  # fmt: skip


@pytest.mark.parametrize("split", ["test", "train"])
@pytest.mark.parametrize("count", [1, 3, 5])
def test_distractors_leave_the_question_with_one_answer(split: str, count: int):
    for row in islice(next(iter(examples(SyntheticSpec(split, distractors=count)).values())), 0, None, 50):
        target, *others = row.image.things
        assert len(others) == count == row.factors["distractors"]
        assert target.look not in {thing.look for thing in others}
        assert len({thing.cell for thing in row.image.things}) == count + 1


def test_distractors_do_not_depend_on_the_holdout():
    scenes = [
        {
            row.id: row.image
            for rows in examples(SyntheticSpec("train", distractors=3, holdout=by)).values()
            for row in rows
        }
        for by in ("object", "random")
    ]
    assert scenes[0] == scenes[1]


def test_seeds_change_orders_and_distractors_and_no_truth():
    one, other = (list(examples(SyntheticSpec("test", distractors=1, seed=seed))["test"]) for seed in (0, 1))
    assert [row.answer for row in one] == [row.answer for row in other]
    assert sum(a.options == b.options for a, b in zip(one, other, strict=True)) < len(one) / 10
    assert sum(a.image.things[1] == b.image.things[1] for a, b in zip(one, other, strict=True)) < len(one) / 100


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"distractors": 81}, "81 distractors do not fit: there is room for 0 to 80"),
        ({"distractors": 73, "placement": "other-regions"}, "room for 0 to 72 outside the target's region"),
        ({"distractors": -1}, "-1 distractors do not fit"),
        ({"grid": 10}, "multiple of 3"),
        ({"seed": -1}, "seed -1: seeds are zero or more"),
        ({"holdout": "random"}, "the test set holds nothing out"),
        ({"placement": "x"}, "--placement 'x': choose one of anywhere, other-regions"),
        ({"holdout": "x"}, "--holdout 'x': choose one of object, block, random"),
        ({"split": "val"}, "--split 'val': choose one of test, train"),
    ],
)
def test_what_cannot_be_made(settings: dict, message: str):
    with pytest.raises(DesignError, match=message):
        first(SyntheticSpec(**{"split": "test", **settings}))


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"canvas": 99_999_999}, "--canvas 99999999: at most 8,192 pixels"),
     ({"canvas": -5}, "--canvas -5: too small for 9 x 9 cells; use 90 or more"),
     ({"grid": 99_999}, "--grid 99999: cells of 10 pixels would not fit .* at most 819"),
     ({"grid": 99}, "--canvas 672: too small for 99 x 99 cells; use 990 or more")],
)  # fmt: skip
def test_sizes_out_of_range_name_the_option_and_its_limit(settings: dict, message: str):
    with pytest.raises(DesignError, match=message):
        SyntheticSpec("test", **settings)


def test_a_canvas_too_small_leaves_nothing_behind(tmp_path: Path):
    with pytest.raises(DesignError, match="use 90 or more"):
        make(SyntheticSource(SyntheticSpec("test", canvas=60)), tmp_path / "set")
    assert list(tmp_path.iterdir()) == []


def test_same_seed_same_bytes_and_the_same_on_every_machine(tmp_path: Path):
    spec = SyntheticSpec("train", distractors=2, seed=3, **SMALL)
    contents = []
    for name in ("one", "two"):
        make(SyntheticSource(spec), tmp_path / name)
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        contents.append({str(path.relative_to(tmp_path / name)): path.read_bytes() for path in files})
    assert contents[0] == contents[1]
    assert list(contents[0]) == [
        "README.md", "certificate.json", "data/train-00000-of-00001.parquet", "data/validation-00000-of-00001.parquet",
        "manifest.json", "manifest.parquet",
    ]  # fmt: skip
    rows: dict[str, list[dict[str, str]]] = {}
    for row in pq.read_table(tmp_path / "one" / "manifest.parquet").to_pylist():
        rows.setdefault(row.pop("split"), []).append(row)
    assert {split: len(part) for split, part in rows.items()} == {"train": 144, "validation": 36}
    assert hashlib.sha256(json.dumps(rows).encode()).hexdigest() == (
        "baecc541b64572cfdd4e836c5c5452271d684407a870984b8b00576dcadcea92"
    )
    assert all(Dataset.open(tmp_path / "one").fingerprint(split) == content_id(part) for split, part in rows.items())


@pytest.mark.parametrize("settings", [{}, {"antialias": True, "distractors": 3}])
def test_what_is_made_can_be_verified(tmp_path: Path, settings: dict):
    make(SyntheticSource(SyntheticSpec("test", **SMALL, **settings)), tmp_path / "set", progress=True)
    certificate.verify(tmp_path / "set")
    row = next(Dataset.open(tmp_path / "set").read("test"))
    drawn = first(SyntheticSpec("test", **SMALL, **settings)).image
    assert row.image == encode_png(drawn)


def test_streaming_takes_the_same_memory_however_long():
    for example in islice(examples(SyntheticSpec("test"))["test"], 200):
        render(example.image)
    peaks = []
    with traced() as memory:
        for position, example in enumerate(examples(SyntheticSpec("test"))["test"], start=1):
            encode_png(example.image)
            if position in (400, 2000):
                peaks.append(memory()[1])
    assert peaks[1] - peaks[0] < 1 << 20
    assert np.max(peaks) < 8 << 20
