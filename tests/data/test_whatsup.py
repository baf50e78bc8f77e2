"""What's Up: designed option orders, exact figures of simple models, odd rows."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from ninefold.data.checks.certificate import verify
from ninefold.data.format.dataset import Dataset
from ninefold.data.make import make
from ninefold.data.sources.benchmarks.whatsup import FILES, WhatsUpSource, WhatsUpSpec
from ninefold.errors import DataError
from ninefold.evaluation.evaluate import evaluate
from ninefold.evaluation.spec import EvaluateSpec
from ninefold.models.fake import FakeModel
from ninefold.models.spec import ModelSpec
from ninefold.types import Example

WORDS = {
    "A": {"on": "on", "under": "under", "left_of": "to the left of", "right_of": "to the right of"},
    "B": {"in-front_of": "in front of", "behind": "behind", "left_of": "to the left of", "right_of": "to the right of"},
}
SETS = {"A": 103, "B": 102}


def official(folder: Path, subset: str, sets: int, *, images: bool = False) -> Path:
    """Write a file in the official form: ``sets`` times two objects in four relations, the first caption right."""
    folder.mkdir(exist_ok=True)
    words, rows = WORDS[subset], []
    for number in range(sets):
        first, second = f"red-thing{number % 7}", f"table{number // 7}"
        for right in words:
            captions = [
                f"A red thing{number % 7} {words[name]} a {second}" for name in (right, *(set(words) - {right}))
            ]
            path = f"data/controlled_images/{first}_{right}_{second}.jpeg"
            rows.append({"image_path": path, "caption_options": captions})
            if images:
                target = folder / "controlled_images" / Path(path).name
                target.parent.mkdir(parents=True, exist_ok=True)
                Image.new("RGB", (8, 8), (number, len(rows) % 251, 0)).save(target, "JPEG")
    (folder / FILES[subset]).write_text(json.dumps(rows))
    return folder


def examples(folder: Path, subset: str = "A", **options: Any) -> list[Example]:
    source = WhatsUpSource(WhatsUpSpec(folder, subset, text_only=True, **options))
    return list(source.splits()["test"].examples)


def scored(rows: list[Example], given: Any) -> pd.DataFrame:
    """Return the score table of a model that answers with the option ``given(example)``."""
    return pd.DataFrame(
        {"id": row.id, "group": row.group, "correct": given(row) == row.answer, **row.factors} for row in rows
    )


@pytest.mark.parametrize("subset", ["A", "B"])
def test_always_first_is_right_in_exactly_a_quarter_and_in_no_pair(tmp_path: Path, subset: str) -> None:
    rows = examples(official(tmp_path, subset, SETS[subset]), subset)
    assert len(rows) == 4 * SETS[subset]
    for slot in range(4):
        measures, _ = WhatsUpSource.measures(scored(rows, lambda row, slot=slot: row.options[slot]))
        assert (measures["accuracy"]["n"], measures["accuracy"]["value"]) == (len(rows), 0.25)
        assert (measures["pair_accuracy"]["n"], measures["pair_accuracy"]["value"]) == (len(rows) // 2, 0)
        assert (measures["set_accuracy"]["n"], measures["set_accuracy"]["value"]) == (SETS[subset], 0)
    places = Counter((row.factors["relation"], row.factors["slot"]) for row in rows)
    assert len(places) == 16
    assert max(places.values()) - min(places.values()) <= 1
    assert all(prompts == 4 for prompts in Counter(row.prompt for row in rows).values())


def test_figures_by_hand(tmp_path: Path) -> None:
    rows = examples(official(tmp_path, "A", 3))
    wrong = {rows[0].id, rows[6].id, rows[7].id}
    table = scored(rows, lambda row: "" if row.id in wrong else row.answer)
    assert list(table["relation"][:4]) == ["on", "under", "left", "right"]
    measures, by = WhatsUpSource.measures(table)
    assert measures["accuracy"]["value"] == 9 / 12
    assert (measures["pair_accuracy"]["n"], measures["pair_accuracy"]["value"]) == (6, 4 / 6)
    assert (measures["set_accuracy"]["n"], measures["set_accuracy"]["value"]) == (3, 1 / 3)
    assert (
        by["pair"]["on/under"]["pair_accuracy"]["value"] == by["pair"]["left/right"]["pair_accuracy"]["value"] == 2 / 3
    )
    assert by["relation"]["on"]["accuracy"]["value"] == 2 / 3
    without = WhatsUpSource.measures(table[1:])[0]
    assert [without[name]["n"] for name in ("accuracy", "pair_accuracy", "set_accuracy")] == [11, 5, 2]


def test_an_evaluation_of_always_first_gives_what_the_design_promises(tmp_path: Path) -> None:
    """All 412 rows, through the command's own path: the data set, the prompts, the letters, the figures."""
    folder = official(tmp_path / "whatsup", "A", SETS["A"], images=True)
    spec = EvaluateSpec(ModelSpec("fake"), benchmark="whatsup-a", benchmark_dir=folder)
    found = evaluate(spec, tmp_path / "run", model=FakeModel(lambda example: "A"), progress=False)["benchmark"]
    assert {name: (figure["n"], figure["value"]) for name, figure in found["measures"].items()} == {
        "accuracy": (412, 0.25), "pair_accuracy": (206, 0), "set_accuracy": (103, 0),
    }  # fmt: skip
    shares = {name: part["accuracy"]["value"] for name, part in found["by"]["relation"].items()}
    assert shares.keys() == {"on", "under", "left", "right"}
    assert all(value in (25 / 103, 26 / 103) for value in shares.values())
    assert (found["main"], found["conditions"]["rows"], found["conditions"]["unread"]) == ("accuracy", 412, 0)
    made = tmp_path / "run" / "benchmark"
    first = next(iter(Dataset.open(made).read("test")))
    assert first.prompt.startswith("Which sentence describes the image?\nA. A red thing0 ")
    assert first.prompt.endswith("\nAnswer with the letter of the right sentence.")
    stated = verify(made)
    assert stated["verdict"].startswith("OK: 412 rows, every fact holds")
    bound = next(view for view in stated["splits"]["test"]["text_only"] if view["view"] == "prompt")
    assert bound["numerator"] / bound["denominator"] == 0.25


