"""Targets of image tokens: the object that each one shows.

Axes: B images, N image tokens.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ninefold.nano.world import INKS, OUTLINES, WorldImage, WorldThing


def token_targets(images: list[WorldImage], boxes: NDArray[np.float32]) -> tuple[Tensor, Tensor, Tensor]:
    """Return the object centered in the part of the image that each token shows; if there are several, the foremost.

    Returns:
        shape_BN and color_BN, class indices with 0 for no object and -100 for tokens that show nothing, and offset_BN2,
        the object's center within that part, in [0, 1].
    """
    left, top, right, bottom = boxes.T
    empty = right <= left
    shape = np.zeros((len(images), len(boxes)), np.int64)
    shape[:, empty] = -100
    color = shape.copy()
    offset = np.zeros((*shape.shape, 2), np.float32)
    names = list(OUTLINES)
    for b, image in enumerate(images):
        for item in image.items:
            there = (left <= item.x) & (item.x < right) & (top <= item.y) & (item.y < bottom)
            shape[b, there], color[b, there] = 1 + names.index(item.shape), 1 + INKS.index(item.color)
            offset[b, there, 0] = ((item.x - left) / np.maximum(right - left, 1e-6))[there]
            offset[b, there, 1] = ((item.y - top) / np.maximum(bottom - top, 1e-6))[there]
    return torch.from_numpy(shape), torch.from_numpy(color), torch.from_numpy(offset)


def shown_by(boxes: NDArray[np.float32], item: WorldThing) -> NDArray[np.float32]:
    """Return 1 for the image tokens whose center lies on an object, or that are nearest to it; 0 elsewhere."""
    left, top, right, bottom = boxes.T
    width, height = right - left, bottom - top
    across = np.abs((left + right) / 2 - item.x) <= np.maximum(item.w, width) / 2
    down = np.abs((top + bottom) / 2 - item.y) <= np.maximum(item.h, height) / 2
    found: NDArray[np.float32] = (across & down & (width > 0)).astype(np.float32)
    return found
