"""Ask a model every question and keep its words; whatever interrupts this, it goes on from what is on disk.

Predictions are appended to ``predictions.jsonl`` in chunks of a fixed size. A torn chunk is asked again as a whole:
what is asked together decides a model's batches, and with them the last bits of its numbers. When all is answered the
file becomes ``predictions.parquet``, which holds the questions too, so that scoring needs neither data set nor model.
"""

import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ninefold import store
from ninefold.data.format.columns import CORE_COLUMNS
from ninefold.errors import DataError, RunError
from ninefold.models.protocol import Model
from ninefold.types import Example, Prediction

ASKED = ("question", "prompt", "options", "answer", "answer_format", "group")
"""What a table of predictions keeps of every example, beside its factors."""

COLUMNS: dict[str, pa.DataType] = {
    "id": pa.string(),
    "text": pa.string(),
    "truncated": pa.bool_(),
    "scores": pa.list_(pa.float64()),
    **{name: CORE_COLUMNS[name] for name in ASKED},
}
"""Columns of every table of predictions; each factor follows as a column of its own."""

RESERVED = COLUMNS.keys() | {"kind", "label", "correct"}
"""Names that no factor can have, as tables of predictions and scores use them."""


def predict(
    model: Model,
    examples: Iterable[Example],
    out: Path,
    *,
    spec: Mapping[str, object],
    max_new_tokens: int = 15,
    scoring: Literal["generate", "choice"] = "generate",
    total: int | None = None,
    chunk: int = 256,
    progress: bool = True,
) -> None:
    """Begin or continue a run folder until ``predictions.parquet`` is there, in the order of the examples.

    Args:
        model: Who answers.
        examples: What is asked; the same at every call with the same specification.
        out: The run folder.
        spec: All that changes the outcome.
        max_new_tokens: Tokens after which a written answer is cut.
        scoring: Whether the model writes, or the option it finds likeliest is its answer.
        total: How many examples there are, for the time left.
        chunk: How many are asked and saved together.
        progress: Whether to show a bar on standard error.

    Raises:
        RunError: If the folder belongs to another specification, or holds answers to other examples.
        DataError: If there are no examples, or a factor has the name of a column of its own.
    """
    store.open_run(out, spec)
    path = out / "predictions.jsonl"
    if not (out / "predictions.parquet").exists():
        done = _recover(path, chunk)
        asked = 0
        with path.open("ab") as file, _bar(progress) as bar:
            task = bar.add_task("predict", total=total, completed=len(done))
            for block in _chunks(examples, chunk):
                known, asked = done[asked : asked + len(block)], asked + len(block)
                if known:
                    _check_same(known, block, path)
                    continue
                answers = _answers(model, block, max_new_tokens, scoring)
                file.write("".join(map(_line, block, answers)).encode())
                file.flush()
                os.fsync(file.fileno())
                bar.update(task, advance=len(block))
        if not asked:
            raise DataError(f"{out}: no examples to predict")
        _finish(path, out / "predictions.parquet")
    path.unlink(missing_ok=True)


def _answers(
    model: Model, examples: Sequence[Example], max_new_tokens: int, scoring: Literal["generate", "choice"]
) -> list[Prediction]:
    if scoring == "generate":
        return model.predict(examples, max_new_tokens=max_new_tokens)
    for example in examples:
        if not example.options:
            raise DataError(f"example {example.id}: has no options to choose from; use --scoring generate")
    return [
        Prediction(example.id, example.options[scores.index(max(scores))], scores=scores)
        for example, scores in zip(examples, model.choice_scores(examples), strict=True)
    ]


def _line(example: Example, prediction: Prediction) -> str:
    assert prediction.id == example.id, f"{prediction.id} answers {example.id}"
    taken = sorted(RESERVED & example.factors.keys())
    if taken:
        raise DataError(f"example {example.id}: factor {taken[0]!r} has the name of a column of every prediction")
    row = asdict(prediction) | {name: getattr(example, name) for name in ASKED} | dict(example.factors)
    return json.dumps(row) + "\n"


def _recover(path: Path, chunk: int) -> list[str]:
    """Cut a file back to its whole chunks, and return the ids they answer."""
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    ids: list[str] = []
    for line in lines:
        try:
            ids.append(json.loads(line if line.endswith(b"\n") else b"")["id"])
        except (ValueError, KeyError, TypeError):  # torn, or not JSON of ours
            break
    whole = len(ids) - len(ids) % chunk
    if lines:
        os.truncate(path, sum(map(len, lines[:whole])))
    return ids[:whole]


def _check_same(known: Sequence[str], examples: Sequence[Example], path: Path) -> None:
    for found, example in zip(known, examples, strict=True):
        if found != example.id:
            raise RunError(f"{path}: answers example {found} where the data set has {example.id}; delete the folder")


def _chunks(examples: Iterable[Example], size: int) -> Iterator[list[Example]]:
    iterator = iter(examples)
    while block := list(islice(iterator, size)):
        yield block


def _finish(lines: Path, table: Path) -> None:
    with lines.open(encoding="utf-8") as file:
        rows: list[dict[str, Any]] = [json.loads(line) for line in file]
    names = [*COLUMNS, *(name for name in rows[0] if name not in COLUMNS)]
    columns = {name: pa.array([row.get(name) for row in rows], COLUMNS.get(name)) for name in names}
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    store.write_bytes(table, buffer.getvalue())


def _bar(shown: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not shown,
    )