def test_missing_and_broken_images_are_refused_or_left_out(tmp_path: Path) -> None:
    folder = official(tmp_path, "A", 4, images=True)
    gone, broken = sorted((folder / "controlled_images").iterdir())[:2]
    gone.unlink()
    with pytest.raises(DataError, match=r"1 of 16 images are missing \(data/controlled_images/red-thing0_left"):
        make(WhatsUpSource(WhatsUpSpec(folder)), tmp_path / "out")
    broken.write_bytes(b"\xff\xd8")
    source = WhatsUpSource(WhatsUpSpec(folder, allow_missing=True))
    kept = make(source, tmp_path / "out").read("test")
    assert [(entry["reason"], entry["count"]) for entry in source.about().skipped] == [
        ("its image is missing", 1),
        ("its image is not readable", 1),
    ]
    whole = {row.id: row.prompt for row in examples(folder)}
    assert {row.id: row.prompt for row in kept} == {
        name: prompt for name, prompt in whole.items() if name not in {gone.stem, broken.stem}
    }


def test_a_set_without_any_readable_photo_is_refused(tmp_path: Path) -> None:
    folder = official(tmp_path, "A", 1, images=True)
    for path in (folder / "controlled_images").iterdir():
        path.write_bytes(b"\xff\xd8")
    with pytest.raises(
        DataError, match=r"dataset\.json: no row can be used \(left out: its image is not readable: 4, "
    ):
        make(WhatsUpSource(WhatsUpSpec(folder, allow_missing=True)), tmp_path / "out")


def test_more_photos_are_another_set_of_questions(tmp_path: Path) -> None:
    folder = official(tmp_path / "whatsup", "A", 2, images=True)
    gone = min((folder / "controlled_images").iterdir())
    content = gone.read_bytes()
    gone.unlink()
    spec = EvaluateSpec(ModelSpec("fake"), benchmark="whatsup-a", benchmark_dir=folder, allow_missing=True)
    model = FakeModel(lambda example: example.answer)
    found = evaluate(spec, tmp_path / "run", model=model, progress=False)["benchmark"]
    assert {name: figure["n"] for name, figure in found["measures"].items()} == {
        "accuracy": 7, "pair_accuracy": 3, "set_accuracy": 1,
    }  # fmt: skip
    assert (found["conditions"]["official_rows"], found["conditions"]["missing"]) == (8, 1)
    gone.write_bytes(content)
    with pytest.raises(DataError, match=r"other settings \(found\.shown"):
        evaluate(spec, tmp_path / "run", model=model, progress=False)


def test_odd_rows_are_counted_and_named(tmp_path: Path) -> None:
    official(tmp_path, "A", 2)
    path = tmp_path / FILES["A"]
    rows = json.loads(path.read_text())
    rows[0]["caption_options"][0], rows[0]["caption_options"][1] = rows[0]["caption_options"][1::-1]
    rows[1]["caption_options"][3] = rows[1]["caption_options"][2]
    rows[2] = {"image_path": 7}
    rows[3]["image_path"] = "x.jpeg"
    odd = {**rows[4], "image_path": "a\ud800_on_b.jpeg"}
    rows[6]["caption_options"] = [caption.replace("A ", "One ") for caption in rows[6]["caption_options"]]
    path.write_text(json.dumps([*rows, rows[4], "row", odd]))
    source = WhatsUpSource(WhatsUpSpec(tmp_path, text_only=True))
    assert len(list(source.splits()["test"].examples)) == 3
    assert {entry["reason"]: entry["count"] for entry in source.skips.entries} == {
        "the first caption does not state the relation in image_path": 1,
        "the captions do not state each of the four relations once": 1,
        "no image_path, or no caption_options": 2,
        "image_path does not name two objects and their relation": 1,
        "image_path or a caption is no line of text": 1,
        "the same objects and relation as an earlier row": 1,
        "other captions than an earlier row of the same objects": 1,
    }
    with pytest.raises(DataError, match=r"controlled_clevr_dataset\.json is missing; What's Up's README"):
        examples(tmp_path, "B")
    path.write_text("{}")
    with pytest.raises(DataError, match="holds no list of rows; fetch it again"):
        examples(tmp_path)
