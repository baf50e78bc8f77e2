"""What is trained of a model, LoRA's matrices or its own weights, and how it is given back as it was."""

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from ninefold import store
from ninefold.models.families import Scope
from ninefold.models.protocol import Trainable
from ninefold.training import lora
from ninefold.training.trainer import recompute

_SIGHT = re.compile(r"(^|[._])(vision|visual|image|multi_modal|projector|connector|merger)")
"""What parts of a model that work on pictures are called, up to and with the projector, in all of transformers."""


@dataclass(frozen=True)
class Tuned:
    """A model ready to be trained."""

    network: Any
    """The model, with its adapter where there is one; all that is trained requires a gradient, and nothing else."""
    modules: list[str]
    """Names of the modules that LoRA adapts; of the weights that are trained, where there is no LoRA."""
    dtype: torch.dtype
    """What it computes in."""
    summary: str
    """What is trained, in a line."""


@contextmanager
def tuned(model: Trainable, settings: Mapping[str, Any], *, restored: bool) -> Iterator[Tuned]:
    """Yield a model ready to be trained.

    Args:
        model: What is trained; it is free of anything else for as long.
        settings: Of the run, as in its ``spec.json``.
        restored: Whether it is needed afterwards: its weights, modules and settings are then what they were.

    Raises:
        ModelError: If LoRA's pattern matches no module.
    """
    network, dtype = model.model, model.model.dtype
    before = _State(network) if restored else None
    # Nothing is generated: keys and values of the past would only take room.
    network.config.get_text_config().use_cache = False
    try:
        if settings["lora"] is None:
            yield _whole(network, settings["scope"], dtype)
        else:
            options = {key: settings["lora"][key] for key in ("rank", "alpha", "dropout", "init")}
            adapted, modules = lora.attach(
                network, settings["lora"]["pattern"], seed=settings["seed"], base=model.source.path, **options
            )
            try:
                yield Tuned(adapted, modules, dtype, _summary(adapted, f"LoRA adapts {len(modules)} modules", modules))
            finally:
                if restored:
                    adapted.unload()
    finally:
        if before is not None:
            before.restore(network)


class _State:
    """All of a network that training changes."""

    def __init__(self, network: Any) -> None:
        self.configs = [(part, dict(part.__dict__)) for part in (network.config, network.config.get_text_config())]
        self.weights = [(weight, weight.data, weight.requires_grad) for weight in network.parameters()]
        self.attributes = set(network.__dict__)

    def restore(self, network: Any) -> None:
        if any(getattr(module, "gradient_checkpointing", False) for module in network.modules()):
            recompute(network, off=True)
        for part, settings in self.configs:
            part.__dict__.clear()
            part.__dict__.update(settings)
        for weight, data, required in self.weights:
            weight.data, weight.grad = data, None
            weight.requires_grad_(required)
        # What else was hung on it, such as a forward in mixed precision.
        for name in set(network.__dict__) - self.attributes:
            delattr(network, name)
        network.eval()


def _whole(network: Any, scope: Scope, dtype: torch.dtype) -> Tuned:
    weights = {name: weight for name, weight in network.named_parameters() if is_trained(name, scope)}
    for name, weight in network.named_parameters():
        weight.requires_grad_(name in weights)
    for weight in weights.values():
        # A copy, so that what was there stays; in half precision most small steps would be rounded away.
        weight.data = weight.data.clone().float()
    return Tuned(network, list(weights), dtype, _summary(network, f"{len(weights)} weights are trained", list(weights)))


def is_trained(name: str, scope: Scope) -> bool:
    """Whether full fine-tuning of a scope trains the weight of a name."""
    return scope == "vision+language" or not _SIGHT.search(name)


def save(model: Trainable, best: Path, out: Path, dtype: torch.dtype | None) -> None:
    """Write what the best epoch made to a run's folder: ``adapter/``, or ``model/`` as a checkpoint of its own.

    Args:
        model: What was trained.
        best: What Trainer saved.
        out: The run's folder.
        dtype: What the weights of a checkpoint are stored in; ``None`` for an adapter.
    """
    if dtype is None:
        with store.atomic_folder(out / "adapter") as fresh:
            for name in ("adapter_config.json", "adapter_model.safetensors"):
                shutil.copy(best / name, fresh / name)
        return
    with store.atomic_folder(out / "model") as fresh:
        for path in best.glob("*.json"):
            shutil.copy(path, fresh / path.name)
        for path in best.glob("*.safetensors"):
            tensors = {name: tensor.to(dtype) for name, tensor in load_file(path).items()}
            save_file(tensors, fresh / path.name, {"format": "pt"})
        config = store.read_json(fresh / "config.json")
        for part in (config, config.get("text_config", {})):
            # Switched off to train, and of no meaning to who uses the model.
            part.pop("use_cache", None)
        store.write_json(fresh / "config.json", {**config, "dtype": str(dtype).removeprefix("torch.")})
        encoder = model.encoder
        parts = [encoder.processor] if hasattr(encoder, "processor") else [encoder.tokenizer, encoder.image_processor]
        for part in parts:
            part.save_pretrained(fresh)


def _summary(network: Any, what: str, names: Sequence[str]) -> str:
    trained = sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
    whole = sum(parameter.numel() for parameter in network.parameters())
    sight = sum(bool(_SIGHT.search(name)) for name in names)
    return f"{what}, {sight} in vision and {len(names) - sight} in language: {trained:,} of {whole:,} parameters"
