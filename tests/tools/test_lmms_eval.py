"""lmms-eval 0.7.3 itself: our models through its entry point, our tasks in it, the same figures as ours."""

import pytest
import tools

import ninefold
from ninefold import EvaluateSpec, ExportSpec, ModelSpec, SyntheticSpec, TrainSpec
from ninefold.runs.tables import read_predictions

MODELS = ("nano", "nano-clip", "nano-llava-next", "nano-llava-onevision", "nano-molmo", "nano-qwen2-vl")

SCRIPT = """
import json, sys
from lmms_eval.evaluator import simple_evaluate
from lmms_eval.tasks import TaskManager
folder, task, *models = sys.argv[1:]
manager = TaskManager(include_path=[folder], model_name="ninefold")
found = {}
for model in models:
    run = simple_evaluate(model="ninefold", model_args=model, tasks=[task], task_manager=manager, device="cpu")
    rows = sorted(run["samples"][task], key=lambda row: row["doc_id"])
    found[model] = [run["results"][task]["accuracy,none"], [row["filtered_resps"][0] for row in rows]]
run = simple_evaluate(
    model="ninefold", model_args=models[0], tasks=["ranked"], task_manager=manager, device="cpu", force_simple=True
)
found["ranked"] = run["results"]["ranked"]["acc,none"]
print(json.dumps(found))
"""

RANKED = """
task: ranked
dataset_path: parquet
dataset_kwargs: {data_files: {train: train.parquet}}
test_split: train
output_type: multiple_choice
doc_to_visual: !function utils.doc_to_visual
doc_to_text: !function utils.doc_to_text
doc_to_choice: options
doc_to_target: answer
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    tools.python_of("lmms-eval")
    return tmp_path_factory.mktemp("lmms")


def test_every_family_and_an_adapter_answer_in_lmms_eval_as_they_do_here(folder):
    data = ninefold.make(SyntheticSpec(split="train", canvas=224, subset=18), folder / "data")
    ninefold.export(ExportSpec(data, "lmms-eval", split="train"), folder / "task")
    (folder / "task" / "ranked.yaml").write_text(RANKED)
    ninefold.train(TrainSpec("nano", (data.folder,), limit=18, epochs=2, learning_rate=5e-3), folder / "tuning")
    models = {f"pretrained={name}": ModelSpec(name) for name in MODELS}
    models[f"pretrained=nano,adapter={folder / 'tuning'}"] = ModelSpec("nano", adapter=folder / "tuning")
    found = tools.run("lmms-eval", SCRIPT, folder / "task", "ninefold_data_train", *models, cwd=folder)
    for at, (arguments, spec) in enumerate(models.items()):
        run = folder / f"run-{at}"
        metrics = ninefold.evaluate(EvaluateSpec(spec, data, split="train"), run)
        accuracy, texts = found[arguments]
        assert texts == [text.strip() for text in read_predictions(run)["text"]], arguments
        assert accuracy == pytest.approx(metrics["accuracy"]), arguments
    assert found[arguments] != found["pretrained=nano"]
    ranked = ninefold.evaluate(
        EvaluateSpec(ModelSpec("nano"), data, split="train", scoring="choice"), folder / "ranked"
    )
    assert found["ranked"] == pytest.approx(ranked["accuracy"])
