"""One model on one part of one data set: a run folder with predictions, scores and figures."""

import time
from collections import deque
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ninefold import store
from ninefold.data.format.dataset import Dataset
from ninefold.errors import DataError
from ninefold.evaluation.predict import predict
from ninefold.evaluation.score import score
from ninefold.evaluation.spec import EvaluateSpec
from ninefold.models import image_inputs
from ninefold.models.load import open_model
from ninefold.models.protocol import Model


def evaluate(spec: EvaluateSpec, out: Path, *, model: Model | None = None, progress: bool = True) -> dict[str, Any]:
    """Ask a model all questions and score its answers; an interrupted run goes on, a finished one stays as it is.

    Args:
        spec: What to evaluate.
        out: The run folder.
        model: The model that ``spec`` names, where it is loaded already.
        progress: Whether to show a bar on standard error.

    Returns:
        What ``metrics.json`` holds.

    Raises:
        DataError: If the data set, or the split, cannot be used.
        ModelError: If the model cannot be loaded, cannot answer this way, or sees pictures otherwise than its adapter
            was trained on.
        RunError: If ``out`` belongs to another specification.
    """
    begun = time.perf_counter()
    data = Dataset.open(spec.data)
    split = data.choose_split(spec.split)
    rows = data.splits[split]
    if spec.limit is not None and spec.limit < 1:
        raise DataError(f"--limit {spec.limit}: at least one example must be asked")
    model = model or open_model(spec.model)
    limit = spec.limit if spec.limit is not None and spec.limit < rows else None
    if spec.model.adapter is not None:
        image_inputs.check_agreement(spec.model.adapter, model.image_settings)
    loaded = time.perf_counter()
    watch = image_inputs.Watch(model)
    examples = watch.through(data.read(split, limit=limit))
    predict(
        model,
        examples,
        out,
        spec=_resolved(spec, model, data, split, limit),
        max_new_tokens=spec.max_new_tokens,
        scoring=spec.scoring,
        total=limit or rows,
        progress=progress,
    )
    predicted = time.perf_counter()
    if not (out / "done.json").exists():
        # Of a run that was cut short here the answers were there already, and no example has passed yet.
        deque(examples, maxlen=0)
        seconds = {"load": round(loaded - begun, 3), "predict": round(predicted - loaded, 3)}
        _finish(spec, out, watch.record(), seconds)
    metrics: dict[str, Any] = store.read_json(out / "metrics.json")
    return metrics


def _finish(spec: EvaluateSpec, out: Path, record: dict[str, Any] | None, seconds: dict[str, float]) -> None:
    """Score the answers, and write what the model saw, where all came from, and last of all that the run is done."""
    score(out)
    if record is not None:
        store.write_json(out / image_inputs.FILE, record)
    about = store.provenance(
        data=str(spec.data.resolve()),
        model=spec.model.name,
        adapter=str(spec.model.adapter.resolve()) if spec.model.adapter else None,
        device=spec.model.device,
        fast=asdict(spec.model.shortcuts),
        seconds=seconds,
    )
    store.write_json(out / "provenance.json", about)
    store.write_json(out / "done.json", {"done": True})


def _resolved(spec: EvaluateSpec, model: Model, data: Dataset, split: str, limit: int | None) -> dict[str, Any]:
    """Return all of a specification that changes the outcome, as JSON's types."""
    return {
        "kind": "evaluation",
        "model": {"name": model.name, **model.identity},
        "data": {
            "name": data.name,
            "split": split,
            "fingerprint": data.fingerprint(split),
            "limit": limit,
            "clustering": data.clustering,
            "labels": list(data.labels),
        },
        "scoring": spec.scoring,
        "max_new_tokens": spec.max_new_tokens,
    }
