"""The tables of an evaluation, ``predictions.parquet`` and ``scores.parquet``, read with every column checked."""

import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ninefold.errors import RunError, first_line
from ninefold.runs import layout
from ninefold.runs.found import EVALUATION, instead
from ninefold.space import GRID

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

PREDICTED = {
    **dict.fromkeys(("id", "text", "question", "prompt", "answer", "answer_format", "group"), "string"),
    **{"truncated": "bool", "options": "list<string>", "scores": "list<double>"},
}
"""Columns of every table of predictions, with their types; factors follow."""

SCORED = {
    **dict.fromkeys(("id", "group", "question", "answer", "text", "kind", "label"), "string"),
    **{"correct": "bool", "options": "list<string>"},
}
"""Columns of every score table, with their types; factors follow."""

PLACE = {"region": "string", "cell_row": "int64", "cell_col": "int64"}
"""Factors that are a place in the image where all are there, with their types; alone, each may be anything."""

ITEM = "item"
"""Where each question is asked in all orders of its options: the column of its id in the data set."""

_MAGIC = b"PAR1"
"""First and last bytes of every parquet file."""

OPTIONAL = {"scores", "label"}
"""Columns that need no value in a row."""


def read_predictions(run: Path) -> "pd.DataFrame":
    """Return a run's predictions, one row per example.

    Raises:
        RunError: If there are none, or the file is not as ninefold wrote it.
    """
    return _read(run, layout.PREDICTIONS, PREDICTED, "remove it and repeat the `ninefold evaluate` command of this run")


def read_scores(run: Path, columns: Collection[str] | None = None) -> "pd.DataFrame":
    """Return a run's score table, one row per example.

    Args:
        run: The run folder.
        columns: Names of the columns to read, which is several times faster than all; those that the table lacks are
            left out. None for all.

    Raises:
        RunError: If there is none, or the file is not as ninefold wrote it.
    """
    return _read(run, layout.SCORES, SCORED, f"make it again with `ninefold score {run}`", columns)


def has_scores(run: Path) -> bool:
    """Whether a run has a score table that is whole by its first and last bytes; nothing heavy is imported."""
    path = run / layout.SCORES
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            first = file.read(len(_MAGIC))
            file.seek(-len(_MAGIC), os.SEEK_END)
            return first == _MAGIC == file.read()
    except OSError:
        return False


def _read(
    run: Path, name: str, columns: Mapping[str, str], remedy: str, wanted: Collection[str] | None = None
) -> "pd.DataFrame":
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = run / name
    if not path.is_file():
        raise RunError(instead(run, EVALUATION, "name a folder that `ninefold evaluate` wrote"))
    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            fault = next(_faults_of_types(file.schema_arrow, columns), None)
        if fault is None:
            read = None if wanted is None else [one for one in names if one in wanted]
            table = pd.read_parquet(path, columns=read)
            fault = next(_faults_of_values(table, columns), None)
    except (pa.ArrowException, OSError, UnicodeDecodeError, ValueError) as error:
        raise RunError(f"{path}: not readable as parquet ({first_line(error)}); {remedy}") from error
    if fault is not None:
        raise RunError(f"{path}: {fault}, which is never written; {remedy}")
    return table


def _faults_of_types(schema: "pa.Schema", columns: Mapping[str, str]) -> Iterator[str]:
    missing = sorted(set(columns).difference(schema.names))
    if missing:
        yield f"without the column {missing[0]}"
    for name, expected in _typed(schema.names, columns).items():
        found = _type(schema.field(name).type)
        unknown = (found == "null" and name in OPTIONAL) or (found == "list<null>" and name == "options")
        if found != expected and not unknown:
            yield f"column {name} of type {found}"


def _typed(names: Collection[str], columns: Mapping[str, str]) -> Mapping[str, str]:
    """Return the columns of a known type."""
    if not PLACE.keys() <= set(names):
        return columns
    return {**columns, **PLACE, **({"grid": "int64"} if "grid" in names else {})}


def _type(kind: "pa.DataType") -> str:
    """Return the name of a type; 32-bit and 64-bit offsets, which libraries choose, do not count."""
    import pyarrow as pa

    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return f"list<{_type(kind.value_type)}>"
    if pa.types.is_dictionary(kind):
        return _type(kind.value_type)
    return "string" if pa.types.is_large_string(kind) else str(kind)


def _faults_of_values(table: "pd.DataFrame", columns: Mapping[str, str]) -> Iterator[str]:
    if table.empty:
        yield "without rows"
    typed = _typed(table.columns, columns)
    for name in (name for name in typed if name in table and name not in OPTIONAL):
        empty = table[name].isna().to_numpy(bool)
        if name == "options":
            empty = empty | [options is not None and None in list(options) for options in table[name]]
        if empty.any():
            yield f"column {name} without a value in row {int(empty.argmax()) + 1}"
    if "id" in table:
        twice = table["id"].duplicated()
        if twice.any():
            yield f"two rows of {table['id'][twice.to_numpy(bool)].iloc[0]}"
    for name in {"cell_row", "cell_col"} & typed.keys() & set(table):
        if not ((table[name] >= 0) & (table[name] < table.get("grid", GRID))).all():
            yield f"a value of column {name} outside the grid"
