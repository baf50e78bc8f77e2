"""Figures of a benchmark that lmms-eval ran: the kit's own, and what our reading of the same answers adds."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from ninefold import store
from ninefold.analysis.grouped import all_right, rate
from ninefold.analysis.statistics import CONFIDENCE, wilson
from ninefold.evaluation.benchmark import pixel_budget
from ninefold.evaluation.lmms.layout import IMAGES, KIT_SCORE, RESULTS
from ninefold.runs.metrics import SCORER_VERSION
from ninefold.runs.shape import BenchmarkFigures, Measure

Figures = tuple[dict[str, Measure], dict[str, dict[str, dict[str, Measure]]]]

_PERCEPTION = 10
"""Number of MME's categories of perception, each worth 200 points; the others are of cognition."""

_WIDTH = float(norm.ppf((1 + CONFIDENCE) / 2))
"""Half the width of a normal interval, in standard errors."""

_COGNITION = {"commonsense_reasoning", "numerical_calculation", "text_translation", "code_reasoning"}


def figures(table: pd.DataFrame, record: Mapping[str, Any], run: Path) -> BenchmarkFigures:
    """Return the figures of a benchmark with the conditions under which they hold.

    Args:
        table: The score table.
        record: The benchmark's record in the run's ``spec.json``.
        run: The run folder.
    """
    results = store.read_json(run / RESULTS)
    task = str(record["task"])
    make = _MADE.get(task, _generic)
    measures, by = make(table, results.get("results", {}).get(task, {}))
    config = results.get("configs", {}).get(task, {})
    return {
        "name": str(record["name"]),
        "title": str(record["title"]),
        "main": next(iter(measures)),
        "measures": measures,
        "by": by,
        "conditions": {
            "kit": str(record["kit"]),
            "kit_version": str(record["kit_version"]),
            "task_version": str(results.get("versions", {}).get(task, "unknown")),
            "data": config.get("dataset_path"),
            "data_revision": results.get("data_revision"),
            "prompt": _prompt(config.get("lmms_eval_specific_kwargs") or {}),
            "pixel_budget": pixel_budget(run / IMAGES),
            "decoding": f"greedy, {json.dumps(config.get('generation_kwargs') or {}, sort_keys=True)}",
            "parser": f"lmms-eval's, and ninefold scorer {SCORER_VERSION} for what it adds",
            "unread": float((table["kind"] != "label").mean()),
            "rows": len(table),
            "limit": record.get("limit"),
            "several_images": int((table["images"] > 1).sum()),
        },
    }


def _mmmu(table: pd.DataFrame, found: Mapping[str, Any]) -> Figures:
    kit = float(found["mmmu_acc,none"])
    guessed = int(((table["kind"] != "label") & (table[KIT_SCORE] == 1)).sum())
    right = round(kit * len(table))
    measures = {
        "accuracy": _share(right, len(table)),
        "accuracy_without_guesses": _share(right - guessed, len(table)),
    }
    return measures, {"subject": _parts(table, "subject"), "question_type": _parts(table, "question_type")}


def _mmbench(table: pd.DataFrame, found: Mapping[str, Any]) -> Figures:
    kit = float(found["gpt_eval_score,none"]) / 100
    groups = table["group"].nunique()
    read = all_right(table["correct"], table["group"], table.groupby("group")["id"].transform("size"))
    parts = {
        str(name): {
            "accuracy_read": _measure(
                all_right(rows["correct"], rows["group"], rows.groupby("group")["id"].transform("size"))
            )
        }
        for name, rows in table.groupby("ability")
    }
    return {"accuracy": _share(round(kit * groups), groups), "accuracy_read": _measure(read)}, {"ability": parts}


def _textvqa(table: pd.DataFrame, _: Mapping[str, Any]) -> Figures:
    return {"accuracy": _mean(table[KIT_SCORE])}, {}


def _hallusion(table: pd.DataFrame, _: Mapping[str, Any]) -> Figures:
    pictured = table[~((table["category"] == "VS") & (table["figure_id"] == "0"))]

    def whole(rows: pd.DataFrame, last: str) -> Measure:
        keys = rows["group"] + "_" + rows[last]
        return _measure(all_right(rows["correct"], keys, keys.map(keys.value_counts()), rows["group"]))

    measures = {
        "aAcc": _measure(rate(table["correct"], table["group"])),
        "fAcc": whole(pictured, "figure_id"),
        "qAcc": whole(table, "question_id"),
    }
    return measures, {"category": _parts(table, "category"), "subcategory": _parts(table, "subcategory")}


