"""The trained parameters, LoRA's matrices or the model's own weights, and the restoring of the model afterwards."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from ninefold.errors import ModelError
from ninefold.models.checkpoint.kept import Kept
from ninefold.models.family import Family, Scope
from ninefold.models.protocol import Trainable
from ninefold.training import lora


@dataclass(frozen=True)
class TrainableNetwork:
    """A network ready to be trained."""

    network: Any
    """The network, with its adapter if any; exactly the trained parameters require a gradient."""
    modules: list[str]
    """Names of the modules that LoRA adapts, or of the trained weights."""
    dtype: torch.dtype
    """The precision of its computation."""
    summary: str
    """The trained parameters, in one line."""


@contextmanager
def made_trainable(model: Trainable, settings: Mapping[str, Any], *, restore: bool) -> Iterator[TrainableNetwork]:
    """Yield a model's network ready to be trained.

    Args:
        model: The model; nothing else may use it meanwhile.
        settings: The run's settings, as in its ``spec.json``.
        restore: Whether to restore weights, modules and configuration afterwards.

    Raises:
        ModelError: If LoRA's pattern matches no module, or the model has no dropout of its own.
    """
    network, dtype = model.model, model.model.dtype
    before = Kept(network) if restore else None
    # Training does not generate: a KV cache would only take memory.
    network.config.get_text_config().use_cache = False
    try:
        if settings["lora"] is None:
            if settings.get("dropout"):
                set_dropout(network, settings["dropout"], settings["scope"], model.family, model.name)
            yield _all_weights(network, model.family, settings["scope"], dtype)
        else:
            adapted, modules = lora.attach(
                network, seed=settings["seed"], base=model.checkpoint.path, **settings["lora"]
            )
            summary = _summary(adapted, f"LoRA adapts {len(modules)} modules", modules, model.family)
            yield TrainableNetwork(adapted, modules, dtype, summary)
    finally:
        if before is not None:
            before.restore()


def _all_weights(network: Any, family: Family, scope: Scope, dtype: torch.dtype) -> TrainableNetwork:
    weights = {name: weight for name, weight in network.named_parameters() if is_trained(name, scope, family)}
    for name, weight in network.named_parameters():
        weight.requires_grad_(name in weights)
    for weight in weights.values():
        # A single-precision copy: the original is kept, and in half precision most small updates would be rounded away.
        weight.data = weight.data.clone().float()
    names = list(weights)
    return TrainableNetwork(
        network, names, dtype, _summary(network, f"{len(names)} weights are trained", names, family)
    )


_RATES = ("attention_dropout", "dropout")
"""Attributes in which the attention of transformers keeps the dropout probability of its weights."""


def set_dropout(network: torch.nn.Module, probability: float, scope: Scope, family: Family, name: str) -> None:
    """Set the dropout probability of a network's own dropout in a scope: of attention weights, and of dropout layers.

    Raises:
        ModelError: If it has none.
    """
    found = False
    for module_name, module in network.named_modules():
        if not is_trained(module_name, scope, family):
            continue
        rates = ["p"] if isinstance(module, torch.nn.Dropout) else list(_RATES)
        for rate in rates:
            if isinstance(getattr(module, rate, None), float):
                setattr(module, rate, probability)
                found = True
    if not found:
        raise ModelError(f"--dropout {probability}: {name} has no dropout of its own; leave it out with --method full")


def is_trained(name: str, scope: Scope, family: Family) -> bool:
    """Whether full fine-tuning of a scope trains the weight with this name."""
    return scope == "vision+language" or not family.is_vision(name)


def _summary(network: Any, what: str, names: Sequence[str], family: Family) -> str:
    trained = sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
    total = sum(parameter.numel() for parameter in network.parameters())
    vision = sum(map(family.is_vision, names))
    return f"{what}, {vision} in vision and {len(names) - vision} in language: {trained:,} of {total:,} parameters"
