"""LoRA by PEFT: the modules it adapts, and its initial values."""

import re
from typing import Any

import torch
from peft import LoraConfig, get_peft_model

from ninefold.errors import ModelError
from ninefold.models.checkpoint import limits
from ninefold.models.checkpoint.messages import quiet
from ninefold.seeding import seed_sequence


def matched(model: Any, pattern: str) -> list[str]:
    """Return the names of the linear layers that a pattern matches, in the model's order.

    Raises:
        ModelError: If there are none; the message lists the names of the model's linear layers. Also if matching
            takes too long.
    """
    linear = [name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)]
    limits.check_patterns("--targets", [pattern], linear)
    found = [name for name in linear if re.fullmatch(pattern, name)]
    if not found:
        ends = sorted({name.rpartition(".")[2] for name in linear})
        raise ModelError(
            f"LoRA pattern {pattern!r} matches no module; the model's linear layers end in {', '.join(ends)}"
        )
    return found


def attach(
    model: Any,
    pattern: str,
    *,
    rank: int,
    alpha: int,
    seed: int,
    base: str,
    dropout: float = 0.0,
    init: str = "gaussian",
    bias: str = "none",
) -> tuple[Any, list[str]]:
    """Add a new adapter to a model, by default without biases (the paper's section 5, the authors' code).

    Args:
        model: A model of transformers, without adapter.
        pattern: The regular expression that the full names of the adapted modules match.
        rank: The rank of the added matrices.
        alpha: The scale of the update, before division by the rank.
        seed: The seed of the initial values.
        base: The hub id or folder that the saved adapter names as its base model.
        dropout: The dropout probability on the input of the added matrices.
        init: The initialization of the first matrix: "gaussian", or "default" for PEFT's own.
        bias: The biases that are trained, in PEFT's words.

    Returns:
        The model with its adapter, all other weights frozen, and the names of the adapted modules.

    Raises:
        ModelError: If the pattern matches no module, or the rank is larger than both sides of all matched ones.
    """
    modules = matched(model, pattern)
    largest = max(max(model.get_submodule(name).weight.shape) for name in modules)
    if rank > largest:
        raise ModelError(
            f"--rank {rank:,}: the largest adapted module has {largest:,} columns or rows; a higher rank adds nothing"
        )
    config = LoraConfig(
        r=rank,
        lora_alpha=alpha,
        lora_dropout=dropout,
        bias=bias,
        init_lora_weights=True if init == "default" else init,
        # A pattern, not a list: PEFT saves a list as a set, in another order every time.
        target_modules=pattern,
    )
    with torch.random.fork_rng(), quiet():
        torch.manual_seed(int(seed_sequence(seed, "lora").generate_state(1, "uint64")[0] >> 1))
        adapted = get_peft_model(model, config)
    adapted.peft_config["default"].base_model_name_or_path = base
    return adapted, modules
