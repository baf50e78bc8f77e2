"""Visual Spatial Reasoning: real rows of the official files, with small pictures in place of the photos."""

import json
import os
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from vsr_files import ROWS, draw, line, official

from ninefold import store
from ninefold.cli.app import main
from ninefold.data.checks.certificate import verify
from ninefold.data.make import make, make_once
from ninefold.data.sources.benchmarks.vsr import VsrSource, VsrSpec
from ninefold.errors import DataError, DesignError, RunError
from ninefold.evaluation.evaluate import evaluate
from ninefold.evaluation.score import score
from ninefold.evaluation.spec import EvaluateSpec
from ninefold.models.fake import FakeModel
from ninefold.models.spec import ModelSpec
from ninefold.types import NO_IMAGE

SHARED = Path(os.environ.get("NINEFOLD_DATA", Path(__file__).parents[2] / ".." / "shared" / "data")) / "vsr"
needs_vsr = pytest.mark.skipif(not SHARED.exists(), reason="needs the official files of VSR in NINEFOLD_DATA")


def asked(folder, **options):
    return EvaluateSpec(ModelSpec("fake"), benchmark="vsr-zeroshot", benchmark_dir=folder, **options)


def say(word):
    return FakeModel(lambda example: word)


def run(spec, out, model):
    return evaluate(spec, out, model=model, progress=False)["benchmark"]


@needs_vsr
def test_who_always_says_true_is_right_on_629_of_the_1222_rows_of_the_official_test(tmp_path):
    lines = (SHARED / "splits" / "zeroshot" / "test.jsonl").read_text().splitlines()
    (tmp_path / "splits").symlink_to(SHARED.resolve() / "splits")
    draw(tmp_path / "trainval2017", {json.loads(each)["image"] for each in lines})
    found = run(asked(tmp_path), tmp_path / "run", say("True"))
    accuracy = found["measures"]["accuracy"]
    assert (accuracy["n"], round(accuracy["value"], 4)) == (1222, 0.5147)
    assert accuracy["value"] == 629 / 1222 == found["measures"]["precision"]["value"]
    assert found["measures"]["recall"]["value"] == 1
    assert found["measures"]["f1"]["value"] == pytest.approx(2 * 629 / (629 + 1222))
    assert sum(part["accuracy"]["n"] for part in found["by"]["relation"].values()) == 1222
    assert found["conditions"]["data_revision"].startswith("cambridgeltl/visual-spatial-reasoning@b27a0af (sha256 ")


@needs_vsr
def test_who_always_says_true_is_right_on_1181_of_the_2195_rows_of_random():
    rows = list(VsrSource(VsrSpec(SHARED, "random", text_only=True)).splits()["test"].examples)
    table = pd.DataFrame(
        {
            "options": [row.options for row in rows],
            "group": [row.group for row in rows],
            "answer": [row.answer for row in rows],
            "label": "True",
            "correct": [row.answer == "True" for row in rows],
            "relation": "any",
        }
    )
    measures, _ = VsrSource.measures(table)
    assert (measures["accuracy"]["n"], round(measures["accuracy"]["value"], 4)) == (2195, 0.5380)


def test_answers_that_cannot_be_read_are_wrong_and_no_claim(tmp_path):
    """On true, false, true, false: True (right), True (wrong), nothing, nothing."""
    folder = official(tmp_path / "vsr")
    said = {"The cup is on the table.": "True", "The cup is under the table.": "Yes"}
    found = run(asked(folder), tmp_path / "run", FakeModel(lambda example: said.get(example.question, "Hm")))
    values = {name: (measure["n"], measure["value"]) for name, measure in found["measures"].items()}
    assert values == {"accuracy": (4, 0.25), "precision": (2, 0.5), "recall": (2, 0.5), "f1": (4, 0.5)}
    assert found["by"]["relation"]["on"]["accuracy"]["value"] == 0.5
    assert (found["name"], found["title"], found["main"]) == ("vsr-zeroshot", "VSR zeroshot", "accuracy")
    conditions = found["conditions"]
    assert conditions.pop("data_revision").startswith("sha256 ") and conditions.pop("parser")
    assert conditions == {
        "prompt": "{caption} True or False?", "official_rows": 4, "missing": 0, "pixel_budget": "size as it is",
        "decoding": "greedy, at most 15 tokens", "unread": 0.5, "rows": 4,
    }  # fmt: skip


