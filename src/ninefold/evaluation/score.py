"""From predictions to the score table and the figures of a run; needs neither data set nor model."""

import io
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd

from ninefold import store
from ninefold.analysis.cells import accuracy_map
from ninefold.analysis.statistics import Interval, clusters, proportion
from ninefold.analysis.votes import majority_map
from ninefold.errors import DataError, RunError
from ninefold.questions.catalog import QUESTIONS
from ninefold.space import GRID
from ninefold.types import Answer, AnswerKind

SCORER_VERSION = 1
"""Changes whenever the same predictions would be scored otherwise; it is no part of a run's id."""

LEADING = ("id", "group", "question", "options", "answer", "text", "kind", "label", "correct")
"""The first columns of a score table, before the factors ."""

INVALID: tuple[AnswerKind, ...] = tuple(kind for kind in get_args(AnswerKind) if kind != "label")
"""Why an answer can hold no label; each is counted apart."""


def score(run: Path) -> dict[str, Any]:
    """Read the predictions of a run, and write ``scores.parquet`` and ``metrics.json`` beside them.

    Returns:
        What ``metrics.json`` holds. Rates are fractions, and None where there is nothing to divide by.

    Raises:
        RunError: If the run has no predictions yet.
        DataError: If the answers are of a format that no question reads.
    """
    path = run / "predictions.parquet"
    if not path.exists():
        raise RunError(
            f"{run}: no predictions.parquet; repeat the `ninefold evaluate` command of this run to finish it"
        )
    table = _table(pd.read_parquet(path), run)
    spec = store.read_json(run / "spec.json")
    metrics = _metrics(table, whole=spec.get("data", {}).get("limit") is None)
    buffer = io.BytesIO()
    table.drop(columns="answer_format").to_parquet(buffer, index=False)
    store.write_bytes(run / "scores.parquet", buffer.getvalue())
    store.write_json(run / "metrics.json", metrics)
    return metrics


def _table(predictions: pd.DataFrame, run: Path) -> pd.DataFrame:
    """Return one row an example: the prediction, what it reads to, whether that is right, and the factors."""
    unknown = set(predictions["answer_format"]) - QUESTIONS.keys()
    if unknown:
        raise DataError(
            f"{run}: no question reads answers of the format {min(unknown)!r}; known: {', '.join(QUESTIONS)}"
        )
    told = zip(predictions["answer_format"], predictions["text"], predictions["truncated"], strict=True)
    readings: list[Answer] = [QUESTIONS[name].read(text, truncated=cut) for name, text, cut in told]
    table = predictions.drop(columns=["prompt", "truncated", "scores"]).assign(
        kind=[reading.kind for reading in readings],
        label=pd.array([reading.label for reading in readings], dtype="string"),
    )
    table["correct"] = (table["label"] == table["answer"]).fillna(False).astype(bool)
    return table[[*LEADING, *(name for name in table.columns if name not in LEADING)]]


def _metrics(table: pd.DataFrame, *, whole: bool) -> dict[str, Any]:
    valid = table[table["kind"] == "label"]
    overall = _proportion(table)
    return {
        "scorer": SCORER_VERSION,
        "n": len(table),
        "accuracy": overall.value,
        "ci95": [overall.low, overall.high],
        "interval": _meaning(table, overall, whole=whole),
        "invalid": len(table) - len(valid),
        "invalid_by_class": {kind: int((table["kind"] == kind).sum()) for kind in INVALID},
        "valid_accuracy": float(valid["correct"].mean()) if len(valid) else None,
        **(_places(table) if {"region", "cell_row", "cell_col"} <= set(table.columns) else {}),
        "confusion": _confusion(table),
    }


def _proportion(table: pd.DataFrame) -> Interval:
    return proportion(table["correct"], clusters(table))


def _meaning(table: pd.DataFrame, interval: Interval, *, whole: bool) -> str:
    """Say how the interval is made and which uncertainty it shows."""
    said = f"95 %, {interval.method}, with these questions taken as a sample of similar ones"
    if whole and "scene" in table and (table.get("distractors", pd.Series([0])) == 0).all():
        said += "; the set itself is a census of its scenes, on which the accuracy has no sampling error"
    return said


def _places(table: pd.DataFrame) -> dict[str, Any]:
    """Say where in the picture answers are right, and what is answered there."""
    rows, cols = table["cell_row"].to_numpy(int), table["cell_col"].to_numpy(int)
    grid = int(table["grid"].max()) if "grid" in table else GRID
    maps = accuracy_map(rows, cols, table["correct"], grid)
    labels = _labels(table)
    said = [label if kind == "label" else None for label, kind in zip(table["label"], table["kind"], strict=True)]
    return {
        "by_region": {label: _summary(table[table["region"] == label]) for label in labels},
        "by_cell": [[None if np.isnan(cell) else float(cell) for cell in row] for row in maps.accuracy],
        "n_by_cell": maps.n.tolist(),
        "votes": majority_map(rows, cols, said, labels, grid),
    }


def _summary(table: pd.DataFrame) -> dict[str, Any]:
    if table.empty:
        return {"n": 0, "accuracy": None, "ci95": None}
    interval = _proportion(table)
    return {"n": len(table), "accuracy": interval.value, "ci95": [interval.low, interval.high]}


def _confusion(table: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Count what is said for each answer: a label, or why there is none."""
    said = table["label"].where(table["kind"] == "label", table["kind"])
    counts = pd.crosstab(table["answer"], said)
    labels = [label for label in _labels(table) if label in counts.index]
    order = [name for name in (*_labels(table), *INVALID) if name in counts.columns]
    return {
        answer: {name: int(counts.at[answer, name]) for name in order if counts.at[answer, name]} for answer in labels
    }


def _labels(table: pd.DataFrame) -> list[str]:
    """Return the labels of the questions asked, in canonical order."""
    return list(dict.fromkeys(label for name in table["answer_format"].unique() for label in QUESTIONS[name].labels))
