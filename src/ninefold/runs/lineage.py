"""Lineage of tuned models: the training run that made an adapter or a checkpoint, and its base model."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ninefold import store
from ninefold.errors import RunError
from ninefold.runs import layout

Identity = Mapping[str, Any]
"""The identity of a model, in JSON types (see `ninefold.models.identity`)."""


def adapter_folder(path: Path) -> Path:
    """Return the folder of an adapter, given that folder or the training run that made it."""
    return path / layout.ADAPTER if (path / layout.ADAPTER).is_dir() else path


def checkpoint_folder(path: Path) -> Path:
    """Return the folder of a checkpoint, given that folder or the full fine-tuning run that made it."""
    return path / layout.MODEL if training_run(path) == path and (path / layout.MODEL).is_dir() else path


def training_run(path: Path) -> Path | None:
    """Return the training run that made an adapter or a checkpoint, given the folder of either, or of the run itself.

    None if neither the folder nor its parent is a training run.
    """
    made = {layout.ADAPTER, layout.MODEL}
    for folder in (path, path.parent) if path.name in made else (path,):
        if (folder / layout.SPEC).is_file() and _kind(folder) == "training":
            return folder
    return None


def base_of(path: Path) -> Identity | None:
    """Return the identity of the model that an adapter or a checkpoint was trained from, if known.

    An exported adapter, and a checkpoint that one was merged into, name it themselves.
    """
    run = training_run(path)
    if run is not None:
        return identity_in(run)
    base = store.read_json(path / layout.EXPORT).get("base") if (path / layout.EXPORT).is_file() else None
    return base if isinstance(base, dict) else None


def identity_in(run: Path) -> Identity:
    """Return the identity of a run's model: the evaluated model, or the one that training began from.

    Raises:
        RunError: If the folder is not a run.
    """
    model = store.read_json(run / layout.SPEC).get("model")
    if not isinstance(model, dict):
        raise RunError(
            f"{run}: its {layout.SPEC} names no model; name a run of `ninefold train` or `ninefold evaluate`"
        )
    return model


def parent(model: Identity, provenance: Mapping[str, Any]) -> Identity | None:
    """Return the identity of the model that an evaluated model was tuned from; None for a base.

    Args:
        model: Identity of the evaluated model, ``model`` in the run's ``spec.json``.
        provenance: The run's provenance, which names the ``parent`` of a model with weights of its own.
    """
    if model.get("adapter") is not None:
        return {**model, "adapter": None}
    base = provenance.get("parent")
    # The base is compared as evaluated, not as trained: in the tuned model's floating-point type.
    return None if base is None else {**base, "dtype": model["dtype"]} if "dtype" in model else dict(base)


def subject(model: Identity, provenance: Mapping[str, Any]) -> Identity:
    """Return the identity of an evaluated model's base: the model itself, or the one it was tuned from."""
    return parent(model, provenance) or model


def _kind(folder: Path) -> object:
    try:
        return store.read_json(folder / layout.SPEC).get("kind")
    except RunError:
        return None