def test_missing_photos_are_an_error_or_left_out_counted_and_told(tmp_path, capsys):
    folder = official(tmp_path / "vsr", photos=["000000000139.jpg"])
    with pytest.raises(DataError, match=r"2 of 3 images are missing \(000000000285.jpg, 000000000632.jpg\); looked in"):
        run(asked(folder), tmp_path / "run", say("True"))
    assert not (tmp_path / "run" / "benchmark").exists()
    found = run(asked(folder, allow_missing=True), tmp_path / "run", say("True"))
    assert (found["conditions"]["rows"], found["conditions"]["missing"]) == (2, 2)
    main(["score", str(tmp_path / "run")])
    assert "VSR zeroshot: accuracy 50.0" in (said := capsys.readouterr().out)
    assert "; 2 questions, 2 more left out, 0\u202f% of answers not readable" in said
    with pytest.raises(DataError, match=r"other settings \(allow_missing true, asked false"):
        run(asked(folder), tmp_path / "run", say("True"))
    # Of a finished run nothing is asked again, and more photos are other questions.
    assert run(asked(folder, allow_missing=True), tmp_path / "run", say("False")) == found
    draw(folder / "val2017", ["000000000285.jpg"])
    with pytest.raises(DataError, match=r"other settings \(found\.shown"):
        run(asked(folder, allow_missing=True), tmp_path / "run", say("True"))


def test_a_benchmark_is_a_data_set_whose_evaluation_has_the_same_id_wherever_it_is(tmp_path):
    folder = official(tmp_path / "vsr")
    data = make(VsrSource(VsrSpec(folder)), tmp_path / "data")
    assert verify(data.folder, reproduce=True, files={"directory": folder, "images": folder / "images"})
    run(asked(folder), tmp_path / "one", say("True"))
    evaluate(EvaluateSpec(ModelSpec("fake"), data.folder), tmp_path / "two", model=say("True"), progress=False)
    assert store.read_json(tmp_path / "one" / "spec.json") == store.read_json(tmp_path / "two" / "spec.json")
    assert store.read_json(tmp_path / "one" / "metrics.json") == store.read_json(tmp_path / "two" / "metrics.json")
    assert score(tmp_path / "one")["benchmark"] == store.read_json(tmp_path / "two" / "metrics.json")["benchmark"]
    yes = make(VsrSource(VsrSpec(folder, prompt_form="yes-no", text_only=True)), tmp_path / "yes")
    first = next(yes.read("test"))
    assert (first.answer, first.image) == ("Yes", NO_IMAGE)
    assert first.prompt == "Is the following statement true? The cup is on the table. Yes or No?"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"label": 2}, "line 5: label is 2, neither 0 nor 1"),
        ({"label": True}, "line 5: label is True, not what the official file has"),
        ({"caption": " "}, "line 5: caption is ' ', not"),
        ({"relation": None}, "line 5: relation is None"),
        ({"image": "../000000000139.jpg"}, "line 5: image is '../000000000139.jpg', not the name of a COCO photo"),
        ({"vote_true_validator_id": "[18, 2"}, "line 5: vote_true_validator_id is .* not a list of validators"),
        ({"vote_false_validator_id": [1]}, "line 5: vote_false_validator_id"),
        ({"subj": 3}, "line 5: subj is 3"),
    ],
)
def test_a_row_that_is_not_as_it_is_shipped_is_refused_with_its_line(tmp_path, change, said):
    folder = official(tmp_path / "vsr")
    with (folder / "zeroshot" / "test.jsonl").open("a") as file:
        file.write(line(ROWS[0], **change))
    with pytest.raises(DataError, match=said):
        VsrSource(VsrSpec(folder)).splits()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "test.jsonl: holds no rows; get the official file again"),
        ("[" * 100_000, "line 1 is not JSON"),
        ("[1]", "line 1 is not a JSON object"),
        (
            line(ROWS[0]) + line(ROWS[0], caption="A \ud800 cup."),
            "zeroshot-test-00002: a text holds half of a character",
        ),
    ],
)
def test_a_file_that_is_not_one_of_rows_is_told_in_one_line(tmp_path, text, said):
    folder = official(tmp_path / "vsr")
    (folder / "zeroshot" / "test.jsonl").write_text(text)
    with pytest.raises(DataError, match=said):
        make(VsrSource(VsrSpec(folder)), tmp_path / "data")


