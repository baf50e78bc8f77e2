import io
import subprocess
import sys

import pytest
from PIL import Image

from ninefold import store
from ninefold.data.format import dataset
from ninefold.data.format.card import About
from ninefold.data.format.dataset import Dataset
from ninefold.errors import DataError, ModelError, RunError
from ninefold.evaluation.evaluate import evaluate
from ninefold.evaluation.resolve import resolve_id, resolve_lineage
from ninefold.evaluation.spec import EvaluateSpec
from ninefold.models.compute.device import used_device
from ninefold.models.fake import FakeModel
from ninefold.models.spec import ModelSpec
from ninefold.questions.prompt import prompt
from ninefold.runs.metrics import SCORER_VERSION
from ninefold.runs.records import Status
from ninefold.space import LABELS
from ninefold.types import Example
from ninefold.web.wording import percent

FAKE = ModelSpec("fake")
RIGHT = FakeModel(lambda example: example.answer)


def picture(shade):
    buffer = io.BytesIO()
    Image.new("RGB", (9, 9), (shade, 0, 0)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    rows = [
        Example(
            id=f"e{i}",
            image=picture(i),
            question="Where is it?",
            prompt=prompt("Where is it?", LABELS),
            options=LABELS,
            answer=label,
            group=str(i),
            factors={"region": label, "cell_row": 3 * (i // 3), "cell_col": 3 * (i % 3)},
        )
        for i, label in enumerate(LABELS)
    ]
    folder = tmp_path_factory.mktemp("data") / "nine"
    dataset.write(folder, {"train": rows[:4], "test": rows[4:]}, about=About("t", "d", {}))
    return folder


def test_a_run_holds_all_that_the_conventions_name(data, tmp_path):
    metrics = evaluate(EvaluateSpec(FAKE, data), tmp_path / "run", model=RIGHT, progress=False)
    assert (metrics["n"], metrics["accuracy"]) == (5, 1)
    assert {file.name for file in (tmp_path / "run").iterdir()} == {
        "spec.json", "predictions.parquet", "scores.parquet", "metrics.json", "provenance.json", "sees.json",
        "status.json", "README.md",
    }  # fmt: skip
    spec = store.read_json(tmp_path / "run" / "spec.json")
    assert spec["model"] == {"name": "fake", "adapter": None}
    assert spec["data"] == {
        "name": "nine", "split": "test", "fingerprint": Dataset.open(data).fingerprint("test"), "limit": None,
        "clustering": "group", "labels": [],
    }  # fmt: skip
    told = store.read_json(tmp_path / "run" / "provenance.json")
    assert told["data"] == str(data) and told["adapter"] is None and told["parent"] is None
    assert Status.read(tmp_path / "run").state == "done"
    assert told["device"] == used_device("auto")
    assert told["versions"]["ninefold"] and set(told["seconds"]) == {"load", "predict"}


def test_a_run_says_what_was_seen_even_if_it_was_cut_short_at_the_end(data, tmp_path):
    evaluate(EvaluateSpec(FAKE, data), tmp_path, model=RIGHT, progress=False)
    whole = (tmp_path / "sees.json").read_bytes()
    seen = store.read_json(tmp_path / "sees.json")
    assert [(row["picture"], row["examples"], row["pixels"]) for row in seen["pictures"]] == [([9, 9], 5, [9, 9])]
    for name in ("sees.json", "status.json"):
        (tmp_path / name).unlink()
    evaluate(EvaluateSpec(FAKE, data), tmp_path, model=RIGHT, progress=False)
    assert (tmp_path / "sees.json").read_bytes() == whole


def test_an_adapter_that_saw_other_pictures_is_refused_before_anything_is_asked(data, tmp_path):
    store.write_json(tmp_path / "tuning" / "sees.json", {"settings": {"size": "half of it"}})
    with pytest.raises(ModelError, match='with size "half of it", and this model\'s has "as it is"'):
        evaluate(
            EvaluateSpec(ModelSpec("fake", tmp_path / "tuning"), data), tmp_path / "run", model=RIGHT, progress=False
        )
    assert not (tmp_path / "run").exists()


def test_a_finished_run_is_returned_as_it_is(data, tmp_path):
    evaluate(EvaluateSpec(FAKE, data), tmp_path, model=RIGHT, progress=False)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}

    def never(example):
        raise AssertionError("asked again")

    assert evaluate(EvaluateSpec(FAKE, data), tmp_path, model=FakeModel(never), progress=False)["accuracy"] == 1
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_another_specification_is_refused(data, tmp_path):
    evaluate(EvaluateSpec(FAKE, data), tmp_path, model=RIGHT, progress=False)
    for spec, model in (
        (EvaluateSpec(FAKE, data, limit=2), RIGHT),
        (EvaluateSpec(FAKE, data, split="train"), RIGHT),
        (EvaluateSpec(FAKE, data, scoring="choice"), RIGHT),
        (EvaluateSpec(FAKE, data), FakeModel(str, adapter="tuned")),
    ):
        with pytest.raises(RunError, match="other settings"):
            evaluate(spec, tmp_path, model=model, progress=False)


def test_part_of_a_set(data, tmp_path):
    assert evaluate(EvaluateSpec(FAKE, data, limit=2), tmp_path / "2", model=RIGHT, progress=False)["n"] == 2
    assert evaluate(EvaluateSpec(FAKE, data, split="train"), tmp_path / "t", model=RIGHT, progress=False)["n"] == 4
    # A limit past the end limits nothing, and is the same run as none.
    evaluate(EvaluateSpec(FAKE, data, limit=99), tmp_path / "99", model=RIGHT, progress=False)
    assert evaluate(EvaluateSpec(FAKE, data), tmp_path / "99", model=RIGHT, progress=False)["n"] == 5


def test_a_real_architecture_is_loaded_by_its_folder(data, tiny_llava, tmp_path):
    metrics = evaluate(
        EvaluateSpec(ModelSpec(str(tiny_llava)), data, max_new_tokens=2), tmp_path / "run", progress=False
    )
    assert metrics["n"] == 5
    spec = store.read_json(tmp_path / "run" / "spec.json")
    assert spec["model"]["adapter"] is None and spec["model"]["checkpoint"]


def test_mistakes_are_told_before_anything_is_made(data, tmp_path):
    with pytest.raises(DataError, match="--limit 0"):
        evaluate(EvaluateSpec(FAKE, data, limit=0), tmp_path / "run", model=RIGHT)
    with pytest.raises(DataError, match="validation"):
        evaluate(EvaluateSpec(FAKE, data, split="validation"), tmp_path / "run", model=RIGHT)
    with pytest.raises(DataError):
        evaluate(EvaluateSpec(FAKE, tmp_path), tmp_path / "run", model=RIGHT)
    assert not (tmp_path / "run").exists()


def test_a_finished_run_is_found_without_torch_and_without_opening_its_model(data, tiny_llava, tmp_path):
    spec = EvaluateSpec(ModelSpec(str(tiny_llava)), data, max_new_tokens=2)
    metrics = evaluate(spec, tmp_path / "run", progress=False)
    assert store.read_json(tmp_path / "run" / "spec.json")["id"] == resolve_id(spec)
    script = f"""
import sys
from pathlib import Path
from ninefold import cli
cli.main(["evaluate", "--model", {str(tiny_llava)!r}, "--data", {str(data)!r}, "--out", {str(tmp_path / "run")!r},
    "--max-new-tokens", "2"])
heavy = {{"torch", "transformers", "pandas", "numpy", "pyarrow", "PIL", "filelock"}} & set(sys.modules)
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"accuracy {percent(metrics['accuracy'], 1)} [" in done.stdout


def test_a_run_of_another_scorer_is_scored_again_without_its_model(data, tmp_path):
    whole = evaluate(EvaluateSpec(FAKE, data), tmp_path, model=RIGHT, progress=False)
    store.write_json(tmp_path / "metrics.json", {**whole, "scorer": SCORER_VERSION - 1, "accuracy": 0.5})

    def never(example):
        raise AssertionError("asked again")

    again = evaluate(EvaluateSpec(FAKE, data), tmp_path, model=FakeModel(never), progress=False)
    assert again == whole == store.read_json(tmp_path / "metrics.json")


def test_a_failed_run_says_why_and_goes_on(data, tmp_path):
    def broken(example):
        raise ModelError("out of luck")

    with pytest.raises(ModelError, match="out of luck"):
        evaluate(EvaluateSpec(FAKE, data), tmp_path, model=FakeModel(broken), progress=False)
    assert (Status.read(tmp_path).state, Status.read(tmp_path).reason) == ("failed", "out of luck")
    assert evaluate(EvaluateSpec(FAKE, data), tmp_path, model=RIGHT, progress=False)["accuracy"] == 1


def test_the_parent_of_a_model_can_be_named(data, tiny_llava, tmp_path):
    evaluate(EvaluateSpec(FAKE, data), tmp_path / "base", model=RIGHT, progress=False)
    base = {"name": "fake", "adapter": None}
    spec = EvaluateSpec(ModelSpec("served"), data, parent=str(tmp_path / "base"))
    evaluate(spec, tmp_path / "tuned", model=FakeModel(str, name="served"), progress=False)
    assert store.read_json(tmp_path / "tuned" / "provenance.json")["parent"] == base
    assert resolve_lineage(EvaluateSpec(ModelSpec("openai:http://a/v1#x"), data, parent="openai:http://b/v1#y")) == {
        "parent": {"name": "openai:y", "family": "endpoint", "nano": False, "model": "y", "adapter": None},
        "training": None,
    }
    named = resolve_lineage(EvaluateSpec(ModelSpec("nano-clip"), data, parent=str(tiny_llava)))["parent"]
    assert named["name"] == tiny_llava.name
    with pytest.raises(ModelError, match="leave it out"):
        resolve_lineage(EvaluateSpec(ModelSpec("nano", tmp_path), data, parent="nano"))
    with pytest.raises(ModelError, match="evaluate it, and name the run of that"):
        resolve_lineage(EvaluateSpec(ModelSpec("nano"), data, parent="openai:http://b/v1"))
