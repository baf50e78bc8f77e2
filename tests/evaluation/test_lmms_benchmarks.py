"""Benchmarks that lmms-eval runs, as far as they need no lmms-eval: rows, figures, and what is missing in words."""

import json
import sys
from contextlib import nullcontext
from pathlib import Path

import pandas as pd
import pytest

from ninefold import EvaluateSpec, ModelSpec
from ninefold.errors import DesignError, RunError
from ninefold.evaluation.evaluate import evaluate
from ninefold.evaluation.lmms import answers, table
from ninefold.evaluation.lmms.data import revision
from ninefold.evaluation.lmms.delegate import _check_data
from ninefold.evaluation.lmms.figures import figures
from ninefold.evaluation.lmms.kit import Kit, find
from ninefold.evaluation.lmms.known import KNOWN
from ninefold.runs.tables import read_predictions


def run_of(folder: Path, task: str, results: dict) -> Path:
    (folder / "lmms").mkdir(parents=True, exist_ok=True)
    found = {"results": {task: results}, "configs": {task: {"dataset_path": "owner/name"}}, "versions": {task: 1.0}}
    (folder / "lmms" / "results.json").write_text(json.dumps(found))
    return folder


def made(folder: Path, task: str, rows: pd.DataFrame, results: dict) -> dict:
    record = {"name": f"lmms:{task}", "title": task, "task": task, "kit": "lmms-eval", "kit_version": "0.7.3"}
    scored = rows.assign(images=1, kind=rows.get("kind", "label"), id=[str(at) for at in range(len(rows))])
    return figures(scored, record, run_of(folder, task, results))


def test_mme_sums_categories_and_its_interval_counts_images(tmp_path):
    rows = pd.DataFrame(
        {
            "category": ["count"] * 6 + ["code_reasoning"] * 2,
            "group": list("aabbccdd"),
            "kit_score": [1, 1, 1, 0, 0, 0, 1, 1],
        }
    )
    found = made(tmp_path, "mme", rows, {})["measures"]
    # Images of 200, 50 and 0 points; an image of 200.
    assert found["perception"]["value"] == pytest.approx(250 / 3)
    half = 1.959964 * (pd.Series([200, 50, 0]).var() / 3) ** 0.5
    assert found["perception"]["ci95"] == pytest.approx([250 / 3 - half, 250 / 3 + half], rel=1e-5)
    assert found["cognition"] == {"n": 1, "value": 200, "ci95": None, "most": 800}


def test_answers_that_the_kit_guessed_right_are_taken_away(tmp_path):
    rows = pd.DataFrame(
        {
            "subject": ["Art"] * 4, "question_type": ["multiple-choice"] * 4, "group": list("abcd"),
            "kind": ["label", "no label", "no label", "label"], "kit_score": [1.0, 1.0, 0.0, 0.0],
            "correct": [True, False, False, False],
        }
    )  # fmt: skip
    found = made(tmp_path, "mmmu_val", rows, {"mmmu_acc,none": 0.5})
    assert {name: one["value"] for name, one in found["measures"].items()} == {
        "accuracy": 0.5,
        "accuracy_without_guesses": 0.25,
    }
    assert found["conditions"]["unread"] == 0.5


def test_any_other_task_has_the_kits_numbers(tmp_path):
    results = {"alias": "x", "acc,none": 0.5, "acc_stderr_clt,none": 0.1, "score,none": 40.0, "submission,none": []}
    found = made(tmp_path, "other", pd.DataFrame({"correct": [True, False], "group": ["a", "b"]}), results)["measures"]
    assert found["acc"]["ci95"] == pytest.approx([0.304, 0.696], abs=1e-3)
    assert found["score"] == {"n": 2, "value": 40, "ci95": None, "most": 100}
    assert set(found) == {"acc", "score"}


def test_rows_are_read_with_their_options():
    mmmu = {"id": "validation_Art_Theory_3", "question_type": "multiple-choice", "options": "['a', 'b']", "answer": "B"}
    assert KNOWN["mmmu_val"].read(mmmu)[:3] == ("b", ("a", "b"), "letters")
    assert KNOWN["mmmu_val"].read(mmmu).factors["subject"] == "Art_Theory"
    opened = {"id": "validation_Art_1", "question_type": "open", "options": "[]", "answer": "['7', 'seven']"}
    assert KNOWN["mmmu_val"].read(opened)[:3] == ("7", (), "short_text")
    mmbench = {"index": 3_000_241, "A": "x", "B": "y", "C": "nan", "answer": "B", "category": "c", "L2-category": "d"}
    assert KNOWN["mmbench_en_dev_static"].read(mmbench)[:4] == ("y", ("x", "y"), "letters", "241")