def test_the_file_of_another_split_is_refused(tmp_path):
    if SHARED.exists():
        (tmp_path / "test.jsonl").symlink_to(SHARED.resolve() / "splits" / "random" / "test.jsonl")
        with pytest.raises(DataError, match="is the official file random/test, not zeroshot/test"):
            VsrSource(VsrSpec(tmp_path)).splits()


def test_what_is_in_a_run_folder_is_not_lost_to_a_benchmark(tmp_path):
    folder = official(tmp_path / "vsr")
    data = make(VsrSource(VsrSpec(folder, prompt_form="yes-no")), tmp_path / "data")
    plain = EvaluateSpec(ModelSpec("fake"), data.folder)
    evaluate(plain, tmp_path / "run", model=say("True"), progress=False)
    with pytest.raises(RunError, match="something else than this benchmark; choose another --out, or replace it with"):
        run(asked(folder), tmp_path / "run", say("True"))
    assert not (tmp_path / "run" / "benchmark").exists()
    evaluate(asked(folder), tmp_path / "run", model=say("True"), overwrite=True, progress=False)
    assert (tmp_path / "run" / "benchmark" / "manifest.json").exists()
    evaluate(plain, tmp_path / "run", model=say("True"), overwrite=True, progress=False)
    assert not (tmp_path / "run" / "benchmark").exists()


def test_a_photo_that_is_replaced_in_its_folder_is_told(tmp_path):
    folder = official(tmp_path / "vsr")
    spec, photo = asked(folder), folder / "images" / "000000000139.jpg"
    first = run(spec, tmp_path / "run", say("True"))
    copy = bytearray(photo.read_bytes())
    photo.write_bytes(copy)
    assert run(spec, tmp_path / "run", say("False")) == first
    Image.new("RGB", (4, 4), "red").save(photo, "PNG")
    os.utime(photo, (1, 1))  # A copy may keep an old time.
    with pytest.raises(DataError, match="same settings and other rows, made before its inputs changed; choose another"):
        run(spec, tmp_path / "run", say("True"))
    evaluate(spec, tmp_path / "run", model=say("True"), overwrite=True, progress=False)
    # As a study makes it, with the photos in it.
    data = make(VsrSource(VsrSpec(folder)), tmp_path / "data").folder
    photo.write_bytes(copy)
    with pytest.raises(DataError, match="other rows"):
        make_once(VsrSource(VsrSpec(folder)), data)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "name the questions with --data FOLDER, or with --benchmark NAME"),
        ({"data": "d", "benchmark": "vsr-random", "benchmark_dir": Path("v")}, "and not both"),
        ({"benchmark": "vsr"}, "--benchmark vsr: no benchmark of this name; did you mean vsr-random"),
        ({"benchmark": "vsr-random"}, "name the folder that holds splits/random/test.jsonl of cambridgeltl"),
        ({"benchmark": "vsr-random", "benchmark_dir": Path("v"), "split": "train"}, "--split train: all questions"),
        ({"benchmark": "lmms:mme"}, "name its interpreter with --lmms-python"),
        ({"data": "d", "allow_missing": True}, "--allow-missing: is used with --benchmark only"),
        ({"data": "d", "benchmark_dir": Path("v")}, "--benchmark-dir v: is used with --benchmark only"),
        ({"data": "d", "lmms_python": Path("p")}, "--lmms-python p: is used with --benchmark lmms:NAME only"),
    ],
)
def test_one_data_set_or_one_benchmark_is_asked_with_its_own_options(options, said):
    with pytest.raises(DesignError, match=said):
        EvaluateSpec(ModelSpec("fake"), **options)
