"""LoRA adapters of PEFT: loading onto their base, and merging where that changes no answer."""

import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import accumulate, chain
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel, get_peft_model_state_dict
from peft.tuners.tuners_utils import BaseTunerLayer
from safetensors import safe_open

from ninefold.console import warn
from ninefold.errors import ModelError
from ninefold.models.checkpoint import limits
from ninefold.models.checkpoint.adapter_settings import check_settings
from ninefold.models.checkpoint.messages import explained, quiet
from ninefold.runs import layout

_PREFIX = "base_model.model."
"""What PEFT puts before the names of the base's modules."""

Probe = Callable[[Any], torch.Tensor]
"""A function from a network to its logits for one fixed example."""

_ROUNDING = 3e-5
"""Largest difference of the probe's logits before and after merging, as a fraction of the largest logit."""


def open_adapter(model: Any, folder: Path, *, probe: Probe, reopened: Callable[[], Any]) -> Any:
    """Add a saved adapter to its base, merged into the weights in single precision if that changes no answer.

    It stays beside the weights in half precision, where merging would round it; if PEFT cannot merge its method; if an
    adapted weight is shared, e.g. embeddings tied to the output layer, because merging would change the other module
    too; and if the probe's logits change by more than rounding.

    Args:
        model: The base, which is changed.
        folder: The adapter's folder, already checked against this base (`ninefold.models.checkpoint.fingerprint`).
        probe: The example that merging is tested with.
        reopened: A function that opens the base again.

    Raises:
        ModelError: If its tensors are not exactly those that its settings require on this base, or are not finite, or
            if it cannot be computed.
    """
    tuned = attached(model, folder)
    with explained(f"{folder}: PEFT cannot compute this adapter, {method(tuned)}"):
        before = _logits(tuned, probe)
    if model.dtype != torch.float32:
        return tuned
    if shared := shared_targets(tuned):
        return _unmerged(tuned, folder, f"it adapts {shared[0]}, whose weight another module shares")
    try:
        with explained(f"PEFT does not merge {method(tuned)}"), quiet():
            merged = tuned.merge_and_unload().eval()
    except ModelError as reason:
        # Some of its layers may be merged already.
        return _unmerged(attached(reopened(), folder), folder, str(reason))
    if torch.allclose(_logits(merged, probe), before, rtol=0, atol=_ROUNDING * float(before.abs().max())):
        return merged
    return _unmerged(attached(reopened(), folder), folder, "merging would change the answers")


def overwritten(model: Any, folder: Path) -> list[torch.Tensor]:
    """Return the tensors of a base that `open_adapter` may overwrite.

    They are those that the adapter itself holds, such as biases, and in single precision those of the modules that it
    adapts, into which it is merged.

    Args:
        model: The base.
        folder: The adapter's folder.

    Raises:
        ModelError: If the adapter cannot be read.
    """
    named = dict(chain(model.named_parameters(remove_duplicate=False), model.named_buffers(remove_duplicate=False)))
    return [named[name] for name in named_by(model, folder, merged=model.dtype == torch.float32)]


def named_by(model: Any, folder: Path, *, merged: bool) -> list[str]:
    """Return the names of the tensors of a base that an adapter may change, which may repeat.

    Args:
        model: The base.
        folder: The adapter's folder.
        merged: Whether it is merged; beside the weights it changes only tensors that it holds itself, such as biases.

    Raises:
        ModelError: If the adapter cannot be read.
    """
    with explained(f"{folder}: the adapter cannot be read"), safe_open(folder / layout.ADAPTER_WEIGHTS, "pt") as file:
        names = [name.removeprefix(_PREFIX).replace(".base_layer.", ".") for name in sorted(file.keys())]
    tensors = chain(model.named_parameters(remove_duplicate=False), model.named_buffers(remove_duplicate=False))
    known = {name for name, _ in tensors}
    found = [name for name in names if name in known]
    if merged:
        modules = dict(model.named_modules(remove_duplicate=False))
        for path in dict.fromkeys(path for name in names for path in accumulate(name.split("."), "{}.{}".format)):
            if module := modules.get(path):
                direct = chain(module.named_parameters(recurse=False), module.named_buffers(recurse=False))
                found += [f"{path}.{name}" for name, _ in direct]
    return found


