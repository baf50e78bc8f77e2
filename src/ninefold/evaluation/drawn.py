"""The caveat about nano models, which can read drawn pictures only; known from the rows, before or after answering."""

from collections.abc import Iterable
from itertools import product
from typing import TYPE_CHECKING

from ninefold.scenes.vocabulary import COLORS, SHAPES

if TYPE_CHECKING:
    from ninefold.data.format.dataset import Dataset

NOT_DRAWN = "This accuracy means nothing: nano models can read only drawn pictures, which these are not."
"""The caveat about a nano model on photos."""


def is_drawn(columns: Iterable[str], categories: Iterable[str]) -> bool:
    """Whether all pictures are drawn: rendered from scenes, or asked about colored shapes only.

    Args:
        columns: Names of the columns of the examples.
        categories: Values of their column ``category``; anything without such a column.
    """
    columns = set(columns)
    names = {" ".join(kind) for kind in product(COLORS, SHAPES)}
    return "scene" in columns or ("category" in columns and names.issuperset(categories))


def holds_drawn(data: "Dataset", split: str) -> bool:
    """Whether all pictures of a split are drawn, from its one column that tells."""
    import pyarrow.parquet as pq

    files = data.shards(split)
    columns = pq.read_schema(files[0]).names
    read = (pq.read_table(file, columns=["category"])["category"] for file in files if "category" in columns)
    return is_drawn(columns, {name for column in read for name in column.unique().to_pylist()})
