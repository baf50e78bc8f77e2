"""Image features of a frozen dual encoder as arrays: the pooled vector that texts are compared with, or the patches.

Axes: B images, P patches, D width.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from ninefold.models.clip.model import DualEncoder, distinct_images
from ninefold.models.compute.prefetch import prefetch
from ninefold.types import Example

Kind = Literal["pooled", "patches"]
"""The pooled and projected vector of an image, or the vectors of its patches."""

LAYER = -2
"""Layer of the patches: the last but one, as in LLaVA; CLIP's training does not use the patches of the last one."""

SIDE = 9
"""Largest number of patches in a row and in a column; more are averaged: those of CLIP at 336 pixels are 24 x 24."""


def image_features(model: DualEncoder, examples: Sequence[Example], kind: Kind) -> NDArray[np.float32]:
    """Return the features of each example's image, (examples, width) in single precision; questions are not used.

    Raises:
        DataError: If an image cannot be read.
    """
    distinct, batches = distinct_images(examples)
    found = np.concatenate([_computed(model, made, kind) for made in prefetch(model.pixels, batches)])
    row = {image: number for number, image in enumerate(distinct)}
    return found[[row[example.image] for example in examples]]


@torch.inference_mode()
def _computed(model: DualEncoder, pixels_BCHW: torch.Tensor, kind: Kind) -> NDArray[np.float32]:
    network = model.model
    pixels = pixels_BCHW.to(network.device, network.dtype)
    if kind == "pooled":
        features = network.get_image_features(pixel_values=pixels).pooler_output
    else:
        layers = network.vision_model(pixel_values=pixels, output_hidden_states=True).hidden_states
        patches_BPD = layers[LAYER][:, 1:]  # The first one is the class token.
        side = round(patches_BPD.shape[1] ** 0.5)
        grid_BDHW = patches_BPD.transpose(1, 2).unflatten(2, (side, side)).float()
        features = torch.nn.functional.adaptive_avg_pool2d(grid_BDHW, min(side, SIDE)).flatten(1)
    array: NDArray[np.float32] = features.float().cpu().numpy()
    return array
