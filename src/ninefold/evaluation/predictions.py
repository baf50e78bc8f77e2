"""The table of a run's predictions, ``predictions.parquet``: its columns, and its writer."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ninefold import store
from ninefold.data.format.columns import CORE_COLUMNS
from ninefold.runs import layout

ASKED = ("question", "prompt", "options", "answer", "answer_format", "group")
"""Fields of an example in the table, besides its factors."""

COLUMNS: dict[str, pa.DataType] = {
    "id": pa.string(),
    "text": pa.string(),
    "truncated": pa.bool_(),
    "scores": pa.list_(pa.float64()),
    **{name: CORE_COLUMNS[name] for name in ASKED},
}
"""Columns of every table; each factor follows as a column of its own."""

REFUSED = "refused"
"""The column of reasons why there is no answer; only in tables that hold such a row."""

RESERVED = COLUMNS.keys() | {REFUSED, "kind", "label", "correct"}
"""Column names of predictions and scores, which no factor may have."""


def are_written(run: Path) -> bool:
    """Return whether a run's table of predictions exists."""
    return (run / layout.PREDICTIONS).exists()


def write(run: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the table of a run, one row per example, in the order given."""
    names = [*COLUMNS, *(name for name in rows[0] if name not in COLUMNS and name != REFUSED)]
    columns = {name: pa.array([row.get(name) for row in rows], COLUMNS.get(name)) for name in names}
    if any(REFUSED in row for row in rows):
        columns[REFUSED] = pa.array([row.get(REFUSED) for row in rows], pa.string())
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    store.write_bytes(run / layout.PREDICTIONS, buffer.getvalue())
