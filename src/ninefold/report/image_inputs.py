"""What each model saw of the pictures, as its runs recorded it."""

from collections.abc import Mapping, Sequence
from typing import Any

from ninefold.report.tables import Entry, Table
from ninefold.report.test_sets import Evaluation, Run, set_name
from ninefold.report.wording import count, join, percent
from ninefold.store import canonical_json

SIZES = 6
"""Sizes of pictures that are shown of a set; the others make one row."""

HEAD = ("pictures of", "size", "questions", "seen as", "tiles", "image tokens", "prompt tokens")


def tables(runs: Sequence[Run]) -> tuple[Table, ...]:
    """Return a table for each model that has recorded what it saw; what runs agree in is shown once."""
    models: dict[str, dict[str, dict[str, Any]]] = {}
    for run in runs:
        if run.sees is not None:
            records = models.setdefault(run.model, {})
            name = set_name(run) if isinstance(run, Evaluation) else "training"
            known = records.setdefault(name, run.sees)
            if canonical_json(known) != canonical_json(run.sees):
                records[f"{name}, {run.folder.name}"] = run.sees
    return tuple(
        Table(
            model, _note(records), HEAD, tuple(row for name, record in records.items() for row in _rows(name, record))
        )
        for model, records in models.items()
    )


def _note(records: Mapping[str, Any]) -> str:
    names = dict.fromkeys(str(record["settings"].get("image_processor_type")) for record in records.values())
    return f"Pictures are prepared by {join(list(names))}."


def _rows(name: str, record: Mapping[str, Any]) -> list[tuple[str, tuple[Entry, ...]]]:
    pictures = record["pictures"]
    shown = pictures if len(pictures) <= SIZES and not record["others"] else pictures[: SIZES - 1]
    rows = [(name if place == 0 else "", _entries(row)) for place, row in enumerate(shown)]
    rest, untold = pictures[len(shown) :], record["others"] or {"sizes": 0, "examples": 0}
    if rest:
        sizes = len(rest) + untold["sizes"]
        questions = sum(row["examples"] for row in rest) + untold["examples"]
        spans = [_span([row[key] for row in rest]) for key in ("tiles", "image_tokens")]
        prompts = _span([length for row in rest for length in row["prompt_tokens"]])
        texts = [f"{count(sizes)} others", count(questions), "", *spans, prompts]
        rows.append(("", tuple(map(Entry, texts))))
    return rows


def _entries(row: Mapping[str, Any]) -> tuple[Entry, ...]:
    cut = f"{percent(row['share'])} of it" if row["share"] < 1 else ""
    return (
        Entry(_size(row["picture"])),
        Entry(count(row["examples"])),
        Entry(_size(row["pixels"]) if row["pixels"] else "", cut),
        Entry(_span([row["tiles"]])),
        Entry(_span([row["image_tokens"]])),
        Entry(_span(row["prompt_tokens"])),
    )


def _size(size: Sequence[int]) -> str:
    return f"{size[0]} × {size[1]}"


def _span(numbers: Sequence[int]) -> str:
    """Return the least and the greatest of numbers; nothing where they are 0, which is to say unknown."""
    low, high = min(numbers), max(numbers)
    return "" if high == 0 else count(low) if low == high else f"{count(low)} to {count(high)}"