def test_a_task_that_ninefold_exported_keeps_its_rows(tmp_path):
    document = {
        "question": "Where?", "answer": "left", "options": ["left", "right"], "answer_format": "labels", "group": "g",
        "factors": '{"region": "left", "text": 1}',
    }  # fmt: skip
    answer = answers.Answered(id="own/0", prompt="Where?", images=1, text="left", truncated=False, document=document)
    (tmp_path / "lmms" / "output").mkdir(parents=True)
    answers.append(tmp_path / "lmms" / "answers.jsonl", [answer])
    (tmp_path / "lmms" / "output" / "1_samples_own.jsonl").write_text('{"doc_id": 0, "target": "left"}\n')
    table.write(tmp_path, "own")
    row = read_predictions(tmp_path).iloc[0]
    assert (row["answer"], list(row["options"]), row["group"], row["region"]) == (
        "left",
        ["left", "right"],
        "g",
        "left",
    )


def test_an_answer_to_a_row_that_has_changed_is_refused(tmp_path):
    row = {"question": "Q?", "answer": "Yes", "scores": [1.5, float("nan")], "image": object()}
    answer = answers.Answered(id="mme/0", prompt="Q?", images=1, text="", truncated=False, document=answers.flat(row))
    answers.append(tmp_path / "a.jsonl", [answer])
    (stored,) = answers.read_all(tmp_path / "a.jsonl")
    answers.check(tmp_path, stored, "mme/0", row)
    for id, document in (("mme/1", row), ("mme/0", row | {"question": "Other?"})):
        with pytest.raises(RunError, match=f"holds an answer to another row than {id}, whose data have changed"):
            answers.check(tmp_path, stored, id, document)


def test_an_environment_that_cannot_run_it_is_told_what_to_install(tmp_path):
    with pytest.raises(RunError, match=r"has no lmms-eval; install it there: .* -m pip install lmms-eval=="):
        find(Path(sys.executable))
    with pytest.raises(RunError, match="is no Python interpreter that runs"):
        find(tmp_path / "python")
    killed = r"was killed \(SIGKILL\), perhaps because memory ran out"
    for script, said in (
        ("echo '{}'", "{}"), ("echo '[1]'", r"\[1\]"), ("exit 3", "ended with code 3"),
        ("echo no >&2; exit 3", "no"), ("kill -9 $$", killed),
    ):  # fmt: skip
        (tmp_path / "odd").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "odd").chmod(0o700)
        with pytest.raises(RunError, match=rf"is no Python interpreter that runs \({said}\)"):
            find(tmp_path / "odd")
    with pytest.raises(RunError, match=f"lmms-eval 0.7.3: {killed}"):
        Kit(tmp_path / "odd", "0.7.3").run([], tmp_path, tmp_path / "log", told=print)
    failed = "Error during evaluation: RetryError[LocalTokenNotFoundError]."
    (tmp_path / "odd").write_text(f"#!/bin/sh\necho '{failed}'\nexit 1\n")
    with pytest.raises(RunError, match="hf auth login"):
        Kit(tmp_path / "odd", "0.7.3").run([], tmp_path, tmp_path / "log", told=print)
    for name in ("lmms:", "lmms:mme,mmmu", "lmms:../x"):
        with pytest.raises(DesignError, match="name one task of lmms-eval"):
            evaluate(EvaluateSpec(ModelSpec("nano"), benchmark=name, lmms_python=tmp_path / "python"), tmp_path / "run")
    spec = EvaluateSpec(ModelSpec("nano"), benchmark="lmms:mme", lmms_python=tmp_path / "python", limit=3)
    with pytest.raises(DesignError, match="MME asks two questions about each image; give an even number"):
        evaluate(spec, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_revision_of_data_is_a_hash_of_local_files(tmp_path):
    (tmp_path / "owner" / "name").mkdir(parents=True)
    (tmp_path / "owner" / "name" / "a.parquet").write_bytes(b"one")
    first = revision("owner/name", tmp_path)
    run = run_of(tmp_path / "run", "mme", {})
    told = json.loads((run / "lmms" / "results.json").read_text()) | {"data_revision": first}
    (run / "lmms" / "results.json").write_text(json.dumps(told))
    _check_data(run, "mme", tmp_path)
    (tmp_path / "owner" / "name" / "a.parquet").write_bytes(b"other")
    for folder in (tmp_path, None):
        with pytest.raises(RunError, match="is of other data than") if folder else nullcontext():
            _check_data(run, "mme", folder)
    assert first.startswith("files ")
    assert revision("owner/name", tmp_path) != first
    assert revision("owner/absent", tmp_path) is None
