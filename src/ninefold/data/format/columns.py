"""The conversion between examples and rows of a parquet file."""

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import NoneType
from typing import Any, TypedDict

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ninefold.errors import DataError, first_line
from ninefold.types import NO_IMAGE, Example


class EncodedImage(TypedDict):
    """A value of the image column, in the form that the `datasets` library expects."""

    bytes: bytes | None
    """The encoded image, if it is embedded."""
    path: str | None
    """Its file name, or its absolute path if it is not embedded."""


CORE_COLUMNS: dict[str, pa.DataType] = {
    "id": pa.string(),
    "image": pa.struct({"bytes": pa.binary(), "path": pa.string()}),
    "question": pa.string(),
    "prompt": pa.string(),
    "options": pa.list_(pa.string()),
    "answer": pa.string(),
    "answer_format": pa.string(),
    "group": pa.string(),
}
"""Columns of every data set; each factor follows as a column of its own."""

FACTOR_TYPES: dict[type, pa.DataType] = {str: pa.string(), bool: pa.bool_(), int: pa.int64(), float: pa.float64()}
"""The column type of a factor, by the type of its values."""


def schema_of(batch: Sequence[Example]) -> pa.Schema:
    """Return the schema of a batch of examples, with the features that the `datasets` library reads from it.

    Raises:
        DataError: If a factor has the name of a core column.
    """
    columns = dict(CORE_COLUMNS)
    for name in batch[0].factors:
        if name in CORE_COLUMNS:
            raise DataError(
                f"example {batch[0].id}: factor {name!r} has the name of a column that every data set has; rename it"
            )
        kinds = {type(example.factors.get(name)) for example in batch} - {NoneType}
        columns[name] = FACTOR_TYPES[float if kinds == {int, float} else kinds.pop() if len(kinds) == 1 else str]
    features = {"info": {"features": {name: _feature(kind) for name, kind in columns.items()}}}
    return pa.schema(columns, metadata={"huggingface": json.dumps(features)})


def _feature(kind: pa.DataType) -> dict[str, Any]:
    if pa.types.is_struct(kind):
        return {"mode": "RGB", "_type": "Image"}
    if pa.types.is_list(kind):
        return {"feature": _feature(kind.value_type), "_type": "List"}
    return {"dtype": value_type(kind), "_type": "Value"}


def value_type(kind: pa.DataType) -> str:
    """Return the name in the `datasets` library of a column type that is neither an image nor a list."""
    return "float64" if kind == pa.float64() else str(kind)


def repetitive(schema: pa.Schema) -> list[str]:
    """Return the columns to dictionary-encode in parquet: all except those with unique or large values."""
    paths = {"options": "options.list.element"}
    return [paths.get(name, name) for name in schema.names if name not in {"id", "image", "scene"}]


def table_of(
    examples: Sequence[Example], schema: pa.Schema, images: Sequence[EncodedImage | None] | None = None
) -> pa.Table:
    """Return examples as a table; without ``images``, it lacks the image column.

    Raises:
        DataError: If an example has other factors than the schema, or a factor of another type.
    """
    if images is None:
        images = [None] * len(examples)
        schema = schema.remove(schema.get_field_index("image"))
    factors = set(schema.names) - CORE_COLUMNS.keys()
    rows = []
    for example, image in zip(examples, images, strict=True):
        if example.factors.keys() != factors:
            odd = ", ".join(sorted(example.factors.keys() ^ factors))
            raise DataError(f"example {example.id}: its factors are not those of the first example ({odd})")
        core = {name: getattr(example, name) for name in CORE_COLUMNS}
        rows.append({**core, "image": image, **example.factors})
    try:
        return pa.Table.from_pylist(rows, schema=schema)
    except UnicodeEncodeError as error:
        odd = next(each.id for each in examples if not _is_unicode(each))
        raise DataError(f"example {odd}: a text holds half of a character (a surrogate), as no file can") from error
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        ids = f"{examples[0].id} to {examples[-1].id}"
        raise DataError(f"examples {ids}: a factor is not of the same type in every row ({error})") from error


