"""Auxiliary heads on image tokens for the object centered there and its position; used during pretraining only.

Axes: B images, N image tokens, D width.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from ninefold.nano import base
from ninefold.nano.world import INKS, OUTLINES

PATCHES = base.SIDE // base.PATCH
"""Patches along a square image's side."""


class ImageTokenHeads(nn.Module):
    """Linear heads on image tokens: shape, color and center of the object there."""

    def __init__(self) -> None:
        super().__init__()
        self.objects = nn.Linear(base.WIDTH, len(OUTLINES) + 1 + len(INKS) + 1 + 2)
        self.position = nn.Linear(base.WIDTH, 2)

    def object_loss(
        self, features_BND: Tensor, targets: tuple[Tensor, Tensor, Tensor]
    ) -> tuple[Tensor, dict[str, float]]:
        """Return the loss of shape, color and offset, and their accuracies over the tokens that hold an object."""
        shape_BN, color_BN, offset_BN2 = targets
        shape, color, offset = self.objects(features_BND).float().split((len(OUTLINES) + 1, len(INKS) + 1, 2), -1)
        # Nearly every patch is empty: without a small weight for "nothing", shapes are not learned.
        shape_loss = functional.cross_entropy(shape.flatten(0, 1), shape_BN.flatten(), _weights(0.004, len(OUTLINES)))
        color_loss = functional.cross_entropy(color.flatten(0, 1), color_BN.flatten(), _weights(0.01, len(INKS)))
        there = shape_BN > 0
        offset_loss = functional.l1_loss(offset[there], offset_BN2[there])
        measured = {
            "shape": (shape[there].argmax(-1) == shape_BN[there]).float().mean().item(),
            "color": (color[there].argmax(-1) == color_BN[there]).float().mean().item(),
            "offset": offset_loss.item(),
        }
        return shape_loss + color_loss + offset_loss, measured

    def position_loss(self, states_BND: Tensor, targets: tuple[Tensor, Tensor, Tensor], boxes_N4: Tensor) -> Tensor:
        """Return the mean error of object positions in the whole image, in patches along its side."""
        shape_BN, _, offset_BN2 = targets
        there = shape_BN > 0
        corner_N2, size_N2 = boxes_N4[:, :2], boxes_N4[:, 2:] - boxes_N4[:, :2]
        position_BN2 = corner_N2 + offset_BN2 * size_N2
        # In patches: errors of less than one patch still count.
        return PATCHES * functional.l1_loss(self.position(states_BND[there]).float(), position_BN2[there])


def _weights(nothing: float, classes: int) -> Tensor:
    return torch.tensor([nothing, *[1.0] * classes])
