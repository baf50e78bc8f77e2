"""LoRA by PEFT: where it goes, how it starts, and a word on what was matched."""

import re
from collections.abc import Sequence
from typing import Any

import torch
from peft import LoraConfig, get_peft_model

from ninefold.errors import ModelError
from ninefold.models.loading import quiet
from ninefold.seeding import seed_sequence


def matched(model: Any, pattern: str) -> list[str]:
    """Return the names of the modules that a pattern adapts, in the model's order.

    Raises:
        ModelError: If there are none, naming what the model's attention is made of.
    """
    linear = [name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)]
    found = [name for name in linear if re.fullmatch(pattern, name)]
    if not found:
        ends = sorted({name.rpartition(".")[2] for name in linear})
        raise ModelError(
            f"LoRA pattern {pattern!r} matches no module; the model's linear layers end in {', '.join(ends)}"
        )
    return found


def attach(model: Any, pattern: str, *, rank: int, alpha: int, seed: int, base: str) -> tuple[Any, list[str]]:
    """Put a fresh adapter on a model: dropout 0, no biases, Gaussian start (the paper's section 5, the authors' code).

    Args:
        model: A bare model of transformers.
        pattern: The regular expression that the full names of the adapted modules match.
        rank: Of the added matrices.
        alpha: Their scale, before division by the rank.
        seed: Names the stream their first values are drawn from.
        base: What the saved adapter calls its base: a hub id or a folder.

    Returns:
        The model with its adapter, all else frozen, and the names of the adapted modules.

    Raises:
        ModelError: If the pattern matches no module.
    """
    modules = matched(model, pattern)
    config = LoraConfig(
        r=rank,
        lora_alpha=alpha,
        lora_dropout=0.0,
        bias="none",
        init_lora_weights="gaussian",
        # A pattern, not a list: PEFT saves a list as a set, in another order every time.
        target_modules=pattern,
    )
    with torch.random.fork_rng(), quiet():
        torch.manual_seed(int(seed_sequence(seed, "lora").generate_state(1, "uint64")[0] >> 1))
        adapted = get_peft_model(model, config)
    adapted.peft_config["default"].base_model_name_or_path = base
    return adapted, modules


def summary(model: Any, modules: Sequence[str]) -> str:
    """Say in a line what was adapted, by its numbers."""
    trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    whole = sum(parameter.numel() for parameter in model.parameters())
    vision = sum("vision" in name or "visual" in name for name in modules)
    return (
        f"LoRA adapts {len(modules)} modules, {vision} in vision and {len(modules) - vision} in language: "
        f"{trained:,} of {whole:,} parameters"
    )
