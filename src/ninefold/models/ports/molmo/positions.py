"""Positions in a sequence: those of image features, real tokens and padding.

Axes: B sequences, S positions, D width, T crops of a sequence, K pooled windows of a crop, P features that are used.
"""

from typing import Any

import torch
from torch import Tensor


def used_features(features_BTKD: Tensor, image_input_idx_BTK: Tensor) -> tuple[tuple[Tensor, Tensor], Tensor]:
    """Return the rows and columns at which features are added, and these features (P, D)."""
    positions_BP = image_input_idx_BTK.flatten(1)
    rows_P, which_P = torch.where(positions_BP >= 0)
    return (rows_P, positions_BP[rows_P, which_P]), features_BTKD.flatten(1, 2)[rows_P, which_P]


def add_features(embeds_BSD: Tensor, indices: tuple[Tensor, Tensor], features_PD: Tensor) -> tuple[Tensor, Tensor]:
    """Return the embeddings with features added at their positions, and the features."""
    features_PD = features_PD.to(embeds_BSD.device, embeds_BSD.dtype)
    return embeds_BSD + torch.zeros_like(embeds_BSD).index_put(indices, features_PD), features_PD


def token_positions(embeds_BSD: Tensor, attention_mask: Tensor | None, past_length: int) -> Tensor:
    """Return positions (B or 1, S), counted over real tokens if there is a mask."""
    length = embeds_BSD.shape[1]
    if attention_mask is not None and attention_mask.ndim == 2:
        return (attention_mask.long().cumsum(-1) - 1).clamp(min=0)[:, -length:]
    return torch.arange(past_length, past_length + length, device=embeds_BSD.device)[None]


def move_padding_left(input_ids_BS: Tensor, kwargs: dict[str, Any]) -> tuple[Tensor, dict[str, Any]]:
    """Move padding of -1 from the right to the left, and shift the positions of features."""
    real_BS = input_ids_BS >= 0
    # A stable sort: padding first, then the real tokens in their order.
    order_BS = real_BS.long().argsort(dim=1, stable=True)
    moved = {**kwargs, "attention_mask": real_BS.gather(1, order_BS).long()}
    if (positions := kwargs.get("image_input_idx")) is not None:
        new = order_BS.argsort(1).gather(1, positions.flatten(1).clamp(min=0).long()).view_as(positions)
        moved["image_input_idx"] = torch.where(positions >= 0, new, positions)
    return input_ids_BS.gather(1, order_BS).clamp(min=0), moved
