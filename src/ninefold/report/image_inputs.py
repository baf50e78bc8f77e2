"""Image inputs: tables of the sizes, tiles and image tokens that each model received, as recorded in its runs."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from ninefold.report.tables import Table, TableCell
from ninefold.report.test_sets import Evaluation, Run, set_name
from ninefold.store import canonical_json
from ninefold.web.wording import count, join, percent

SIZES = 6
"""Largest number of image sizes shown for a set; all others share one row."""

HEAD = ("images of", "size", "questions", "resized to", "tiles", "image tokens", "prompt tokens")


def tables(runs: Sequence[Run], titles: Mapping[str, str] = MappingProxyType({})) -> tuple[Table, ...]:
    """Return one table for each model whose runs recorded their image inputs; equal records are shown once.

    Args:
        runs: The runs.
        titles: Names of data sets to show, by the name of their folder.
    """
    models: dict[str, dict[str, dict[str, Any]]] = {}
    for run in runs:
        if run.image_inputs is not None:
            records = models.setdefault(run.model, {})
            name = set_name(run, titles) if isinstance(run, Evaluation) else "training and validation"
            known = records.setdefault(name, run.image_inputs)
            if canonical_json(known) != canonical_json(run.image_inputs):
                records[f"{name}, {run.folder.name}"] = run.image_inputs
    return tuple(
        Table(
            model, _note(records), HEAD, tuple(row for name, record in records.items() for row in _rows(name, record))
        )
        for model, records in models.items()
    )


def _note(records: Mapping[str, Any]) -> str:
    names = dict.fromkeys(str(record["settings"].get("image_processor_type")) for record in records.values())
    return f"Image processor: {join(list(names))}."


def _rows(name: str, record: Mapping[str, Any]) -> list[tuple[str, tuple[TableCell, ...]]]:
    pictures = record["pictures"]
    shown = pictures if len(pictures) <= SIZES and not record["others"] else pictures[: SIZES - 1]
    rows = [(name if index == 0 else "", _cells(row)) for index, row in enumerate(shown)]
    rest, untold = pictures[len(shown) :], record["others"] or {"sizes": 0, "examples": 0}
    if rest:
        sizes = len(rest) + untold["sizes"]
        questions = sum(row["examples"] for row in rest) + untold["examples"]
        spans = [_span([row[key] for row in rest]) for key in ("tiles", "image_tokens")]
        prompts = _span([length for row in rest for length in row["prompt_tokens"]])
        texts = [f"{count(sizes)} others", count(questions), "", *spans, prompts]
        rows.append(("", tuple(map(TableCell, texts))))
    return rows


def _cells(row: Mapping[str, Any]) -> tuple[TableCell, ...]:
    cut = f"{percent(row['share'])} of it" if row["share"] < 1 else ""
    return (
        TableCell(_size(row["picture"])),
        TableCell(count(row["examples"])),
        TableCell(_size(row["pixels"]) if row["pixels"] else "", cut),
        TableCell(_span([row["tiles"]])),
        TableCell(_span([row["image_tokens"]])),
        TableCell(_span(row["prompt_tokens"])),
    )


def _size(size: Sequence[int]) -> str:
    return f"{size[0]} × {size[1]}"


def _span(numbers: Sequence[int]) -> str:
    """Return the minimum and maximum of numbers as text; empty if they are 0, which means unknown."""
    low, high = min(numbers), max(numbers)
    return "" if high == 0 else count(low) if low == high else f"{count(low)} to {count(high)}"
