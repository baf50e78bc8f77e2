"""LLaVA-NeXT: the vision tower on a thumbnail and up to four tiles, which keep the aspect ratio."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from transformers import (
    LlavaNextConfig,
    LlavaNextForConditionalGeneration,
    LlavaNextImageProcessorPil,
    LlavaNextProcessor,
    PreTrainedTokenizerFast,
)

from ninefold.nano.architecture import Architecture, Steps, copy_matching, grid
from ninefold.nano.architectures import llava
from ninefold.nano.base import PATCH, SIDE

TILE = SIDE // 2
PINPOINTS = [[TILE, SIDE], [SIDE, TILE], [SIDE, SIDE]]


def processor(tokens: PreTrainedTokenizerFast) -> LlavaNextProcessor:
    """Return the processor."""
    images = LlavaNextImageProcessorPil(
        size={"shortest_edge": TILE},
        crop_size={"height": TILE, "width": TILE},
        image_grid_pinpoints=PINPOINTS,
        image_mean=[0.5, 0.5, 0.5],
        image_std=[0.5, 0.5, 0.5],
    )
    return LlavaNextProcessor(images, tokens, **llava.processor_options())


def untrained(tokens: PreTrainedTokenizerFast, **options: Any) -> LlavaNextForConditionalGeneration:
    """Return the model with random weights."""
    config = LlavaNextConfig(image_grid_pinpoints=PINPOINTS, **llava.model_options(tokens, TILE))
    return LlavaNextForConditionalGeneration._from_config(config, **options)


def boxes(inputs: dict[str, Tensor]) -> NDArray[np.float32]:
    """Return the part of the image that each token shows: thumbnail, then tiles; none for tokens at row ends."""
    height, width = inputs["image_sizes"][0].tolist()
    side, whole = TILE // PATCH, SIDE // PATCH
    # The image fills the tiles along one side; the model removes the padding along the other.
    scale = min(whole / width, whole / height)
    rows, columns = (whole - 2 * int((whole - int(length * scale)) // 2) for length in (height, width))
    tiles = np.pad(grid(rows, columns).reshape(rows, columns, 4), ((0, 0), (0, 1), (0, 0)))
    return np.concatenate([grid(side, side), tiles.reshape(-1, 4)])


@torch.no_grad()
def initialize(model: LlavaNextForConditionalGeneration, first: Any) -> None:
    """Copy LLaVA's nano base; position embeddings are averaged to the thumbnail's half resolution."""
    tensors = dict(first.named_parameters())
    name = "model.vision_tower.embeddings.position_embedding.weight"
    positions, whole = tensors.pop(name), SIDE // PATCH
    table = positions[1:].T.reshape(1, -1, whole, whole)
    small = functional.avg_pool2d(table, 2).flatten(2)[0].T
    copy_matching(model, {**tensors, name: torch.cat([positions[:1], small])})


ARCHITECTURE = Architecture(
    family="llava-next",
    prompt_start="<user><image>",
    processor=processor,
    untrained=untrained,
    boxes=boxes,
    steps=Steps(vision=0, position=0, language=450),
    initialize=initialize,
    sizes=((SIDE, SIDE), (SIDE, 3 * SIDE // 4), (3 * SIDE // 4, SIDE)),
)
