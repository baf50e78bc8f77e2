"""LoRA by PEFT: where it goes, how it starts, and a word on what was matched."""

import re
from typing import Any

import torch
from peft import LoraConfig, get_peft_model

from ninefold.errors import ModelError, RunError
from ninefold.models.checkpoint.messages import quiet
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


def targeted(targets: str) -> str:
    """Return the pattern that a user's word means: names of modules separated by commas, or a regular expression."""
    if re.fullmatch(r"[\w.]+(\s*,\s*[\w.]+)*", targets):
        names = "|".join(re.escape(name.strip()) for name in targets.split(","))
        return rf"(.*\.)?({names})"
    try:
        re.compile(targets)
    except re.error as error:
        raise RunError(f"--targets {targets!r}: no regular expression ({error})") from error
    return targets


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
) -> tuple[Any, list[str]]:
    """Put a fresh adapter on a model, without biases (the paper's section 5, the authors' code).

    Args:
        model: A bare model of transformers.
        pattern: The regular expression that the full names of the adapted modules match.
        rank: Of the added matrices.
        alpha: Their scale, before division by the rank.
        seed: Names the stream their first values are drawn from.
        dropout: Of what goes into them.
        init: "gaussian", or "default" for PEFT's own start.
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
        lora_dropout=dropout,
        bias="none",
        init_lora_weights=True if init == "default" else init,
        # A pattern, not a list: PEFT saves a list as a set, in another order every time.
        target_modules=pattern,
    )
    with torch.random.fork_rng(), quiet():
        torch.manual_seed(int(seed_sequence(seed, "lora").generate_state(1, "uint64")[0] >> 1))
        adapted = get_peft_model(model, config)
    adapted.peft_config["default"].base_model_name_or_path = base
    return adapted, modules
