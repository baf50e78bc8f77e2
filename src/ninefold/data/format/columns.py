"""How an example becomes a row of a table, and a row an example again."""

import json
from collections.abc import Sequence
from pathlib import Path
from types import NoneType
from typing import Any, TypedDict

import pyarrow as pa

from ninefold.errors import DataError
from ninefold.types import Example


class EncodedImage(TypedDict):
    """What the image column holds, as the `datasets` library wants it."""

    bytes: bytes | None
    """The encoded picture, where it is embedded."""
    path: str | None
    """Its name, or where it lies if it is not embedded."""


CORE: dict[str, pa.DataType] = {
    "id": pa.string(),
    "image": pa.struct({"bytes": pa.binary(), "path": pa.string()}),
    "question": pa.string(),
    "prompt": pa.string(),
    "options": pa.list_(pa.string()),
    "answer": pa.string(),
    "answer_format": pa.string(),
    "group": pa.string(),
}
"""Columns that every data set has; each factor follows as a column of its own."""

FACTORS: dict[type, pa.DataType] = {str: pa.string(), bool: pa.bool_(), int: pa.int64(), float: pa.float64()}
"""The column type of a factor, by the type of its values."""


def schema_of(batch: Sequence[Example]) -> pa.Schema:
    """Return the columns that a batch of examples needs, and the features that the `datasets` library sees in them.

    Raises:
        DataError: If a factor has the name of a core column.
    """
    columns = dict(CORE)
    for name in batch[0].factors:
        if name in CORE:
            raise DataError(f"example {batch[0].id}: factor {name!r} has the name of a column that every data set has")
        kinds = {type(example.factors.get(name)) for example in batch} - {NoneType}
        columns[name] = FACTORS[float if kinds == {int, float} else kinds.pop() if len(kinds) == 1 else str]
    features = {"info": {"features": {name: _feature(kind) for name, kind in columns.items()}}}
    return pa.schema(columns, metadata={"huggingface": json.dumps(features)})


def _feature(kind: pa.DataType) -> dict[str, Any]:
    if pa.types.is_struct(kind):
        return {"mode": "RGB", "_type": "Image"}
    if pa.types.is_list(kind):
        return {"feature": _feature(kind.value_type), "_type": "List"}
    return {"dtype": {"double": "float64"}.get(str(kind), str(kind)), "_type": "Value"}


def repetitive(schema: pa.Schema) -> list[str]:
    """Return the columns worth a dictionary in parquet: all but those whose values are unique or large."""
    paths = {"options": "options.list.element"}
    return [paths.get(name, name) for name in schema.names if name not in {"id", "image", "scene"}]


def table_of(batch: Sequence[tuple[Example, EncodedImage]], schema: pa.Schema) -> pa.Table:
    """Return a batch of examples with their pictures as a table.

    Raises:
        DataError: If an example has other factors than the schema, or a factor of another type.
    """
    factors = set(schema.names) - CORE.keys()
    rows = []
    for example, picture in batch:
        if example.factors.keys() != factors:
            odd = ", ".join(sorted(example.factors.keys() ^ factors))
            raise DataError(f"example {example.id}: its factors are not those of the first example ({odd})")
        core = {name: getattr(example, name) for name in CORE}
        rows.append({**core, "image": picture, **example.factors})
    try:
        return pa.Table.from_pylist(rows, schema=schema)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        ids = f"{batch[0][0].id} to {batch[-1][0].id}"
        raise DataError(f"examples {ids}: a factor is not of the same type in every row ({error})") from error


def example_of(row: dict[str, Any]) -> Example:
    """Return the example that a row of a table holds; its picture comes as bytes where it is embedded."""
    core = {name: row[name] for name in CORE}
    image = core["image"]
    core["image"] = Path(image["path"]) if image["bytes"] is None else image["bytes"]
    core["options"] = tuple(core["options"])
    return Example(**core, factors={name: value for name, value in row.items() if name not in CORE})
