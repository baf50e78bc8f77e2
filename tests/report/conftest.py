"""Run folders made by hand, as train and evaluate leave them."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ninefold.evaluation.score import score
from ninefold.report.page import report
from ninefold.seeding import rng
from ninefold.space import LABELS, Cell, label_of_cell, region_of_cell
from ninefold.store import content_id


def write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


@pytest.fixture
def answers() -> Callable[..., pd.DataFrame]:
    """A maker of prediction tables."""
    return make_answers


def make_answers(
    skill: float, *, per_cell: int = 4, looks: tuple[str, ...] = ("red square", "blue star"), **factors: object
) -> pd.DataFrame:
    """Predictions of which a share ``skill`` is right, the rest naming the region above or nothing."""
    fates = rng(0, "fixture", int(1000 * skill)).permutation(81 * per_cell) / (81 * per_cell)
    rows = []
    for (row, col, repeat), fate in zip(np.ndindex(9, 9, per_cell), fates, strict=True):
        look, cell = looks[repeat % len(looks)], Cell(row, col)
        answer, wrong = label_of_cell(cell), LABELS[region_of_cell(cell) - 3]
        rows.append(
            {
                "id": f"{look}-{row}-{col}-{repeat}".replace(" ", "-"), "group": f"{row}-{col}-{repeat}",
                "question": f"Where is the {look}?", "prompt": "", "options": list(LABELS), "answer": answer,
                "answer_format": "labels", "truncated": False, "scores": None,
                "text": answer.capitalize() if fate < skill else wrong if fate < 0.97 else "",
                "cell_row": row, "cell_col": col, "region": answer, **factors,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


@pytest.fixture
def evaluation(tmp_path: Path) -> Callable[..., Path]:
    """A maker of finished evaluation runs."""

    def make(
        name: str,
        table: pd.DataFrame,
        *,
        tuned: str | bool = False,
        model: str = "nano",
        data: str = "synthetic",
        fingerprint: str = "abc",
        data_folder: Path | None = None,
        scoring: str = "generate",
        benchmark: dict[str, object] | None = None,
    ) -> Path:
        folder = tmp_path / name
        spec = {
            "kind": "evaluation",
            "model": {
                "name": model,
                "nano": model == "nano",
                "adapter": f"hash of {tuned}" if tuned else None,
            },
            "data": {
                "name": data,
                "split": "test",
                "fingerprint": fingerprint,
                "limit": None,
                "clustering": "census" if "scene" in table else "group",
            },
            "scoring": scoring,
            "max_new_tokens": 15,
        }
        write(folder / "spec.json", {"id": content_id(spec), **spec})
        table.to_parquet(folder / "predictions.parquet")
        score(folder)
        if benchmark is not None:
            write(
                folder / "metrics.json", {**json.loads((folder / "metrics.json").read_text()), "benchmark": benchmark}
            )
        adapter = str(tmp_path / (tuned if isinstance(tuned, str) else "tuning")) if tuned else None
        where = {"data": str(data_folder) if data_folder else None, "adapter": adapter}
        write(folder / "provenance.json", {"command": f"ninefold evaluate --model {model}", **where, "seconds": 1.5})
        write(folder / "done.json", {})
        return folder

    return make


@pytest.fixture
def html(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """A maker of pages without the figures beside them, which take longest."""

    def make(*runs: Path, **options: object) -> str:
        monkeypatch.setattr("ninefold.report.page._figures", lambda sections, losses: {})
        report(runs, tmp_path / "page.html", **options)
        return (tmp_path / "page.html").read_text(encoding="utf-8")

    return make


@pytest.fixture
def training(tmp_path: Path) -> Callable[..., Path]:
    """A maker of finished training runs."""

    def make(name: str = "tuning", *, model: str = "nano", losses: tuple[float, ...] = (2.0, 0.5, 0.1, 0.2)) -> Path:
        folder = tmp_path / name
        spec = {"kind": "training", "model": {"name": model, "nano": model == "nano"}, "seed": 7}
        history = [
            {"epoch": k, "step": 20 * k, "train_loss": loss, "validation_loss": 1.2 * loss, "learning_rate": 1e-4}
            for k, loss in enumerate(losses, start=1)
        ]
        write(folder / "spec.json", {"id": content_id(spec), **spec})
        write(folder / "history.json", history)
        write(folder / "metrics.json", {"best_epoch": 3})
        write(folder / "provenance.json", {"command": "ninefold train --model nano", "versions": {"torch": "2.13.0"}})
        write(folder / "done.json", {})
        return folder

    return make
