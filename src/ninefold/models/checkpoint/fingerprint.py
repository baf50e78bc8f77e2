"""Identity of a checkpoint and its adapter from their files; it changes whenever answers may change. No torch here."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xxhash

from ninefold import store
from ninefold.errors import ModelError
from ninefold.models.checkpoint import hub
from ninefold.models.checkpoint.adapter_settings import WITHOUT_EFFECT, read_settings
from ninefold.models.checkpoint.files import CONFIG, check_safetensors, read_object
from ninefold.models.compute.device import on_cpu
from ninefold.models.families import Checkpoint, of_config
from ninefold.models.family import Family, Precision
from ninefold.models.spec import ModelSpec
from ninefold.runs import layout, lineage

_UNREAD = {
    "", ".bin", ".ckpt", ".gguf", ".gif", ".gz", ".h5", ".jpeg", ".jpg", ".log", ".md", ".msgpack", ".onnx", ".ot",
    ".pdf", ".png", ".pt", ".pth", ".tar", ".webp", ".zip",
}  # fmt: skip
"""Suffixes of files in a checkpoint's folder that are never read: texts for people, and weights of other formats."""

_SETS = {"exclude_modules", "layers_to_transform", "target_modules"}
"""Settings that are sets, which PEFT stores as lists in any order."""

_TYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}
"""Floating-point types by their safetensors name."""


def checkpoint_identity(checkpoint: Checkpoint, spec: ModelSpec) -> dict[str, object] | None:
    """Return the identity of a checkpoint, perhaps with an adapter, without opening either.

    Args:
        checkpoint: The checkpoint.
        spec: The model and its options.

    Returns:
        The ``identity`` of `ninefold.models.protocol.Model`; None for a hub id that has not been downloaded.

    Raises:
        ModelError: If the checkpoint has no readable configuration, or the adapter is missing or of another base.
    """
    files = checkpoint_files(checkpoint)
    if files is None:
        return None
    config = read_object(files / CONFIG)
    family = family_of(checkpoint, config)
    identity: dict[str, object] = {
        "name": checkpoint.name,
        "family": family.name,
        "nano": checkpoint.nano,
        "checkpoint": folder_hash(files) if checkpoint.local else files.name,
        "adapter": None,
        # Nano bases compute everywhere as on a CPU, on which they were made.
        "dtype": _compute_dtype(spec.dtype, files, config, cpu=checkpoint.nano or on_cpu(spec.device)),
    }
    if spec.trust_remote_code and config.get("auto_map"):
        identity["remote_code"] = True
    if family.kind == "dual":
        identity |= {**_squeezed(config), "texts": spec.texts}
    else:
        spec.check_writes()
    if spec.adapter is not None:
        identity = with_adapter(identity, lineage.adapter_folder(spec.adapter))
    return identity


def with_adapter(identity: Mapping[str, object], folder: Path) -> dict[str, object]:
    """Return the identity of a checkpoint with an adapter, given that of the checkpoint and the adapter's folder.

    Raises:
        ModelError: If the adapter is missing or of another base.
    """
    _check_adapter(folder, identity)
    return {**identity, "adapter": adapter_hash(folder)}


def checkpoint_files(checkpoint: Checkpoint) -> Path | None:
    """Return the folder of a checkpoint's files; for a hub id the newest local snapshot, or None without one."""
    if checkpoint.local:
        return Path(checkpoint.path)
    found = hub.downloaded(checkpoint.path, CONFIG)
    return None if found is None else found.parent


def family_of(checkpoint: Checkpoint, config: Mapping[str, object]) -> Family:
    """Return a checkpoint's row; for a hub id it may be known only from the configuration."""
    return checkpoint.family if checkpoint.family.checkpoints else of_config(config)


def folder_hash(folder: Path) -> str:
    """Return a hash of all files of a checkpoint except those known to change no answer."""
    files = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() not in _UNREAD and path.name != layout.EXPORT and path.is_file()
    )
    content = "".join(f"{path.name}:{store.file_hash(path)};" for path in files)
    return str(xxhash.xxh3_128_hexdigest(content.encode()))


def adapter_hash(folder: Path) -> str:
    """Return a hash of an adapter's weights and of all its settings except those without an effect on answers.

    Raises:
        ModelError: If its settings cannot be read.
    """
    config = read_settings(folder)
    # A version of PEFT that does not know a setting leaves it out, as if it were off.
    settings = {
        key: sorted(value, key=str) if key in _SETS and isinstance(value, list) else value
        for key, value in config.items()
        if key not in WITHOUT_EFFECT and not (value is None or value is False or value in ({}, []))
    }
    content = store.canonical_json(settings) + store.file_hash(folder / layout.ADAPTER_WEIGHTS)
    return str(xxhash.xxh3_128_hexdigest(content.encode()))


def _check_adapter(folder: Path, identity: Mapping[str, object]) -> None:
    """Refuse a folder without an adapter, and an adapter whose training run began from another checkpoint."""
    for name in (layout.ADAPTER_CONFIG, layout.ADAPTER_WEIGHTS):
        if not (folder / name).is_file():
            raise ModelError(f"{folder}: no adapter, as it has no {name}; name a finished training run")
    check_safetensors(folder / layout.ADAPTER_WEIGHTS)
    base = lineage.base_of(folder) or {}
    theirs, ours = str(base.get("checkpoint")), str(identity["checkpoint"])
    # A revision on the hub and a hash of files, which differ in length, cannot be compared.
    if len(theirs) == len(ours) and theirs != ours:
        raise ModelError(
            f"{lineage.training_run(folder) or folder}: its adapter was trained on another base, {base.get('name')} "
            f"({theirs[:12]}), not {identity['name']} ({ours[:12]}); name that one with --model"
        )
    learned, asked = base.get("texts"), identity.get("texts")
    if learned != asked and None not in (learned, asked):
        raise ModelError(
            f"{lineage.training_run(folder) or folder}: its adapter was trained with --texts {learned!r}, not {asked!r}"
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
    check_safetensors(first)
    with first.open("rb") as file:
        tensors = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    types = (facts.get("dtype") for name, facts in tensors.items() if name != "__metadata__")
    return next((_TYPES[name] for name in types if name in _TYPES), "float32")


def _squeezed(config: Mapping[str, Any]) -> dict[str, object]:
    """Return a dual encoder's preprocessing of images (see `ninefold.models.clip.encoder`)."""
    # Missing values have the defaults of transformers' CLIPVisionConfig.
    side = {**(config.get("vision_config") or {}), **(config.get("vision_config_dict") or {})}.get("image_size", 224)
    return {"pictures": f"squeezed to {side} x {side}"}
