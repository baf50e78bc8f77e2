"""lmms-eval: a task a split, which scores answers exactly as `ninefold evaluate` does."""

import json
import re
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from ninefold import store
from ninefold.data.export.protocol import Exporter, Usage
from ninefold.data.export.rows import Rows
from ninefold.runs.metrics import SCORER_VERSION

_COLUMNS = {
    **dict.fromkeys(("id", "image", "question", "prompt", "answer", "answer_format", "group", "factors"), pa.string()),
    "options": pa.list_(pa.string()),
}
_ROWS = 1000
"""Number of rows that are held in memory, and written as one row group."""


class LmmsEval(Exporter):
    """A folder for lmms-eval's ``--include_path``: a YAML file and a parquet file a split, and ``utils.py``."""

    name = "lmms-eval"
    title = "lmms-eval 0.7.3"
    files = r"ninefold_\w+\.yaml|\w+\.parquet|utils\.py"

    def write(self, rows: Rows) -> Usage:
        """Write the task of each split."""
        tasks = []
        for split in rows.splits:
            task = task_name(rows.data.name, split)
            tasks.append(task)
            schema = pa.schema(_COLUMNS)
            with pq.ParquetWriter(rows.folder / f"{split}.parquet", schema) as file:
                for batch in _batches(self._rows(rows, split)):
                    file.write_table(pa.Table.from_pylist(batch, schema=schema))
            store.write_text(rows.folder / f"{task}.yaml", _YAML.format(task=task, split=split, scorer=SCORER_VERSION))
        store.write_text(rows.folder / "utils.py", _UTILS)
        return Usage(_USAGE.format(tasks=" and ".join(f"`{task}`" for task in tasks), task=tasks[-1]))

    def settings(self) -> dict[str, object]:
        """Return the version of the scorer, which the tasks state."""
        return {"scorer": SCORER_VERSION}

    def _rows(self, rows: Rows, split: str) -> Iterator[dict[str, object]]:
        labels = list(rows.data.labels)
        for conversation in rows.conversations(split):
            (example,) = conversation.examples
            yield {
                **{name: getattr(example, name) for name in _COLUMNS if name not in {"image", "options", "factors"}},
                "image": rows.image_file(conversation.image),
                "options": list(example.options) or labels,
                "factors": json.dumps(dict(example.factors), ensure_ascii=False),
            }


def task_name(data: str, split: str) -> str:
    """Return the name of a split's task: letters, digits and underscores."""
    return "_".join(["ninefold", re.sub(r"\W+", "_", data, flags=re.ASCII).strip("_") or "data", split])


def _batches(rows: Iterator[dict[str, object]]) -> Iterator[list[dict[str, object]]]:
    batch: list[dict[str, object]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _ROWS:
            yield batch
            batch = []
    if batch:
        yield batch


_YAML = """\
task: {task}
dataset_path: parquet
dataset_kwargs:
  data_files:
    {split}: {split}.parquet
test_split: {split}
output_type: generate_until
generation_kwargs:
  max_new_tokens: 15
  temperature: 0
  do_sample: false
  until: []
doc_to_visual: !function utils.doc_to_visual
doc_to_text: !function utils.doc_to_text
doc_to_target: !function utils.doc_to_target
process_results: !function utils.process_results
cluster_key: group
score_key: score
metric_list:
  - metric: accuracy
    aggregation: !function utils.mean
    higher_is_better: true
  - metric: invalid
    aggregation: !function utils.mean
    higher_is_better: false
metadata:
  version: {scorer}
"""

_UTILS = '''\
"""Hooks of the tasks in this folder for lmms-eval. Answers are read by ninefold itself, as `ninefold evaluate` does."""

from pathlib import Path

from PIL import Image

try:
    from ninefold.questions.catalog import FORMATS
    from ninefold.questions.formats.thoughts import read_spoken
except ImportError as error:
    raise ImportError("these tasks score as ninefold does: pip install --no-deps ninefold") from error

FOLDER = Path(__file__).parent


def doc_to_visual(doc):
    """Return the image of a row, in a list."""
    return [Image.open(FOLDER / doc["image"]).convert("RGB")]


def doc_to_text(doc, lmms_eval_specific_kwargs=None):
    """Return the prompt, verbatim."""
    return doc["prompt"]


def doc_to_target(doc):
    """Return the right answer."""
    return doc["answer"]


def process_results(doc, results):
    """Return whether an answer is right, and whether nothing can be read from it, with the unit of intervals."""
    format, options = FORMATS[doc["answer_format"]], tuple(doc["options"])
    said, truth = read_spoken(format, results[0], options), format.read(doc["answer"], options)
    read = {"group": doc["group"], "id": doc["id"], "kind": said.kind, "label": said.label}
    right = said.kind == "label" and said.label == truth.label
    return {"accuracy": {**read, "score": int(right)}, "invalid": {**read, "score": int(said.kind != "label")}}


def mean(results):
    """Return the mean score."""
    return sum(result["score"] for result in results) / len(results)
'''

_USAGE = """\
Tasks: {tasks}. In an environment with lmms-eval and ninefold (`pip install ninefold`):

```
lmms-eval --model ninefold --model_args pretrained=nano --tasks {task} --include_path path/to/this/folder \\
    --output_path results --log_samples
```

`--model` may be any model of lmms-eval; `pretrained` any name of `ninefold models`, a hub id or a folder, and
`adapter=RUN` adds an adapter. `accuracy` is that of `ninefold evaluate` on the same answers, `invalid` the share of
answers that hold no label. `cluster_key` is `group`, the rows whose errors go together."""
