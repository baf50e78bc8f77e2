"""LoRA adapters of PEFT: opened on the base they were trained on, every tensor accounted for."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel, get_peft_model_state_dict
from safetensors import safe_open

from ninefold import store
from ninefold.errors import ModelError, NinefoldError
from ninefold.models.checkpoint.messages import first_line, quiet


def open_adapter(model: Any, folder: Path, identity: Mapping[str, object]) -> Any:
    """Put a saved adapter on its base: merged into its weights in single precision, beside them where that would round.

    Args:
        model: The base.
        folder: What `adapter_folder` returned.
        identity: The base's (see `ninefold.models.protocol.Model`).

    Raises:
        ModelError: If the folder holds no adapter, or one for another base.
    """
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        if not (folder / name).is_file():
            raise ModelError(f"{folder}: no adapter, as it has no {name}; name a finished training run")
    _check_base(folder, identity)
    try:
        with quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # What PEFT warns of is refused below.
            tuned = PeftModel.from_pretrained(model, str(folder))
            _check_placed(tuned, folder)
            return (tuned.merge_and_unload() if model.dtype == torch.float32 else tuned).eval()
    except NinefoldError:
        raise
    except Exception as error:  # as in explained
        raise ModelError(f"{folder}: the adapter does not fit this base ({first_line(error)})") from error


def _check_base(folder: Path, identity: Mapping[str, object]) -> None:
    """Refuse an adapter whose training run began from another checkpoint."""
    if folder.name != "adapter" or not (folder.parent / "spec.json").is_file():
        return
    trained = store.read_json(folder.parent / "spec.json").get("model", {})
    theirs, ours = str(trained.get("checkpoint")), str(identity["checkpoint"])
    # A revision on the hub and a hash of files, told by their lengths, say nothing about each other.
    if len(theirs) == len(ours) and theirs != ours:
        raise ModelError(
            f"{folder.parent}: its adapter was trained on another base, {trained.get('name')} ({theirs[:12]}), "
            f"not {identity['name']} ({ours[:12]}); name that one with --model"
        )


def _check_placed(tuned: Any, folder: Path) -> None:
    """Refuse an adapter some of whose tensors PEFT has left out, or has made up."""
    with safe_open(folder / "adapter_model.safetensors", "pt") as file:
        held = set(file.keys())
    placed = get_peft_model_state_dict(tuned, save_embedding_layers=False).keys()
    extra, missing = sorted(held - placed - tuned.state_dict().keys()), sorted(placed - held)
    if extra:
        raise ModelError(
            f"{folder}: the adapter does not fit this base, which has no place for {len(extra)} of its "
            f"{len(held)} tensors, {extra[0]} first"
        )
    if missing:
        raise ModelError(f"{folder}: the adapter lacks {len(missing)} tensors, {missing[0]} first; copy it again")


def adapter_folder(path: Path) -> Path:
    """Return the folder of an adapter, given it or the training run that made it."""
    return path / "adapter" if (path / "adapter").is_dir() else path
