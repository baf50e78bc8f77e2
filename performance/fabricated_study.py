"""A study folder with made-up answers, as large as asked: runs share a few files of answers."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ninefold.evaluation.score import score
from ninefold.runs import layout
from ninefold.runs.outcome import run_id
from ninefold.runs.study import (
    BASE,
    STUDY,
    StudiedCondition,
    StudiedModel,
    StudiedRun,
    StudiedTest,
    StudyRecord,
)
from ninefold.seeding import rng
from ninefold.space import LABELS, Cell, label_of_cell
from ninefold.store import write_json

LEVELS = 8
"""Number of skills of which the answers are made; every run has those of one."""

MODELS = (("llava-next", "LLaVA-NeXT"), ("llava-onevision", "LLaVA-OneVision"), ("molmo", "Molmo"),
          ("qwen2-vl", "Qwen2-VL"), ("clip", "CLIP"), ("nano-qwen2-vl", "nano-qwen2-vl"))  # fmt: skip
SIZES = (9, 63, 126, 324, 648, 972)
CONDITIONS = (
    (BASE, "Base", "", None), ("synthetic", "Synthetic", "", 1296), ("distractors-1", "+ 1 distractor", "", 1296),
    ("distractors-3", "+ 3 distractors", "", 1296), ("distractors-5", "+ 5 distractors", "", 1296),
    ("coco-complete", "COCO complete", "", 161086), ("coco-subset", "COCO subset", "", 1296),
    *((f"scaling-{size}", f"{size:,} examples", "scaling", size) for size in SIZES),
    ("mixture", "Synthetic and general", "", 2592),
)  # fmt: skip
TESTS = (("synthetic", "Synthetic", 48), ("synthetic-3", "Synthetic + 3", 48), ("synthetic-5", "Synthetic + 5", 48),
         ("coco", "COCO", 0))  # fmt: skip
PHOTOS = 8548
"""Number of questions about photos, on about half as many photos."""

GAP = (1, 5)
"""Model and condition whose runs are missing, by index; the first of them failed."""

VERSIONS = {"python": "3.11.7", "ninefold": "0.1.0", "torch": "2.13.0", "transformers": "5.24.0"}
MACHINE = {"system": "Linux", "processor": "x86_64", "cores": 16, "gpu": "NVIDIA A100-SXM4-80GB"}


@dataclass(frozen=True)
class Fabricated:
    """The sizes of a fabricated study."""

    models: int = 6
    """Number of models."""
    conditions: int = 14
    """Number of conditions, the base included."""
    seeds: int = 5
    """Number of seeds."""
    tests: int = 4
    """Number of tests."""


def make(folder: Path, sizes: Fabricated = Fabricated()) -> StudyRecord:
    """Write a study folder and return its record."""
    tests = TESTS[: sizes.tests]
    originals = {(name, k): _original(folder, name, count, k) for name, _, count in tests for k in range(LEVELS)}
    models, conditions = MODELS[: sizes.models], CONDITIONS[: sizes.conditions]
    runs: list[StudiedRun] = []
    for (at, (model, _)), (number, (condition, *_)) in product(enumerate(models), enumerate(conditions)):
        seeds: Sequence[int | None] = [None] if condition == BASE else range(sizes.seeds)
        is_gap = (at, number) == GAP
        for seed in seeds:
            place = Path("runs", model, condition, "" if seed is None else f"seed-{seed}")
            if seed is not None:
                runs.append(StudiedRun("training", model, condition, seed, None, str(place / "training")))
                if not is_gap:
                    _training(folder / place / "training", model, condition, seed)
                elif seed == 0:
                    _fail(folder / place / "training")
            for test in (name for name, *_ in tests):
                runs.append(StudiedRun("evaluation", model, condition, seed, test, str(place / test)))
                if not is_gap:
                    adapter = None if seed is None else str(place / "training" / layout.ADAPTER)
                    original = originals[test, _level(at, number, seed, test)]
                    _evaluation(original, folder / place / test, model, adapter)
    record = StudyRecord(
        "paper", "Fine-tuning on balanced synthetic scenes, tested on scenes and photos",
        [StudiedModel(name, title, name.startswith("nano")) for name, title in models],
        [StudiedCondition(*one) for one in conditions], range(sizes.seeds),
        [StudiedTest(name, title, f"data/{name}") for name, title, _ in tests], runs,
    )  # fmt: skip
    write_json(folder / STUDY, record.to_json() | {"seeds": list(range(sizes.seeds))})
    return record


def _level(model: int, condition: int, seed: int | None, test: str) -> int:
    """Return the skill of a run: bases are weak, tuned models strong, and photos are harder."""
    if condition == 0:
        return 1 + model % 3
    wobble = int(rng(0, "level", model, condition, seed or 0).integers(0, 3))
    return max(0, min(LEVELS - 1, 4 + condition % 3 + wobble - (2 if test == "coco" else 0) - 3 * (condition == 5)))


def _original(study: Path, test: str, per_cell: int, level: int) -> Path:
    """Return a scored evaluation whose answers have one skill, better at the top and worse at borders of regions."""
    folder = study / "originals" / f"{test}-{level}"
    if (folder / layout.METRICS).exists():
        return folder
    folder.mkdir(parents=True)
    table = pd.DataFrame(list(_rows(test, per_cell)))
    row, col = (table[name].to_numpy() for name in ("cell_row", "cell_col"))
    bias = 0.25 * (1 - level / (LEVELS - 1)) * ((4 - row) / 4 - (row % 3 != 1) * 0.6 - (col % 3 != 1) * 0.6)
    draw = rng(0, "answers", test, level).random((3, len(table)))
    right = draw[0] < np.clip(0.15 + 0.85 * level / (LEVELS - 1) + bias, 0, 1)
    near = [label_of_cell(Cell(max(r - 3, 0), c)) for r, c in zip(row, col, strict=True)]
    wrong = np.where(
        draw[1] < 0.1, "", np.where(draw[1] < 0.2, "left", np.where(draw[2] < 0.1, "center right top left", near))
    )
    table["text"] = np.where(right, table["answer"], wrong)
    table.to_parquet(folder / layout.PREDICTIONS)
    data = {"name": test, "split": "test", "fingerprint": f"{test:0<12}"[:12], "limit": None, "labels": list(LABELS),
            "clustering": "census" if per_cell else "group"}  # fmt: skip
    _begin(folder, {"kind": "evaluation", "model": {"name": "original", "adapter": None}, "data": data,
                    "scoring": "generate", "max_new_tokens": 15})  # fmt: skip
    score(folder)
    return folder


def _rows(test: str, per_cell: int) -> Iterator[Mapping[str, Any]]:
    if per_cell:
        places = ((r, c, k, f"{r}-{c}-{k}") for r, c, k in np.ndindex(9, 9, per_cell))
    else:
        drawn = np.clip(rng(0, "places").normal(4.4, 2.0, (2, PHOTOS)).astype(int), 0, 8)
        places = ((r, c, k, f"photo-{k // 2}") for k, (r, c) in enumerate(drawn.T))
    for r, c, k, group in places:
        answer = label_of_cell(Cell(int(r), int(c)))
        yield {
            "id": f"{test}-{r}-{c}-{k}", "group": group, "question": f"Where is object {k}?", "prompt": "",
            "options": list(LABELS), "answer": answer, "answer_format": "labels", "truncated": False, "scores": None,
            "cell_row": int(r), "cell_col": int(c), "region": answer, **({"scene": "{}"} if per_cell else {}),
        }  # fmt: skip


def _evaluation(original: Path, folder: Path, model: str, adapter: str | None) -> None:
    spec = json.loads((original / layout.SPEC).read_text())
    spec["model"] = {"name": model, "nano": model.startswith("nano"), "checkpoint": f"checkpoint of {model}",
                     "dtype": "bfloat16", "adapter": adapter and f"hash of {adapter}"}  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    for name in (layout.PREDICTIONS, layout.SCORES, layout.METRICS):
        if not (folder / name).exists():
            os.link(original / name, folder / name)
    _begin(folder, spec)
    command = f"ninefold evaluate --model {model} --data data/{spec['data']['name']} --out {folder.name}"
    _provenance(folder, command, {"load": 8.0, "predict": 75.0}, data=f"data/{spec['data']['name']}", adapter=adapter)


def _training(folder: Path, model: str, condition: str, seed: int) -> None:
    spec = {
        "kind": "training", "seed": seed,
        "model": {"name": model, "nano": model.startswith("nano"), "checkpoint": model},
        "data": [{"name": condition, "train": ["train", "abc"], "validation": ["validation", "def"]}], "limit": None,
        "scope": "vision+language", "lora": None, "learning_rate": 1e-4, "schedule": "cosine", "warmup": 0.0,
        "weight_decay": 0.01, "clip": 1.0, "batch": 16, "epochs": 10, "patience": 2,
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    _begin(folder, spec)
    noise = rng(0, "losses", model, condition, seed).random((2, 6))
    losses = [(2.0 * 0.4**k * (1 + 0.2 * noise[0, k]), 2.2 * 0.5**k * (1 + 0.2 * noise[1, k])) for k in range(6)]
    history = [{"epoch": k, "step": 81 * k, "train_loss": a, "validation_loss": b, "learning_rate": 1e-4}
               for k, (a, b) in enumerate(losses, start=1)]  # fmt: skip
    write_json(folder / layout.HISTORY, history)
    write_json(folder / layout.METRICS, {
        "best_epoch": 6, "best_step": 486, "train_loss": losses[-1][0], "validation_loss": losses[-1][1], "epochs": 6,
        "steps": 486, "stopped_early": False, "examples": {"train": 1296, "validation": 324},
        "adapted": "LoRA adapts 84 modules", "adapted_modules": ["q_proj"],
    })  # fmt: skip
    seconds = {"load": 9.0, "train": 900.0 + 30 * seed}
    _provenance(folder, f"ninefold train --model {model} --seed {seed}", seconds, data=[], processes=1)


def _begin(folder: Path, spec: Mapping[str, Any]) -> None:
    spec = {key: value for key, value in spec.items() if key != "id"}
    write_json(folder / layout.SPEC, {"id": run_id(spec), **spec})
    write_json(folder / layout.STATUS, {"state": "done"})


def _provenance(folder: Path, command: str, seconds: Mapping[str, float], **facts: Any) -> None:
    write_json(folder / layout.PROVENANCE, {
        **facts, "device": "cuda:0", "peak_memory_mib": {"cpu": 4100, "cuda": 30720}, "seconds": seconds,
        "command": command, "finished": "2026-11-25T23:39:48+00:00", "versions": VERSIONS, "machine": MACHINE,
    })  # fmt: skip


def _fail(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / layout.STATUS, {"state": "failed", "reason": "out of memory: 78.1 GiB of 79.2 GiB in use"})
