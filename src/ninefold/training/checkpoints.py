"""The checkpoints of a training run: the newest complete one, and the export of the best one to the run's folder."""

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from ninefold import store
from ninefold.models.protocol import Trainable
from ninefold.runs import layout


def last_checkpoint(folder: Path) -> Path | None:
    """Return the newest complete checkpoint: Trainer writes ``trainer_state.json`` last."""
    found = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]), reverse=True)
    return next((path for path in found if _is_json(path / "trainer_state.json")), None)


def save_adapter(best: Path, out: Path) -> None:
    """Write the adapter of the best epoch to ``out``, in PEFT's format."""
    with store.atomic_folder(out) as fresh:
        for name in (layout.ADAPTER_CONFIG, layout.ADAPTER_WEIGHTS):
            shutil.copy(best / name, fresh / name)


def save_model(model: Trainable, best: Path, out: Path, dtype: torch.dtype) -> None:
    """Write the weights of the best epoch to ``out`` as a full checkpoint.

    Args:
        model: The trained model; its processor is saved too.
        best: The folder saved by Trainer.
        out: The checkpoint's folder.
        dtype: The precision of the stored weights.
    """
    with store.atomic_folder(out) as fresh:
        for path in best.glob("*.json"):
            shutil.copy(path, fresh / path.name)
        for path in best.glob("*.safetensors"):
            tensors = {name: tensor.to(dtype) for name, tensor in load_file(path).items()}
            save_file(tensors, fresh / path.name, {"format": "pt"})
        config = store.read_json(fresh / "config.json")
        for part in (config, config.get("text_config", {})):
            # It was switched off only for training.
            part.pop("use_cache", None)
        store.write_json(fresh / "config.json", {**config, "dtype": str(dtype).removeprefix("torch.")})
        encoder = model.encoder
        parts = [encoder.processor] if hasattr(encoder, "processor") else [encoder.tokenizer, encoder.image_processor]
        for part in parts:
            part.save_pretrained(fresh)


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True
