"""The README.md of a dataset folder: a dataset card, with the metadata by which the Hugging Face Hub opens it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import pyarrow as pa

from ninefold.data.format.columns import value_type
from ninefold.types import Clustering

CORE_MEANINGS = {
    "id": "unique within this data set",
    "image": "the image, decoded as RGB",
    "question": "the question alone",
    "prompt": "the exact text a model is given: instruction, question and options",
    "options": "the answers offered, in the order of the prompt",
    "answer": "the truth",
    "answer_format": "how the text of an answer is read",
    "group": "what errs together: rows of one group stay together in splits and in intervals",
}
"""Meaning of the columns that every data set has."""

CITATION = """@article{rizzoli2025synthetic,
  title   = {From Synthetic Scenes to Real Performance: Enhancing Spatial Reasoning in VLMs},
  author  = {Rizzoli, Massimo and Alghisi, Simone and Mousavi, Seyed Mahed and Riccardi, Giuseppe},
  journal = {arXiv preprint arXiv:2511.11440},
  year    = {2025},
  url     = {https://arxiv.org/abs/2511.11440}
}"""


@dataclass(frozen=True)
class About:
    """The content of a data set's card and manifest, besides its rows."""

    title: str
    """Heading of the card."""
    description: str
    """A paragraph or more of Markdown for the card."""
    spec: Mapping[str, object]
    """Everything that determines the rows, as plain JSON values."""
    source: str = "custom"
    """Name of the source that the rows come from."""
    question: str | None = None
    """Name of the question, if all rows ask the same one."""
    labels: Sequence[str] = ()
    """All answers in canonical order; empty if each row has its own."""
    answer_format: str = "labels"
    """Name of the answer format."""
    clustering: Clustering = "group"
    """Unit of intervals: the single row of a complete design ("census"), or groups of rows with correlated errors."""
    license: str = "apache-2.0"
    """License of the images, in the Hub's spelling."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Meaning of each factor, by column, for the card."""
    skipped: Sequence[Mapping[str, Any]] = ()
    """Source rows left out: ``{"reason": str, "count": int, "names": list}`` each. Read after all rows are
    written: a source may fill the list while it streams."""
    citation: str = CITATION
    """The paper that the card cites, in BibTeX."""
    notes: Sequence[str] = ()
    """Messages for the user who makes the data set, one line each."""


def card(about: About, schema: pa.Schema, splits: Mapping[str, tuple[int, int]]) -> str:
    """Return a card.

    Args:
        about: Title, description and the rest.
        schema: Columns of the parquet files.
        splits: Rows and bytes of each split.
    """
    meanings = {**CORE_MEANINGS, **about.columns}
    columns = "\n".join(f"| `{name}` | {meanings.get(name, '')} |" for name in schema.names)
    counts = "\n".join(f"| {split} | {rows:,} |" for split, (rows, _) in splits.items())
    facts = "\n".join(f"- {what}: {value}" for what, value in _facts(about).items())
    first = next(iter(splits))
    return f"""---
{_front_matter(about, schema, splits)}
---

# {about.title}

{about.description}

{facts}

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
[`manifest.parquet`](manifest.parquet) lists a hash of the pixels and one of the text of every row; the fingerprints in
[`manifest.json`](manifest.json) follow from them: data sets with the same rows have the same fingerprints.

## Cite

```bibtex
{about.citation}
```
"""


def _facts(about: About) -> dict[str, str]:
    """Return the facts of all rows together, in words."""
    facts = {
        "source": about.source,
        "question": about.question and f"`{about.question}`",
        "answers": ", ".join(about.labels) or "each row has its own",
        "answer format": f"`{about.answer_format}`",
        "intervals": {
            "census": "rows are a complete design, each counted for itself",
            "group": "rows are a sample; those of one `group` are counted together",
        }[about.clustering],
    }
    return {what: value for what, value in facts.items() if value}


def _front_matter(about: About, schema: pa.Schema, splits: Mapping[str, tuple[int, int]]) -> str:
    """Return the YAML that tells the Hub and the `datasets` library the files and their features."""
    # Imported here: it is slow, and only writing needs it.
    from huggingface_hub import DatasetCardData

    front = DatasetCardData(
        license=about.license,
        task_categories=["visual-question-answering"],
        language=["en"],
        tags=["spatial-reasoning", "ninefold"],
        **loading(schema, splits),
    )
    return str(front)


def loading(schema: pa.Schema, splits: Mapping[str, tuple[int, int]]) -> dict[str, Any]:
    """Return the part of the front matter that decides what `datasets.load_dataset` reads from the folder."""
    files = [{"split": split, "path": f"data/{split}-*.parquet"} for split in splits]
    sizes = [{"name": split, "num_bytes": size, "num_examples": rows} for split, (rows, size) in splits.items()]
    features = [{"name": field.name, **_feature(field.type)} for field in schema]
    return {
        "configs": [{"config_name": "default", "data_files": files}],
        "dataset_info": {"features": features, "splits": sizes},
    }


def _feature(kind: pa.DataType) -> dict[str, Any]:
    if pa.types.is_struct(kind):
        return {"dtype": {"image": {"mode": "RGB"}}}
    return {"list": value_type(kind.value_type)} if pa.types.is_list(kind) else {"dtype": value_type(kind)}


def _skipped(about: About) -> str:
    if not about.skipped:
        return ""
    rows = "\n".join(f"| {row['reason']} | {row['count']:,} | {_names(row)} |" for row in about.skipped)
    return f"\nLeft out of the source:\n\n| why | how many | which |\n| --- | ---: | --- |\n{rows}\n"


def _names(row: Mapping[str, Any]) -> str:
    """Return the names of what was left out, escaped: they come from files and must not act as markup."""
    names = ", ".join(escape(name).replace("|", "&#124;") for name in row["names"])
    return names + (", ..." if len(row["names"]) < row["count"] else "")
