"""VLMEvalKit: a TSV file of multiple-choice questions a split, with images in base64."""

import csv
import hashlib
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from itertools import count
from string import ascii_uppercase

import pyarrow.compute as pc
import xxhash

from ninefold.data.export.protocol import Exporter, Usage
from ninefold.data.export.rows import Rows
from ninefold.data.format.columns import opened
from ninefold.data.format.dataset import Dataset
from ninefold.questions.catalog import find_format
from ninefold.types import Example

_COLUMNS = ("index", "id", "image", "question", "answer", "category", "l2-category", "split")
"""Columns besides those of the options."""

_SPECIAL = re.compile(r"mmbench|ccbench|circular|mmcr|mmmu|mmt|mmsci|mmvp|aesbench|visonlyqa", re.IGNORECASE)
"""Parts of names for which the kit has rules of its own."""

_MISSING = {"", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A"}
_MISSING |= {"NA", "NULL", "NaN", "None", "n/a", "nan", "null"}
"""Texts that pandas, with which the kit reads the file, takes for no value."""


class VlmEvalKit(Exporter):
    """A file for VLMEvalKit's folder ``$LMUData``, which it opens as a multiple-choice set of its own (custom MCQ)."""

    name = "vlmevalkit"
    title = "VLMEvalKit (commit e8e78f0)"
    files = r"ninefold_\w+\.tsv"

    def unfit(self, example: Example) -> str | None:
        """Return the reason why the kit cannot ask an example; None if it can."""
        if not 2 <= len(example.options) <= len(ascii_uppercase):
            return "no options, or more than there are letters"
        if _MISSING & {*example.options, example.question}:
            return "a question or an option that the kit reads as a missing value"
        return None if _truth(example) in example.options else "an answer that is none of the options"

    def write(self, rows: Rows) -> Usage:
        """Write the file of each split: the question, options A, B ... in the order of the prompt, and the letter."""
        sums = {}
        for split in rows.splits:
            name = data_name(rows.data.name, split)
            path = rows.folder / f"{name}.tsv"
            letters = ascii_uppercase[: _most_options(rows.data, split)]
            with path.open("w", encoding="utf-8", newline="") as file:
                table = csv.DictWriter(file, [*_COLUMNS, *letters], delimiter="\t", lineterminator="\n")
                table.writeheader()
                table.writerows(_rows(rows, split))
            with path.open("rb") as written:
                sums[name] = hashlib.file_digest(written, "md5").hexdigest()
        listed = "\n".join(f"| `{name}` | `{name}.tsv` | {md5} |" for name, md5 in sums.items())
        return Usage(_USAGE.format(listed=listed, name=list(sums)[-1]))


def data_name(data: str, split: str) -> str:
    """Return the kit's name of a split; one that the kit has rules of its own for is replaced by a part of its hash."""
    name = re.sub(r"\W+", "_", data, flags=re.ASCII).strip("_") or "data"
    if _SPECIAL.search(name):
        name = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"ninefold_{name}_{split}"


def _most_options(data: Dataset, split: str) -> int:
    """Return the largest number of options of a row."""
    most = 0
    for shard in data.shards(split):
        with opened(shard, {"options"}) as file:
            for batch in file.iter_batches(columns=["options"]):
                most = max(most, pc.max(pc.list_value_length(batch.column(0))).as_py() or 0)
    return most


def _rows(rows: Rows, split: str) -> Iterator[Mapping[str, object]]:
    numbers = count()
    first: dict[int, int] = {}
    for conversation in rows.conversations(split):
        (example,) = conversation.examples
        number, content = next(numbers), conversation.image.content
        # The kit takes the number of another row for the image of that row.
        shared = first.setdefault(xxhash.xxh3_128_intdigest(content), number)
        options = dict(zip(ascii_uppercase, example.options, strict=False))
        truth = _truth(example)
        yield {
            "index": number,
            "id": example.id,
            "image": b64encode(content).decode() if shared == number else str(shared),
            "question": example.question,
            "answer": next(letter for letter, option in options.items() if option == truth),
            "category": str(example.factors.get("region") or example.factors.get("relation") or example.answer),
            "l2-category": example.answer_format,
            "split": split,
            **options,
        }


def _truth(example: Example) -> str | None:
    """Return the option that is the answer of an example."""
    return find_format(example.answer_format).read(example.answer, example.options).label


_USAGE = """\
Copy the files into VLMEvalKit's folder `$LMUData` (`~/LMUData` by default). It opens each as multiple choice:

| --data | file | MD5 |
| --- | --- | --- |
{listed}

```
cp *.tsv ~/LMUData && python run.py --data {name} --model Qwen2-VL-7B-Instruct
```

The kit asks with a prompt of its own: the question, then `Options:` with A, B and so on in the order of the data set's
prompt. Without a judge it reads answers by exact matching, and counts what it cannot read as wrong. Columns `category`
and `l2-category` hold the region, relation or answer, and the answer format; `id` is the row of the data set."""
