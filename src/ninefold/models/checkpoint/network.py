"""Networks of checkpoints: a configuration, and a module of torch with its weights from safetensors."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModel, AutoModelForImageTextToText

from ninefold.errors import ModelError
from ninefold.models import ports  # noqa: F401 - registers the classes that transformers lacks
from ninefold.models.checkpoint import hub
from ninefold.models.checkpoint.adapter import Probe, open_adapter
from ninefold.models.checkpoint.files import check_files
from ninefold.models.checkpoint.fingerprint import checkpoint_identity
from ninefold.models.checkpoint.messages import quiet
from ninefold.models.compute.device import used_device
from ninefold.models.compute.patch_embedding import flatten_patch_embeddings
from ninefold.models.families import Checkpoint, find, of_config
from ninefold.models.spec import ModelSpec
from ninefold.runs.lineage import adapter_folder


def open_checkpoint(spec: ModelSpec) -> tuple[Checkpoint, Any]:
    """Return a model's checkpoint and its configuration, from which the family of an unlisted hub id follows.

    Raises:
        ModelError: If there is no such checkpoint, or a file of it cannot be read.
    """
    checkpoint = find(spec.name)
    if checkpoint.local:
        check_files(Path(checkpoint.path))
    else:
        hub.check(checkpoint.path)
    with quiet():
        config = AutoConfig.from_pretrained(checkpoint.path, trust_remote_code=spec.trust_remote_code)
    family = checkpoint.family if checkpoint.family.checkpoints else of_config(config.to_dict())
    return replace(checkpoint, family=family), config


def open_network(
    checkpoint: Checkpoint, config: Any, spec: ModelSpec, *, probe: Probe
) -> tuple[Any, dict[str, object]]:
    """Return a model on its device, perhaps with an adapter, and its identity.

    Args:
        checkpoint: The checkpoint, from `open_checkpoint`.
        config: Its configuration.
        spec: The model and its options.
        probe: The example that the model, and the merging of its adapter, is tested with.

    Raises:
        ModelError: If the checkpoint or the adapter cannot be used; the message gives the reason.
    """
    identity = checkpoint_identity(checkpoint, spec)
    if identity is None:
        raise ModelError(f"{checkpoint.name}: no files of it where huggingface_hub keeps them; is HF_HUB_CACHE right?")
    base = partial(_open_base, checkpoint, config, spec, identity)
    model = base()
    if not checkpoint.nano:
        _check_numbers(checkpoint, model, probe)
    if spec.adapter is not None:
        model = open_adapter(model, adapter_folder(spec.adapter), probe=probe, reopened=base)
    return model, identity


def open_model(checkpoint: Checkpoint, *, dtype: torch.dtype | str, trust_remote_code: bool = False) -> Any:
    """Return a checkpoint's model, in evaluation mode.

    Raises:
        ModelError: If it cannot be opened, has no safetensors, or tensors are missing, left over or of other shapes.
            Tensors that the class in transformers declares to be ignorable are ignored.
    """
    auto = AutoModel if checkpoint.family.kind == "dual" else AutoModelForImageTextToText
    with quiet():
        model, found = auto.from_pretrained(
            checkpoint.path,
            dtype=dtype,
            use_safetensors=True,
            trust_remote_code=trust_remote_code,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # They are refused below, by name.
        )
    wrong = {
        "lacks {} tensors, {} first": found["missing_keys"],
        "holds {} tensors that the model has no place for, {} first": found["unexpected_keys"],
        "holds {} tensors of other shapes than the model's, {} first": {name for name, *_ in found["mismatched_keys"]},
    }
    if problems := [text.format(len(names), min(names)) for text, names in wrong.items() if names]:
        raise ModelError(
            f"{checkpoint.name}: the checkpoint {', and '.join(problems)}; its files must be of one checkpoint"
        )
    return model.eval()


def _open_base(checkpoint: Checkpoint, config: Any, spec: ModelSpec, identity: Mapping[str, object]) -> Any:
    """Return a checkpoint's model on its device."""
    precision = getattr(torch, str(identity["dtype"]))
    model = open_model(checkpoint, dtype=precision, trust_remote_code=spec.trust_remote_code)
    _check_opened(checkpoint, config, model, identity)
    model = model.to(torch.device(used_device(spec.device)))
    flatten_patch_embeddings(model)
    return model


def _check_opened(checkpoint: Checkpoint, config: Any, model: Any, identity: Mapping[str, object]) -> None:
    """Refuse a model that differs from its identity, which was computed from its files."""
    types = {str(weight.dtype).removeprefix("torch.") for weight in model.parameters()}
    if identity["dtype"] not in types:
        raise ModelError(
            f"{checkpoint.name}: computes in {', '.join(sorted(types))} and not in {identity['dtype']}; "
            f"name what it can compute in with --dtype"
        )
    revision = getattr(config, "_commit_hash", None)
    if not checkpoint.local and revision not in (None, identity["checkpoint"]):
        raise ModelError(f"{checkpoint.name}: was updated on the hub meanwhile; run the same command again")


def _check_numbers(checkpoint: Checkpoint, model: Any, probe: Probe) -> None:
    """Refuse a model that cannot compute one example, or computes no numbers."""
    with torch.inference_mode():
        finite = bool(probe(model).isfinite().all())
    if not finite:
        raise ModelError(
            f"{checkpoint.name}: computes NaN or infinity for a blank image; choose another --dtype, or download it "
            "again"
        )
