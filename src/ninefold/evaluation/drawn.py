"""The caveat about nano models, which can read drawn pictures only; known from the rows, before or after answering."""

from collections.abc import Iterable, Mapping
from itertools import product
from typing import TYPE_CHECKING

from ninefold.scenes.vocabulary import COLORS, SHAPES

if TYPE_CHECKING:
    from ninefold.data.format.dataset import Dataset

NOT_DRAWN = "This accuracy means nothing: nano models can read only drawn pictures, which these are not."
"""The caveat about a nano model on photos."""

NAMING = ("category", "subject", "object")
"""Columns that name the things that a question is about."""

_DRAWN = {" ".join(kind) for kind in product(COLORS, SHAPES)}


def is_drawn(columns: Iterable[str], named: Mapping[str, Iterable[str]]) -> bool:
    """Whether all pictures are drawn: rendered from scenes, or asked about colored shapes only.

    Args:
        columns: Names of the columns of the examples.
        named: Values of those that are among `NAMING`.
    """
    return "scene" in set(columns) or (bool(named) and all(_DRAWN.issuperset(values) for values in named.values()))


def holds_drawn(data: "Dataset", split: str) -> bool:
    """Whether all pictures of a split are drawn, from the columns that tell."""
    import pyarrow.parquet as pq

    files = data.shards(split)
    columns = pq.read_schema(files[0]).names
    named: dict[str, set[str]] = {name: set() for name in NAMING if name in columns}
    for file in files:
        read = pq.read_table(file, columns=list(named))
        for name, values in named.items():
            values.update(read[name].unique().to_pylist())
    return is_drawn(columns, named)
