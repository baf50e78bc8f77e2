"""The score table and the metrics of a run, from its stored predictions; needs neither data set nor model."""

import io
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd

from ninefold import console, store
from ninefold.analysis.cells import accuracy_map, only_answer_map
from ninefold.analysis.consistency import consistency
from ninefold.analysis.statistics import CONFIDENCE, Interval, clusters, proportion
from ninefold.analysis.votes import majority_map
from ninefold.errors import DataError
from ninefold.evaluation import predictions, reading
from ninefold.evaluation.benchmark import figures
from ninefold.evaluation.drawn import NAMING, NOT_DRAWN, is_drawn
from ninefold.questions.catalog import FORMATS, QUESTIONS, unknown
from ninefold.runs import layout
from ninefold.runs.folder import read_spec
from ninefold.runs.metrics import SCORER_VERSION, EvaluationMetrics
from ninefold.runs.tables import read_predictions
from ninefold.space import GRID, LABELS
from ninefold.types import AnswerKind, Clustering

LEADING = ("id", "group", "question", "options", "answer", "text", "kind", "label", "correct")
"""The first columns of a score table, before the factors."""

INVALID: tuple[AnswerKind, ...] = tuple(kind for kind in get_args(AnswerKind) if kind != "label")
"""The kinds of invalid answers, counted separately."""


def score(run: Path) -> dict[str, Any]:
    """Score the predictions of a run; write ``scores.parquet`` and ``metrics.json`` beside them.

    Returns:
        The content of ``metrics.json`` (see `ninefold.runs.metrics.EvaluationMetrics`).
        Rates are fractions, or None if there are no examples.

    Raises:
        RunError: If the run has no predictions yet, or its table of them is damaged.
        DataError: If the answer format is unknown.
    """
    answered = read_predictions(run)
    spec = read_spec(run)
    data, is_nano = spec.get("data", {}), bool(spec.get("model", {}).get("nano"))
    table = _table(answered, run, data.get("labels", ()))
    warnings = reading.warnings(answered)
    made = _metrics(table, data, is_nano=is_nano, in_all_orders=spec.get("orders") == "all")
    metrics = replace(made, warnings=warnings or None, benchmark=figures(table, spec, run)).to_json()
    buffer = io.BytesIO()
    table.drop(columns="answer_format").to_parquet(buffer, index=False)
    store.write_bytes(run / layout.SCORES, buffer.getvalue())
    store.write_json(run / layout.METRICS, metrics)
    for line in warnings:
        console.warn(f"{run}: {line}")
    return metrics


def _table(answered: pd.DataFrame, run: Path, labels: Sequence[str]) -> pd.DataFrame:
    """Return the score table, one row per example: the prediction, its label, whether it is right, and the factors.

    A text is right if its label equals that of the true answer. Both are read in the example's format, with its own
    options if it has any, otherwise with the data set's labels.
    """
    for name in answered["answer_format"].unique():
        if name not in FORMATS:
            raise DataError(f"{run}: {unknown('answer format', name, FORMATS)}")
    formats = [FORMATS[name] for name in answered["answer_format"]]
    offered = [tuple(options) or tuple(labels) for options in answered["options"]]
    read = reading.read(answered, formats, offered)
    truth = [
        format.read(answer, options)
        for format, options, answer in zip(formats, offered, answered["answer"], strict=True)
    ]
    table = answered.drop(columns=["prompt", "truncated", "scores", predictions.REFUSED], errors="ignore").assign(
        answer=[true.label or answer for true, answer in zip(truth, answered["answer"], strict=True)],
        kind=[answer.kind for answer in read],
        label=pd.array([answer.label for answer in read], dtype="string"),
        correct=[
            answer.kind == "label" and answer.label == true.label for answer, true in zip(read, truth, strict=True)
        ],
    )
    return table[[*LEADING, *(name for name in table.columns if name not in LEADING)]]


