"""Evaluation inside lmms-eval, run by an interpreter that has it: with its Hugging Face LLaVA, or with our plug-in.

`evaluation.py --peer-python` starts it. Each question answers the rows from a first to a last one; the seconds are
those of `generate_until`. The task is made on the spot as lmms-eval wants it; the model class, its collation and its
generation do the rest: lmms-eval's own at the only batch size that it knows, which is 1, ours by number of tokens.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import workers

TASK = """\
task: ninefold_rows
dataset_path: {data}
test_split: {split}
output_type: generate_until
doc_to_visual: !function utils.image
doc_to_text: !function utils.text
doc_to_target: answer
process_results: !function utils.results
metric_list: [{{metric: read, aggregation: mean, higher_is_better: true}}]
generation_kwargs: {{max_new_tokens: {tokens}, do_sample: false, temperature: 0}}
"""

UTILS = """\
def image(row):
    return [row["image"].convert("RGB")]


def text(row, lmms_eval_specific_kwargs=None):
    return row["prompt"]


def results(row, found):
    return {"read": 1.0}
"""


def make(
    *, model: str, dtype: str, data: str, tokens: int, limit: int, plug_in: bool = False
) -> Callable[..., dict[str, Any]]:
    """Return a function that answers rows, with the seconds that it took."""
    from lmms_eval.models import get_model
    from lmms_eval.tasks import TaskManager, get_task_dict

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "rows.yaml").write_text(TASK.format(data=data, split="test", tokens=tokens))
        (Path(folder) / "utils.py").write_text(UTILS)
        manager = TaskManager("ERROR", include_path=folder, include_defaults=False)
        task = get_task_dict(["ninefold_rows"], manager)["ninefold_rows"]
    # By its name, as on lmms-eval's command line: this process imports nothing of ninefold itself.
    name, own = ("ninefold", {}) if plug_in else ("llava_hf", {"device_map": "cpu", "batch_size": 1})
    runner = get_model(name, force_simple=True)(pretrained=model, device="cpu", dtype=dtype, **own)
    runner.task_dict["ninefold_rows"] = task.dataset
    task.build_all_requests(limit=limit, rank=0, world_size=1)

    def span(first: int, last: int) -> dict[str, Any]:
        begun = time.perf_counter()
        texts = runner.generate_until(task.instances[first:last])
        return {"seconds": time.perf_counter() - begun, "texts": texts}

    return span


if __name__ == "__main__":
    workers.serve(make)
