"""The kept state of an open network, to restore it exactly after an adapter or a training has changed it."""

from collections.abc import Iterable
from typing import Any

import torch


class Kept:
    """The state of a network: its modules, attributes, configurations and weights.

    Weights are kept by reference: a change that gives them other memory is undone without a second copy of the model.
    """

    def __init__(self, network: torch.nn.Module, *, copied: Iterable[torch.Tensor] = ()) -> None:
        """Keep a network's state.

        Args:
            network: The network.
            copied: Those of its tensors that may be overwritten in place; the values of these are copied.
        """
        configs: dict[int, Any] = {}
        self._attributes: list[tuple[Any, dict[str, Any]]] = []
        for module in network.modules():
            self._attributes.append((module, dict(module.__dict__)))
            for config in (module.__dict__.get("config"), module.__dict__.get("generation_config")):
                if config is not None:
                    configs[id(config)] = config
        self._attributes += [(config, dict(config.__dict__)) for config in configs.values()]
        # Parameters, buffers, submodules and hooks are in dictionaries.
        self._contents = {
            id(value): (value, dict(value))
            for _, attributes in self._attributes
            for value in attributes.values()
            if isinstance(value, dict)
        }
        self._weights = [(weight, weight.data, weight.requires_grad) for weight in network.parameters()]
        distinct = {id(tensor): tensor for tensor in copied}
        self._copies = [(tensor.data, tensor.detach().clone()) for tensor in distinct.values()]

    def restore(self) -> None:
        """Restore the network; gradients are dropped."""
        for owner, attributes in self._attributes:
            owner.__dict__.clear()
            owner.__dict__.update(attributes)
        for found, content in self._contents.values():
            found.clear()
            found.update(content)
        for weight, data, required in self._weights:
            weight.data, weight.grad = data, None
            weight.requires_grad_(required)
        for data, values in self._copies:
            data.copy_(values)
