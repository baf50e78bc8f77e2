"""Gradient checkpointing: activations within a layer are recomputed in the backward pass instead of kept."""

from typing import Any

from peft import PeftModel

from ninefold.errors import RunError


def enable(network: Any) -> None:
    """Make a network keep only the activations between its layers.

    Raises:
        RunError: If its class does not support gradient checkpointing.
    """
    base = _base(network)
    try:
        base.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    except ValueError as error:
        raise RunError(f"no gradient checkpointing: {error}; choose --recompute False --micro-batch 1") from error
    # Transformers makes the embeddings require gradients. Only reentrant checkpointing needs that; here a frozen vision
    # tower would run a useless backward pass.
    base.disable_input_require_grads()


def disable(network: Any) -> None:
    """Make a network keep all activations again."""
    base = _base(network)
    base.gradient_checkpointing_disable()
    base.disable_input_require_grads()


def _base(network: Any) -> Any:
    return network.get_base_model() if isinstance(network, PeftModel) else network
