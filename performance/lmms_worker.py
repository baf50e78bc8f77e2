"""lmms-eval's Hugging Face LLaVA on rows of a data set, run by an interpreter that has lmms-eval.

`performance/evaluation.py --peer-python` starts it. Each line it reads, a first and a last row, it answers with one
line of JSON: the seconds of `generate_until` for these rows, their texts, and the most memory in MB so far. The task is
made on the spot as lmms-eval wants it; its own model class, collation and generation do the rest, at the only batch
size that the class knows, which is 1.
"""

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

TASK = """\
task: ninefold_rows
dataset_path: {data}
test_split: {split}
output_type: generate_until
doc_to_visual: !function utils.picture
doc_to_text: !function utils.text
doc_to_target: answer
process_results: !function utils.results
metric_list: [{{metric: read, aggregation: mean, higher_is_better: true}}]
generation_kwargs: {{max_new_tokens: {tokens}, do_sample: false, temperature: 0}}
"""

UTILS = """\
def picture(row):
    return [row["image"].convert("RGB")]


def text(row, lmms_eval_specific_kwargs=None):
    return row["prompt"]


def results(row, found):
    return {"read": 1.0}
"""


def main() -> None:
    """Answer the lines of standard input."""
    model, dtype, data, split, tokens, limit = sys.argv[1:]
    told, sys.stdout = sys.stdout, sys.stderr

    from lmms_eval.models.simple.llava_hf import LlavaHf
    from lmms_eval.tasks import TaskManager, get_task_dict

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "rows.yaml").write_text(TASK.format(data=data, split=split, tokens=tokens))
        (Path(folder) / "utils.py").write_text(UTILS)
        manager = TaskManager("ERROR", include_path=folder, include_defaults=False)
        task = get_task_dict(["ninefold_rows"], manager)["ninefold_rows"]
    runner = LlavaHf(pretrained=model, device="cpu", device_map="cpu", dtype=dtype, batch_size=1)
    runner.task_dict["ninefold_rows"] = task.dataset
    task.build_all_requests(limit=int(limit), rank=0, world_size=1)
    print("ready", file=told, flush=True)
    for line in sys.stdin:
        first, last = map(int, line.split())
        begun = time.perf_counter()
        texts = runner.generate_until(task.instances[first:last])
        seconds = time.perf_counter() - begun
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
        print(json.dumps({"seconds": seconds, "texts": texts, "peak": peak}), file=told, flush=True)


if __name__ == "__main__":
    main()