def _mme(table: pd.DataFrame, _: Mapping[str, Any]) -> Figures:
    images = table.groupby(["category", "group"], sort=False)[KIT_SCORE].agg(["sum", "size"]).reset_index()
    # Accuracy and accuracy of both questions about an image, in points of 100 each.
    images["points"] = images["sum"] / images["size"] * 100 + (images["sum"] == images["size"]) * 100.0
    parts = {str(name): _points([rows["points"]], 200.0) for name, rows in images.groupby("category", sort=False)}
    wholes: dict[str, Measure] = {}
    for name, members in (("perception", {*parts} - _COGNITION), ("cognition", {*parts} & _COGNITION)):
        rows = [rows["points"] for category, rows in images.groupby("category", sort=False) if category in members]
        most = 200.0 * (_PERCEPTION if name == "perception" else len(_COGNITION))
        wholes[name] = _points(rows, most)
    return wholes, {"category": {name: {"points": part} for name, part in parts.items()}}


def _generic(table: pd.DataFrame, found: Mapping[str, Any]) -> Figures:
    """Return every number that the kit reports for a task, as it is; a number above 1 is taken as one of 100 points."""
    measures: dict[str, Measure] = {}
    for key, value in found.items():
        name, _, part = key.partition(",")
        if "stderr" in name or isinstance(value, bool) or not isinstance(value, int | float):
            continue
        error = found.get(f"{name}_stderr_clustered,{part}")
        error = error if isinstance(error, int | float) else found.get(f"{name}_stderr_clt,{part}")
        measure: Measure = {"n": len(table), "value": float(value), "ci95": None}
        if isinstance(error, int | float):
            measure["ci95"] = _bounds(float(value), float(error))
        if abs(float(value)) > 1:
            measure["most"] = 100.0
        measures[name] = measure
    return measures or {"accuracy_read": _measure(rate(table["correct"], table["group"]))}, {}


_MADE = {
    "mmmu_val": _mmmu,
    "mmbench_en_dev_static": _mmbench,
    "textvqa_val": _textvqa,
    "hallusion_bench_image": _hallusion,
    "mme": _mme,
}


def _prompt(settings: Mapping[str, Any]) -> str:
    """Return the settings of a task's prompt; those for other models of the kit are left out."""
    told = {name: value for name, value in settings.items() if not isinstance(value, dict)}
    return json.dumps(told, ensure_ascii=False) if told else "of the task"


def _share(right: int, n: int) -> Measure:
    low, high = wilson(right, n)
    return {"n": n, "value": right / n, "ci95": [float(low), float(high)]}


def _mean(values: pd.Series) -> Measure:
    value, error = float(values.mean()), float(values.std(ddof=1)) / np.sqrt(len(values))
    return {"n": len(values), "value": value, "ci95": _bounds(value, error)}


def _points(categories: list[pd.Series], most: float) -> Measure:
    """Return the sum of the categories' mean points; the images of each are a sample of similar ones."""
    n, value = sum(map(len, categories)), float(sum(points.mean() for points in categories))
    variance = sum(float(points.var(ddof=1)) / len(points) for points in categories)
    return {"n": n, "value": value if n else None, "ci95": _bounds(value, variance**0.5) if n else None, "most": most}


def _bounds(value: float, error: float) -> list[float] | None:
    """Return the bounds of a normal interval; None where one row, or equal ones, leave its width unknown."""
    return [value - _WIDTH * error, value + _WIDTH * error] if np.isfinite(error) and error > 0 else None


def _parts(table: pd.DataFrame, factor: str) -> dict[str, dict[str, Measure]]:
    """Return the share of answers that our parser reads as right, by a factor."""
    return {
        str(name): {"accuracy_read": _measure(rate(rows["correct"], rows["group"]))}
        for name, rows in table.groupby(factor, sort=True)
    }


def _measure(found: Mapping[str, Any]) -> Measure:
    return {"n": found["n"], "value": found["value"], "ci95": found["ci95"]}
