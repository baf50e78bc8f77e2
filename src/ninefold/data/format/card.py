"""The README.md of a dataset folder: a card for people, and what the Hugging Face Hub reads to open it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import pyarrow as pa

COLUMNS = {
    "id": "unique within this data set",
    "image": "the picture, decoded as RGB",
    "question": "the question alone",
    "prompt": "the exact text a model is given: instruction, question and options",
    "options": "the answers offered, in the order of the prompt",
    "answer": "the truth",
    "answer_format": "the kind of question, which says how an answer is read",
    "group": "what must stay together in splits and in intervals",
}
"""What the columns of every data set mean."""

CITATION = """@article{rizzoli2025synthetic,
  title   = {From Synthetic Scenes to Real Performance: Enhancing Spatial Reasoning in VLMs},
  author  = {Rizzoli, Massimo and Alghisi, Simone and Mousavi, Seyed Mahed and Riccardi, Giuseppe},
  journal = {arXiv preprint arXiv:2511.11440},
  year    = {2025},
  url     = {https://arxiv.org/abs/2511.11440}
}"""


@dataclass(frozen=True)
class About:
    """What a data set's card and manifest say of it beyond its rows."""

    title: str
    """Heading of the card."""
    description: str
    """A paragraph or more of Markdown for the card."""
    spec: Mapping[str, object]
    """All that made the rows, as plain JSON values; it becomes part of the manifest."""
    license: str = "apache-2.0"
    """License of the pictures, in the Hub's spelling."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """What each factor means, by column, for the card."""
    skipped: Sequence[Mapping[str, Any]] = ()
    """Source rows left out: ``{"reason": str, "count": int, "names": list}`` each. Read once all rows are written, so
    that a source may fill a list while it streams."""


def card(about: About, schema: pa.Schema, splits: Mapping[str, tuple[int, int]]) -> str:
    """Return a card.

    Args:
        about: Title, description and the rest.
        schema: Columns of the parquet files.
        splits: Rows and bytes of each split.
    """
    meanings = {**COLUMNS, **about.columns}
    columns = "\n".join(f"| `{name}` | {meanings.get(name, '')} |" for name in schema.names)
    counts = "\n".join(f"| {split} | {rows:,} |" for split, (rows, _) in splits.items())
    first = next(iter(splits))
    return f"""{_front_matter(about, schema, splits)}
# {about.title}

{about.description}

| split | examples |
| --- | ---: |
{counts}
{_skipped(about)}
## Load it

```python
import datasets

examples = datasets.load_dataset("path/to/this/folder", split="{first}")
print(examples[0]["prompt"], "->", examples[0]["answer"])
```

## Columns

| column | meaning |
| --- | --- |
{columns}

## What is certain about it

[`certificate.json`](certificate.json) states what is exactly balanced, what is not and by how much, and how well text
alone can do; `ninefold data verify path/to/this/folder` recomputes every fact from these files.
[`manifest.json`](manifest.json) holds a hash of the pixels and one of the text of every row: data sets with the same
rows have the same hashes.

## Cite

```bibtex
{CITATION}
```
"""


def _front_matter(about: About, schema: pa.Schema, splits: Mapping[str, tuple[int, int]]) -> str:
    files = "\n".join(f"  - split: {split}\n    path: data/{split}-*.parquet" for split in splits)
    sizes = "\n".join(
        f"  - name: {split}\n    num_bytes: {size}\n    num_examples: {rows}" for split, (rows, size) in splits.items()
    )
    features = "\n".join(_feature(field) for field in schema)
    return f"""---
license: {about.license}
task_categories:
- visual-question-answering
language:
- en
tags:
- spatial-reasoning
- ninefold
configs:
- config_name: default
  data_files:
{files}
dataset_info:
  features:
{features}
  splits:
{sizes}
---"""


def _feature(field: pa.Field) -> str:
    name = f"  - name: {field.name}\n"
    if pa.types.is_struct(field.type):
        return f"{name}    dtype:\n      image:\n        mode: RGB"
    if pa.types.is_list(field.type):
        return f"{name}    list: {field.type.value_type}"
    return f"{name}    dtype: {'float64' if field.type == pa.float64() else field.type}"


def _skipped(about: About) -> str:
    if not about.skipped:
        return ""
    rows = "\n".join(f"| {row['reason']} | {row['count']:,} | {_names(row)} |" for row in about.skipped)
    return f"\nLeft out of the source:\n\n| why | how many | which |\n| --- | ---: | --- |\n{rows}\n"


def _names(row: Mapping[str, Any]) -> str:
    """List what was left out; names come from files, so that nothing in them may count as markup."""
    names = ", ".join(escape(name).replace("|", "&#124;") for name in row["names"])
    return names + (", ..." if len(row["names"]) < row["count"] else "")
