"""A KV cache with free positions for new tokens.

The cache of transformers copies everything at every new token. This one writes new tokens into free positions, and
copies only when rows are selected, e.g. when several questions continue from one prefix.

Axes: B rows, H heads, C positions held, S positions added, D width of a head.
"""

from typing import Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

ROOM = 16
"""Minimum number of free positions after a copy: most answers are shorter."""


def new_cache(config: Any) -> DynamicCache:
    """Return an empty cache for a model of this configuration."""
    cache = DynamicCache(config=config)
    # Layers of other kinds, such as those with a sliding window, stay unchanged.
    cache.layers = [RoomyLayer() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache


class RoomyLayer(DynamicLayer):  # type: ignore[misc]
    """One layer's keys and values, each a view into a tensor with more positions."""

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__()
        self._rows: torch.Tensor | None = None
        self._room = 0

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Add keys and values (B, H, S, D), and return all of them (B, H, C + S, D)."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self.keys, self.values = key_states[:, :, :0], value_states[:, :, :0]
        more = key_states.shape[-2]
        if self._rows is not None or self._room < more:
            self.keys = _copied(self.keys, self._rows, key_states.shape[0], more)
            self.values = _copied(self.values, self._rows, value_states.shape[0], more)
            self._rows, self._room = None, more + ROOM
        self.keys, self.values = _extended(self.keys, key_states), _extended(self.values, value_states)
        self._room -= more
        return self.keys, self.values

    def get_seq_length(self) -> int:
        """Return C."""
        return self.keys.shape[-2] if self.is_initialized else 0

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keep these rows, in this order; they are copied at the next update."""
        self._rows = indices if self._rows is None else self._rows[indices]


def _copied(held_BHCD: torch.Tensor, rows: torch.Tensor | None, batch: int, more: int) -> torch.Tensor:
    """Return selected rows at the front of a tensor with room for ``more`` positions and `ROOM`."""
    heads, length, width = held_BHCD.shape[1:]
    roomy = held_BHCD.new_empty(batch, heads, length + more + ROOM, width)
    copied = roomy[:, :, :length]
    return copied.copy_(held_BHCD if rows is None else held_BHCD[rows])


def _extended(held_BHCD: torch.Tensor, more_BHSD: torch.Tensor) -> torch.Tensor:
    """Return a view with S more positions, written into the free positions after the held ones."""
    batch, heads, length, width = held_BHCD.shape
    extended = held_BHCD.as_strided((batch, heads, length + more_BHSD.shape[-2], width), held_BHCD.stride())
    extended[:, :, length:] = more_BHSD
    return extended
