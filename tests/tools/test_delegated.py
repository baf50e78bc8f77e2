"""Benchmarks that lmms-eval runs, on stand-ins in their official form: its figures, ours beside them, and resuming."""

import json
from functools import partial
from pathlib import Path

import pytest
import stand_ins
import tools

import ninefold
from ninefold import EvaluateSpec, ModelSpec, plugins
from ninefold.errors import DesignError, RunError
from ninefold.models.registry import REGISTERED

SCRIPTED = '''
"""A scripted model, which also notes how many questions it is asked."""
from pathlib import Path
from ninefold import Model, Prediction, register_model

class Scripted(Model):
    name = "scripted"

    def predict(self, examples, *, max_new_tokens=15):
        with (Path(__file__).parent / "asked.txt").open("a") as file:
            file.write(f"{len(examples)}\\n")
        return [Prediction(example.id, answer(example.prompt)) for example in examples]

    def choice_scores(self, examples):
        return [(0.0,) * len(example.options) for example in examples]

    def image_input(self, example):
        return None

def answer(prompt):
    if "a cat" in prompt:
        return "It is the second one."
    if "several options" in prompt:
        return "left"
    return "stop" if "what does it say" in prompt.lower() else "Yes"

register_model("scripted", lambda spec: Scripted())
'''


@pytest.fixture(scope="module")
def evaluate(tmp_path_factory):
    python = tools.python_of("lmms-eval")
    folder = tmp_path_factory.mktemp("delegated")
    (folder / "one_answer.py").write_text(SCRIPTED)
    plugins.load_plugin(folder / "one_answer.py")
    for make in (stand_ins.mme, stand_ins.hallusion, stand_ins.mmmu, stand_ins.mmbench, stand_ins.textvqa):
        make(folder / "hub")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**tools.OFFLINE, "HF_HOME": str(folder / "cache")}.items():
            patch.setenv(name, value)
        yield partial(run, python, folder)
    REGISTERED.pop("scripted")
    plugins.LOADED.remove((folder / "one_answer.py").resolve())


def run(python: Path, folder: Path, task: str, **changed: object) -> dict:
    spec = EvaluateSpec(
        ModelSpec("scripted"), benchmark=f"lmms:{task}", benchmark_dir=folder / "hub", lmms_python=python, **changed
    )
    return ninefold.evaluate(spec, folder / task)["benchmark"]


def values(figures: dict) -> dict:
    return {name: measure["value"] for name, measure in figures["measures"].items()}


def test_mme_counts_points_of_questions_and_of_images(evaluate):
    with pytest.raises(DesignError, match="two questions about each image"):
        evaluate("mme", limit=3)
    found = evaluate("mme")
    # Always yes is right in one question of each image: 50 points of 200, in two and in one category.
    assert values(found) == {"perception": 100, "cognition": 50}
    assert found["by"]["category"]["position"]["points"] == {"n": 2, "value": 50, "ci95": None, "most": 200}
    assert found["conditions"]["kit_version"] == "0.7.3"
    assert found["conditions"]["data_revision"].startswith("files ")
    assert found["conditions"]["unread"] == 0


def test_hallusionbench_is_scored_from_the_answers_without_a_judge(evaluate):
    assert values(evaluate("hallusion_bench_image")) == {"aAcc": 0.5, "fAcc": 0, "qAcc": 0}


def test_guesses_of_the_kit_are_told_apart(evaluate):
    found = evaluate("mmmu_val")
    # Nothing can be read from three answers, of which the kit guesses one letter each.
    assert found["conditions"]["unread"] == 0.75
    assert found["conditions"]["several_images"] == 1
    assert values(found)["accuracy_without_guesses"] == 0
    assert values(found)["accuracy"] in {0, 0.25, 0.5, 0.75}


def test_the_others_have_the_kits_figures(evaluate):
    assert values(evaluate("mmbench_en_dev_static")) == {"accuracy": 1, "accuracy_read": 1}
    assert values(evaluate("textvqa_val")) == {"accuracy": pytest.approx((0.6 + 1) / 2)}


def test_a_finished_run_is_left_and_an_interrupted_one_asks_nothing_again(evaluate, tmp_path_factory):
    first = evaluate("mme")
    folder = next(tmp_path_factory.getbasetemp().glob("delegated*"))
    asked = (folder / "asked.txt").read_text()
    assert evaluate("mme") == first
    status = folder / "mme" / "status.json"
    status.write_text(json.dumps({**json.loads(status.read_text()), "state": "running"}))
    (folder / "mme" / "predictions.parquet").unlink()
    assert evaluate("mme") == first
    assert (folder / "asked.txt").read_text() == asked


def test_what_is_missing_is_said_in_one_line(evaluate):
    with pytest.raises(RunError, match=r"lmms-eval 0.7.3: Tasks not found: no_such_task.*--benchmark-dir"):
        evaluate("no_such_task")
    with pytest.raises(DesignError, match="--scoring: lmms-eval's task mme decides that"):
        evaluate("mme", scoring="choice")