def _is_unicode(example: Example) -> bool:
    """Whether all texts of an example can be written to a file."""
    try:
        texts = (example.id, example.question, example.prompt, *example.options, example.answer, example.group)
        "".join((*texts, *(value for value in example.factors.values() if isinstance(value, str)))).encode()
    except UnicodeEncodeError:
        return False
    return True


def example_of(row: dict[str, Any], image: Callable[[bytes | Path], bytes | Path] = lambda image: image) -> Example:
    """Return the example of a row; its image is bytes if embedded, otherwise a path, or `NO_IMAGE`.

    Args:
        row: The values of a row by column.
        image: A function of the image, whose result the example holds.

    Raises:
        DataError: If the value of its image is no image.
    """
    core = {name: row[name] for name in CORE_COLUMNS}
    core["image"] = image(encoded(core["image"], f"row {row['id']}"))
    core["options"] = tuple(core["options"])
    return Example(**core, factors={name: value for name, value in row.items() if name not in CORE_COLUMNS})


def encoded(image: EncodedImage | None, name: str) -> bytes | Path:
    """Return the image of a row: bytes if embedded, otherwise a path; `NO_IMAGE` of a row without one.

    Raises:
        DataError: If the value is neither; the message begins with ``name``.
    """
    if image is None:
        return NO_IMAGE
    if image["bytes"]:
        return image["bytes"]
    if not image["path"]:
        raise DataError(f"{name}: has no image; make the data set again")
    return Path(image["path"])


def check_values(batch: pa.RecordBatch, path: Path) -> None:
    """Check that the columns that every data set has hold a value in each row.

    Raises:
        DataError: If one does not; the message names file, row and column.
    """
    for name in CORE_COLUMNS.keys() & set(batch.schema.names):
        column = batch[name]
        empty = column.is_null()
        if pa.types.is_list(column.type) and column.flatten().null_count:
            empty = pa.array([row is None or None in row for row in column.to_pylist()])
        if pc.any(empty).as_py():
            at = pc.index(empty, True).as_py()
            raise DataError(f"{path}: row {batch['id'][at]}: column {name}: has no value; make the data set again")


def check_type(field: pa.Field, path: Path) -> None:
    """Check that a column is of a type that data sets have.

    Raises:
        DataError: If it is not; the message names file and column.
    """
    expected = CORE_COLUMNS.get(field.name)
    if not (_same(field.type, expected) if expected else field.type in FACTOR_TYPES.values()):
        raise DataError(
            f"{path}: column {field.name}: of type {field.type}, which is never written; make the data set again"
        )


def _same(kind: pa.DataType, expected: pa.DataType) -> bool:
    """Return whether two types are the same; the name of a list's element, which parquet changes, does not count."""
    if pa.types.is_list(kind) and pa.types.is_list(expected):
        return bool(kind.value_type == expected.value_type)
    return bool(kind == expected)


@contextmanager
def opened(path: Path, needs: Collection[str] = ()) -> Iterator[pq.ParquetFile]:
    """Open a parquet file of a data set, and check that it has the needed columns.

    Raises:
        DataError: If it is missing, lacks a column, or is broken, even if that is found only while reading.
    """
    # Opening a pipe would wait for ever.
    if path.exists() and not path.is_file():
        raise DataError(f"{path}: is no file; make the data set again")
    try:
        with pq.ParquetFile(path) as file:
            found = file.schema_arrow
            missing = set(needs).difference(found.names)
            if missing:
                raise DataError(f"{path}: column missing: {', '.join(sorted(missing))}; make the data set again")
            for field in found if needs else ():
                check_type(field, path)
            yield file
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not readable as parquet ({first_line(error)}); make the data set again") from error
