"""The numbers of a table of benchmarks at full precision, one line each, as its CSV file holds them."""

from collections.abc import Mapping, Sequence
from statistics import mean

from ninefold.report.benchmarks import spare
from ninefold.report.benchmarks.columns import Column
from ninefold.report.benchmarks.standings import Standing, Value

CSV = (
    "source", "model", "condition", "column", "benchmark", "measure", "n", "n_seeds", "seeds", "values", "value", "sd",
    "low", "high", "interval", "most", "rows", "missing_rows", "unread", "shared_with_training",
)  # fmt: skip
"""Columns of the numbers of a table."""

Lines = tuple[tuple[object, ...], ...]
"""Lines of a file, without its head."""

OURS = "these runs"
"""Source of our rows."""

Found = Sequence[tuple[Standing, Sequence[Value | None]]]
"""The models that have a value in any column, each with its value in every column."""


def is_whole(values: Sequence[Value | None]) -> bool:
    """Return whether there is a value in every column."""
    return all(value is not None for value in values)


def of(columns: Sequence[Column], found: Found, published: Mapping[str, Sequence[float | None]]) -> Lines:
    """Return a line for each printed number and each of ours.

    Args:
        columns: The columns.
        found: Our models with their values.
        published: The paper's numbers of each row, as printed.
    """
    printed = [
        _line(
            spare.CITATION,
            name,
            "",
            column.title,
            value=value if column.points else round(value / 100, 6),
            most=column.most,
        )
        for name, row in published.items()
        for value, column in zip(row, columns, strict=True)
        if value is not None
    ]
    ours = [
        _line(
            OURS, one.model, one.condition, column.title,
            benchmark=value.benchmark, measure=value.measure, n=value.n, n_seeds=len(value.seeds),
            seeds=" ".join(str(seed) for seed in value.seeds if seed is not None),
            values=" ".join(map(repr, value.values)), value=value.mean, sd=value.sd,
            low=value.ci95 and value.ci95[0], high=value.ci95 and value.ci95[1], interval=value.interval,
            most=value.most, rows=value.rows, missing_rows=value.missing, unread=value.unread,
            shared_with_training=value.leak,
        )
        for one, values in found
        for value, column in zip(values, columns, strict=True)
        if value is not None
    ]  # fmt: skip
    return (*printed, *ours)


def averages(found: Found, published: Mapping[str, float]) -> Lines:
    """Return a line for each printed average, and for each of our models with a value in every column.

    Args:
        found: Our models with their values.
        published: The paper's average of each row, as printed.
    """
    printed = [
        _line(spare.CITATION, name, "", "average", value=round(value / 100, 6)) for name, value in published.items()
    ]
    ours = [
        _line(OURS, one.model, one.condition, "average", value=mean(value.mean for value in values if value))
        for one, values in found
        if is_whole(values)
    ]
    return (*printed, *ours)


def _line(
    source: str, model: str, condition: str, column: str, *, most: float = 1, **numbers: object
) -> tuple[object, ...]:
    found = {"source": source, "model": model, "condition": condition, "column": column, "most": f"{most:g}", **numbers}
    return tuple("" if found.get(name) is None else found[name] for name in CSV)