def _metrics(table: pd.DataFrame, data: Mapping[str, Any], *, is_nano: bool, in_all_orders: bool) -> EvaluationMetrics:
    clustering = data.get("clustering", "group")
    labels = _labels(table, data.get("labels") or ())
    valid = table[table["kind"] == "label"]
    named = {name: table[name] for name in NAMING if name in table}
    overall = _proportion(table, clustering)
    census = data.get("limit") is None and clustering == "census"
    return EvaluationMetrics(
        scorer=SCORER_VERSION,
        n=len(table),
        accuracy=overall.value,
        ci95=[overall.low, overall.high],
        interval=_meaning(table, overall, census=census),
        caveat=NOT_DRAWN if is_nano and not is_drawn(table, named) else None,
        invalid=len(table) - len(valid),
        invalid_by_class={kind: int((table["kind"] == kind).sum()) for kind in INVALID},
        valid_accuracy=float(valid["correct"].mean()) if len(valid) else None,
        **(_where(table, clustering, labels) if {"region", "cell_row", "cell_col"} <= set(table.columns) else {}),
        confusion=_confusion(table, labels),
        orders=consistency(table, clustering) if in_all_orders else None,
    )


def _proportion(table: pd.DataFrame, clustering: Clustering) -> Interval:
    return proportion(table["correct"], clusters(table, clustering))


def _meaning(table: pd.DataFrame, interval: Interval, *, census: bool) -> str:
    """Return the method of the interval and the uncertainty it shows, in words."""
    text = f"{100 * CONFIDENCE:g} %, {interval.method}, with these questions taken as a sample of similar ones"
    # Distractors are drawn at random: a set with them is a sample of possible scenes.
    if census and (table.get("distractors", pd.Series([0])) == 0).all():
        text += "; the set itself is a census of its scenes, on which the accuracy has no sampling error"
    return text


def _where(table: pd.DataFrame, clustering: Clustering, labels: Sequence[str]) -> dict[str, Any]:
    """Return accuracy and answers by position in the image."""
    rows, cols = table["cell_row"].to_numpy(int), table["cell_col"].to_numpy(int)
    grid = int(table["grid"].max()) if "grid" in table else GRID
    maps = accuracy_map(rows, cols, table["correct"], grid, clusters(table, clustering))
    given = [label if kind == "label" else None for label, kind in zip(table["label"], table["kind"], strict=True)]
    return {
        "by_region": {label: _summary(table[table["region"] == label], clustering) for label in LABELS},
        "by_cell": [[None if np.isnan(cell) else cell for cell in row] for row in maps.accuracy.tolist()],
        "ci95_by_cell": [
            [None if np.isnan(cell[0]) else cell for cell in row] for row in np.dstack([maps.low, maps.high]).tolist()
        ],
        "n_by_cell": maps.n.tolist(),
        "votes": majority_map(rows, cols, given, labels, grid),
        "answer_by_cell": only_answer_map(rows, cols, table["answer"], grid),
    }


def _summary(table: pd.DataFrame, clustering: Clustering) -> dict[str, Any]:
    if table.empty:
        return {"n": 0, "accuracy": None, "ci95": None}
    interval = _proportion(table, clustering)
    return {"n": len(table), "accuracy": interval.value, "ci95": [interval.low, interval.high]}


def _confusion(table: pd.DataFrame, labels: Sequence[str]) -> dict[str, dict[str, int]]:
    """Return, for each right answer, the count of each label given, or of each reason for none."""
    given = table["label"].where(table["kind"] == "label", table["kind"])
    # Where each row has its own options there are thousands of labels: pairs that do not occur are never looked at.
    rank = {name: number for number, name in enumerate(dict.fromkeys((*labels, *INVALID)))}
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for answer, name in zip(table["answer"], given, strict=True):
        counts[answer][name] += 1
    return {
        answer: {name: counts[answer][name] for name in sorted(counts[answer], key=rank.__getitem__)}
        for answer in labels
        if answer in counts
    }


def _labels(table: pd.DataFrame, stated: Sequence[str]) -> list[str]:
    """Return all labels in canonical order: the data set's or, if it has none, those of the question with these labels.

    Others are sorted and follow.
    """
    answers = {str(answer) for answer in table["answer"]}
    offered = {str(option) for options in table["options"] for option in options}
    if not stated:
        of_questions = (question.labels for question in QUESTIONS.values())
        stated = next((labels for labels in of_questions if answers <= set(labels) and offered <= {*labels}), ())
    others = answers | offered | set(table["label"].dropna())
    return list(dict.fromkeys([*stated, *sorted(others)]))
