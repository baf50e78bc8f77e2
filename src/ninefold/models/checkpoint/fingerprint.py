"""Hashes of a checkpoint and of an adapter: what changes them changes a model's answers. No torch here."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import xxhash

from ninefold import store
from ninefold.models.families import Checkpoint

_WEIGHTS = ("*.safetensors", "*.json", "*.jinja", "*.model", "*.txt")


def checkpoint_id(checkpoint: Checkpoint, config: Any) -> str | None:
    """Return what tells versions of a checkpoint apart: its revision on the hub, or a hash of its files here."""
    return folder_hash(Path(checkpoint.path)) if checkpoint.local else getattr(config, "_commit_hash", None)


def folder_hash(folder: Path) -> str:
    """Return a hash of all the files of a checkpoint that can change what it answers."""
    files = sorted({path for pattern in _WEIGHTS for path in folder.glob(pattern)})
    digest = xxhash.xxh3_128()
    for path in files:
        digest.update(f"{path.name}:{_file_hash(path, path.stat().st_mtime_ns)};".encode())
    return str(digest.hexdigest())


def adapter_hash(folder: Path) -> str:
    """Return a hash of an adapter's weights and of the settings that scale and place them."""
    config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    # What says where the base lay, or which PEFT wrote it, changes no answer.
    settings = {key: config.get(key) for key in ("r", "lora_alpha", "use_rslora", "target_modules", "peft_type")}
    weights = folder / "adapter_model.safetensors"
    content = store.canonical_json(settings) + _file_hash(weights, weights.stat().st_mtime_ns)
    return str(xxhash.xxh3_128_hexdigest(content.encode()))


@lru_cache(maxsize=64)
def _file_hash(path: Path, _changed: int) -> str:
    digest = xxhash.xxh3_128()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return str(digest.hexdigest())
