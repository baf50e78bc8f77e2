"""The checkpoints of a training run: the newest whole one, and the export of the best epoch to the run's folder."""

import json
import shutil
import zipfile
import zlib
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from ninefold import store
from ninefold.errors import RunError
from ninefold.models.checkpoint.fingerprint import checkpoint_files
from ninefold.models.checkpoint.processor import video_settings
from ninefold.models.protocol import Trainable
from ninefold.runs import layout
from ninefold.training.processes import processes, warn

_STATE = "trainer_state.json"
"""File of a checkpoint that Trainer writes last."""

_NEEDED = ("scheduler*", "rng_state*", "optimizer*", "*model*")
"""Patterns of the other files of a checkpoint: schedule, random numbers, optimizer, weights."""


_ODD = (OSError, ValueError, KeyError, TypeError, EOFError, RuntimeError, zlib.error)
"""What reading a damaged JSON file or ZIP archive raises."""


def last_checkpoint(folder: Path) -> Path | None:
    """Return the newest whole checkpoint; damaged ones, such as after a power failure, are named and removed."""
    found = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]), reverse=True)
    for path in found:
        # Without it, the training was killed while it wrote the checkpoint, which it will write again.
        if not (path / _STATE).exists():
            continue
        damage = _damage(path)
        if damage is None:
            return path
        warn(f"{path}: {damage}; training goes on from the checkpoint before it, or from the beginning")
        if processes().is_main_process:
            shutil.rmtree(path)
    return None


def best_weights(folder: Path, epoch: int) -> Path:
    """Return where the weights of an epoch that was the best so far are kept."""
    return folder / f"{layout.BEST}-{epoch}"


def existing_best_weights(folder: Path, epoch: int) -> Path:
    """Return the folder of the weights of the best epoch.

    Raises:
        RunError: If somebody removed it.
    """
    best = best_weights(folder, epoch)
    if not best.exists():
        raise RunError(f"{best}: the weights of the best epoch are missing; delete {folder} to train again")
    return best


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
        # What ninefold does not open other programs do.
        files = checkpoint_files(model.checkpoint)
        video = None if files is None else video_settings(files, model.model.config)
        if video is not None:
            store.write_json(fresh / "video_preprocessor_config.json", video)


def _damage(checkpoint: Path) -> str | None:
    """Return what is wrong with a checkpoint, or None. Optimizer states are read whole: a changed byte is found."""
    for pattern in _NEEDED:
        if not any(checkpoint.glob(pattern)):
            return f"{pattern.strip('*')} is missing"
    for path in checkpoint.iterdir():
        try:
            if path.name == _STATE:
                json.loads(path.read_text(encoding="utf-8"))["log_history"]
            elif path.suffix == ".safetensors":
                with safe_open(path, "pt"):
                    pass
            elif path.suffix in {".pt", ".pth"}:
                # Torch's files are ZIP archives, with a checksum of each part.
                with zipfile.ZipFile(path) as archive:
                    if archive.testzip() is not None:
                        return f"{path.name} is damaged"
        except (*_ODD, SafetensorError, zipfile.BadZipFile):
            return f"{path.name} is damaged"
    return None
