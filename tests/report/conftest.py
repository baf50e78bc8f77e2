"""Run folders made by hand, as train and evaluate leave them."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ninefold.seeding import rng
from ninefold.space import LABELS, Cell, label_of_cell, region_of_cell
from ninefold.store import content_id

CLASSES = ("empty", "no label", "several labels", "truncated")


def write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def scores(skill: float, *, per_cell: int = 4, looks: tuple[str, ...] = ("red square", "blue star")) -> pd.DataFrame:
    """A score table in which a share ``skill`` is right, the rest naming the label above or nothing."""
    random = rng(0, "fixture", int(1000 * skill))
    rows = []
    for row, col, repeat in np.ndindex(9, 9, per_cell):
        look, answer = looks[repeat % len(looks)], label_of_cell(Cell(row, col))
        fate = random.random()
        text = (
            answer.capitalize() if fate < skill else LABELS[region_of_cell(Cell(row, col)) - 3] if fate < 0.97 else ""
        )
        label = text.lower() or None
        rows.append(
            {
                "id": f"{look}-{row}-{col}-{repeat}".replace(" ", "-"), "group": look,
                "question": f"Where is the {look}?",
                "options": list(LABELS), "answer": answer, "text": text, "kind": "label" if label else "empty",
                "label": label, "correct": label == answer, "cell_row": row, "cell_col": col, "region": answer,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def measured(table: pd.DataFrame) -> dict:
    def rate(part: pd.DataFrame) -> dict:
        share = float(part["correct"].mean())
        return {"n": len(part), "accuracy": share, "ci95": [max(share - 0.02, 0), min(share + 0.02, 1)]}

    cells = table.groupby(["cell_row", "cell_col"])
    grid = [
        [cells.get_group((row, col)) if (row, col) in cells.groups else None for col in range(9)] for row in range(9)
    ]
    valid = table[table["kind"] == "label"]
    said = table["label"].fillna(table["kind"])
    return {
        "scorer": 1,
        **rate(table),
        "interval": "95 % Wilson, items as a sample of similar items",
        "invalid": len(table) - len(valid),
        "invalid_by_class": {name: int((table["kind"] == name).sum()) for name in CLASSES},
        "valid_accuracy": float(valid["correct"].mean()),
        "by_region": {label: rate(table[table["answer"] == label]) for label in LABELS},
        "by_cell": [[None if part is None else float(part["correct"].mean()) for part in row] for row in grid],
        "n_by_cell": [[0 if part is None else len(part) for part in row] for row in grid],
        "votes": [[None if part is None else next(iter(part["label"].mode()), None) for part in row] for row in grid],
        "confusion": {
            label: {str(k): int(n) for k, n in said[table["answer"] == label].value_counts().items()}
            for label in LABELS
        },
    }


@pytest.fixture
def evaluation(tmp_path: Path) -> Callable[..., Path]:
    """A maker of finished evaluation runs."""

    def make(
        name: str,
        table: pd.DataFrame,
        *,
        tuned: bool = False,
        model: str = "nano",
        data: str = "synthetic",
        fingerprint: str = "abc",
        data_folder: Path | None = None,
    ) -> Path:
        folder = tmp_path / name
        spec = {
            "kind": "evaluation",
            "model": {"name": model, "adapter": "0123" if tuned else None},
            "data": {"name": data, "split": "test", "fingerprint": fingerprint, "limit": None},
            "max_new_tokens": 15,
        }
        write(folder / "spec.json", {"id": content_id(spec), **spec})
        write(folder / "metrics.json", measured(table))
        table.to_parquet(folder / "scores.parquet")
        adapter = str(tmp_path / "tuning") if tuned else None
        where = {"data": str(data_folder) if data_folder else None, "adapter": adapter}
        write(folder / "provenance.json", {"command": f"ninefold evaluate --model {model}", **where, "seconds": 1.5})
        write(folder / "done.json", {})
        return folder

    return make


@pytest.fixture
def training(tmp_path: Path) -> Callable[..., Path]:
    """A maker of finished training runs."""

    def make(name: str = "tuning", *, model: str = "nano", losses: tuple[float, ...] = (2.0, 0.5, 0.1, 0.2)) -> Path:
        folder = tmp_path / name
        spec = {"kind": "training", "model": {"name": model}, "seed": 7}
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
