"""The settings of a training run: everything that changes the outcome, with all defaults filled in."""

from typing import Any

from ninefold.data.format.dataset import Dataset
from ninefold.models.protocol import Trainable
from ninefold.training import lora
from ninefold.training.spec import TrainSpec


def resolve(spec: TrainSpec, model: Trainable) -> dict[str, Any]:
    """Return the settings of a run in JSON's types, with the family's defaults where the specification has none.

    Raises:
        DataError: If a data set or a split does not exist.
        RunError: If ``targets`` is not a pattern.
    """
    preset = model.checkpoint.preset
    return {
        "kind": "training",
        "model": model.identity,
        "data": [
            {
                "name": data.name,
                "train": [spec.train_split, data.fingerprint(spec.train_split)],
                "validation": [spec.validation_split, data.fingerprint(spec.validation_split)],
            }
            for data in map(Dataset.open, spec.data)
        ],
        "limit": spec.limit,
        "seed": spec.seed,
        "scope": spec.lora_scope,
        "lora": _lora(spec, model) if spec.method == "lora" else None,
        "optimizer": "adamw",
        "learning_rate": spec.learning_rate or preset.learning_rate,
        "schedule": spec.schedule or preset.schedule,
        "warmup": spec.warmup,
        "weight_decay": spec.weight_decay,
        "clip": spec.clip,
        "batch": spec.batch or preset.batch,
        "epochs": spec.epochs,
        "patience": spec.patience,
    }


def _lora(spec: TrainSpec, model: Trainable) -> dict[str, Any]:
    return {
        "pattern": model.family.scopes[spec.lora_scope] if spec.targets is None else lora.pattern_of(spec.targets),
        "rank": spec.rank,
        "alpha": spec.alpha,
        "dropout": spec.dropout,
        "init": spec.init,
        "bias": "none",
    }
