"""Identity of a checkpoint and its adapter from their files; it changes whenever answers may change. No torch here."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xxhash

from ninefold import store
from ninefold.errors import ModelError, first_line
from ninefold.models.compute.device import on_cpu
from ninefold.models.families import Checkpoint, of_config
from ninefold.models.family import Family, Precision
from ninefold.runs import layout, lineage

CONFIG = "config.json"
"""File name of a checkpoint's configuration."""

_UNREAD = {
    "", ".bin", ".ckpt", ".gguf", ".gif", ".gz", ".h5", ".jpeg", ".jpg", ".log", ".md", ".msgpack", ".onnx", ".ot",
    ".pdf", ".png", ".pt", ".pth", ".tar", ".webp", ".zip",
}  # fmt: skip
"""Suffixes of files in a checkpoint's folder that are never read: texts for people, and weights of other formats."""

_WITHOUT_EFFECT = {
    "auto_mapping",
    "base_model_name_or_path",
    "inference_mode",
    "lora_dropout",
    "peft_version",
    "revision",
    "runtime_config",
    "task_type",
}
"""Settings of an adapter that change no answer: its origin, its use, and those of training alone."""

_SETS = {"exclude_modules", "layers_to_transform", "target_modules"}
"""Settings that are sets, which PEFT stores as lists in any order."""

_TYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}
"""Floating-point types by their safetensors name."""


def checkpoint_identity(
    checkpoint: Checkpoint,
    *,
    adapter: Path | None = None,
    dtype: Precision = "auto",
    device: str = "auto",
    trust_remote_code: bool = False,
) -> dict[str, object] | None:
    """Return the identity of a checkpoint, perhaps with an adapter, without opening either.

    Args:
        checkpoint: The checkpoint.
        adapter: A PEFT adapter's folder, or the training run that made it.
        dtype: Floating-point type of the forward pass.
        device: A torch device, or "auto": a GPU where there is one.
        trust_remote_code: Whether code that comes with the checkpoint may run.

    Returns:
        The ``identity`` of `ninefold.models.protocol.Model`; None for a hub id that has not been downloaded.

    Raises:
        ModelError: If the checkpoint has no readable configuration, or the adapter is missing or of another base.
    """
    files = checkpoint_files(checkpoint)
    if files is None:
        return None
    config = _json(files / CONFIG)
    family = family_of(checkpoint, config)
    identity: dict[str, object] = {
        "name": checkpoint.name,
        "family": family.name,
        "nano": checkpoint.nano,
        "checkpoint": folder_hash(files) if checkpoint.local else files.name,
        "adapter": None,
        # Nano bases compute everywhere as on a CPU, on which they were made.
        "dtype": _compute_dtype(dtype, files, config, cpu=checkpoint.nano or on_cpu(device)),
    }
    if trust_remote_code and config.get("auto_map"):
        identity["remote_code"] = True
    if adapter is not None:
        folder = lineage.adapter_folder(adapter)
        _check_adapter(folder, identity)
        identity["adapter"] = adapter_hash(folder)
    return identity | (_squeezed(config) if family.kind == "dual" else {})


def checkpoint_files(checkpoint: Checkpoint) -> Path | None:
    """Return the folder of a checkpoint's files; for a hub id the newest local snapshot, or None without one."""
    if checkpoint.local:
        return Path(checkpoint.path)
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(checkpoint.path, CONFIG)
    return Path(found).parent if isinstance(found, str) else None


def family_of(checkpoint: Checkpoint, config: Mapping[str, object]) -> Family:
    """Return a checkpoint's row; for a hub id it may be known only from the configuration."""
    return checkpoint.family if checkpoint.family.checkpoints else of_config(config)


def folder_hash(folder: Path) -> str:
    """Return a hash of all files of a checkpoint except those known to change no answer."""
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() not in _UNREAD and path.is_file())
    content = "".join(f"{path.name}:{store.file_hash(path)};" for path in files)
    return str(xxhash.xxh3_128_hexdigest(content.encode()))


def adapter_hash(folder: Path) -> str:
    """Return a hash of an adapter's weights and of all its settings except those without an effect on answers.

    Raises:
        ModelError: If its settings cannot be read.
    """
    path = folder / layout.ADAPTER_CONFIG
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelError(f"{folder}: the adapter does not fit this base ({first_line(error)})") from error
    if not isinstance(config, dict):
        raise ModelError(f"{path}: holds no settings of an adapter; copy the adapter again")
    # A version of PEFT that does not know a setting leaves it out, as if it were off.
    settings = {
        key: sorted(value, key=str) if key in _SETS and isinstance(value, list) else value
        for key, value in config.items()
        if key not in _WITHOUT_EFFECT and not (value is None or value is False or value in ({}, []))
    }
    content = store.canonical_json(settings) + store.file_hash(folder / layout.ADAPTER_WEIGHTS)
    return str(xxhash.xxh3_128_hexdigest(content.encode()))


def _check_adapter(folder: Path, identity: Mapping[str, object]) -> None:
    """Refuse a folder without an adapter, and an adapter whose training run began from another checkpoint."""
    for name in (layout.ADAPTER_CONFIG, layout.ADAPTER_WEIGHTS):
        if not (folder / name).is_file():
            raise ModelError(f"{folder}: no adapter, as it has no {name}; name a finished training run")
    base = lineage.base_of(folder) or {}
    theirs, ours = str(base.get("checkpoint")), str(identity["checkpoint"])
    # A revision on the hub and a hash of files, which differ in length, cannot be compared.
    if len(theirs) == len(ours) and theirs != ours:
        raise ModelError(
            f"{lineage.training_run(folder)}: its adapter was trained on another base, {base.get('name')} "
            f"({theirs[:12]}), not {identity['name']} ({ours[:12]}); name that one with --model"
        )


def _compute_dtype(dtype: Precision, files: Path, config: Mapping[str, Any], *, cpu: bool) -> str:
    """Return the floating-point type of the forward pass: on a CPU float32, elsewhere the checkpoint's own."""
    if dtype != "auto":
        return dtype
    if cpu:
        return "float32"
    # As in transformers: the configuration's type, or that of the first floating-point weight.
    return str(config.get("dtype") or config.get("torch_dtype") or _first_dtype(files))


def _first_dtype(files: Path) -> str:
    first = min(files.glob("*.safetensors"), default=None)
    if first is None:
        return "float32"
    with first.open("rb") as file:
        tensors = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    types = (facts.get("dtype") for name, facts in tensors.items() if name != "__metadata__")
    return next((_TYPES[name] for name in types if name in _TYPES), "float32")


def _squeezed(config: Mapping[str, Any]) -> dict[str, object]:
    """Return a dual encoder's preprocessing of images and texts (see `ninefold.models.clip.encoder`)."""
    # Missing values have the defaults of transformers' CLIPVisionConfig.
    side = {**(config.get("vision_config") or {}), **(config.get("vision_config_dict") or {})}.get("image_size", 224)
    return {"pictures": f"squeezed to {side} x {side}", "texts": "question and option"}


def _json(path: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelError(f"{path}: not readable as JSON ({first_line(error)})") from error
    return found if isinstance(found, dict) else {}