def _logits(network: Any, probe: Probe) -> torch.Tensor:
    with torch.inference_mode(), quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return probe(network)


def method(tuned: Any) -> str:
    """Return the name of an adapter's method in PEFT."""
    return str(tuned.active_peft_config.peft_type.value)


def attached(model: Any, folder: Path) -> Any:
    """Return a base with an adapter beside its weights.

    Raises:
        ModelError: If its tensors are not exactly those that its settings require on this base, or are not finite.
    """
    with explained(f"{folder}: the adapter does not fit this base"), quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # The causes of PEFT's warnings are refused below.
        settings = check_settings(folder)
        _check_tensors(folder, settings)
        _check_patterns(model, folder, settings)
        tuned = PeftModel.from_pretrained(model, str(folder))
        _check_loaded(tuned, folder)
        return tuned.eval()


def _unmerged(tuned: Any, folder: Path, reason: str) -> Any:
    warn(f"{folder}: the adapter is kept beside the weights, not merged, because {reason}; this is somewhat slower")
    return tuned


def shared_targets(tuned: Any) -> list[str]:
    """Return the names of adapted modules with a weight that another module has too, seen by its memory."""
    owners = Counter(_memory(weight) for _, weight in tuned.named_parameters(remove_duplicate=False))
    return [
        name.removeprefix(_PREFIX)
        for name, module in tuned.named_modules()
        if isinstance(module, BaseTunerLayer)
        and any(owners[_memory(weight)] > 1 for weight in module.get_base_layer().parameters())
    ]


def _memory(weight: torch.Tensor) -> int:
    return weight.untyped_storage().data_ptr()


def _check_tensors(folder: Path, settings: Mapping[str, Any]) -> None:
    """Refuse an adapter with tensors that are not finite, or a rank that none has, which could fill memory."""
    largest = 0
    with safe_open(folder / layout.ADAPTER_WEIGHTS, "pt") as file:
        for name in sorted(file.keys()):
            tensor = file.get_tensor(name)
            largest = max(largest, *tensor.shape)
            if not tensor.isfinite().all():
                raise ModelError(
                    f"{folder}: {name} holds NaN or infinity; train the adapter again, at a lower learning rate"
                )
    path = folder / layout.ADAPTER_CONFIG
    ranks = [settings.get("r"), *dict(settings.get("rank_pattern") or {}).values()]
    if too_large := [rank for rank in ranks if isinstance(rank, int) and rank > largest]:
        raise ModelError(f"{path}: rank {too_large[0]:,} is larger than any of the adapter's tensors; copy it again")


def _check_patterns(model: Any, folder: Path, settings: Mapping[str, Any]) -> None:
    """Refuse regular expressions that would keep PEFT busy for ages."""
    patterns = [settings.get(name) for name in ("target_modules", "exclude_modules")]
    patterns += [key for name in ("rank_pattern", "alpha_pattern") for key in settings.get(name) or {}]
    written = [pattern for pattern in patterns if isinstance(pattern, str)]
    limits.check_patterns(str(folder), written, [name for name, _ in model.named_modules()])


def _check_loaded(tuned: Any, folder: Path) -> None:
    """Refuse an adapter with tensors that PEFT ignored, or that it had to initialize."""
    with safe_open(folder / layout.ADAPTER_WEIGHTS, "pt") as file:
        held = set(file.keys())
    loaded = get_peft_model_state_dict(tuned, save_embedding_layers=False).keys()
    extra, missing = sorted(held - loaded - tuned.state_dict().keys()), sorted(loaded - held)
    if extra:
        raise ModelError(
            f"{folder}: the adapter does not fit this base, which has no place for {len(extra)} of its "
            f"{len(held)} tensors, {extra[0]} first"
        )
    if missing:
        raise ModelError(f"{folder}: the adapter lacks {len(missing)} tensors, {missing[0]} first; copy it again")
