"""LLaVA-NeXT: the same tower over a thumbnail and up to four tiles, which together show the picture unsqueezed."""

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

from ninefold.nano.architecture import Lengths, Shape, copy_matching, grid
from ninefold.nano.architectures import llava
from ninefold.nano.build import PATCH, SIDE

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
    return LlavaNextProcessor(images, tokens, **llava.reading())


def untrained(tokens: PreTrainedTokenizerFast, **options: Any) -> LlavaNextForConditionalGeneration:
    """Return the model with fresh weights."""
    config = LlavaNextConfig(image_grid_pinpoints=PINPOINTS, **llava.halves(tokens, TILE))
    return LlavaNextForConditionalGeneration._from_config(config, **options)


def boxes(inputs: dict[str, Tensor]) -> NDArray[np.float32]:
    """Return what each image token shows: a patch of the thumbnail, then of the tiles, and nothing at ends of rows."""
    height, width = inputs["image_sizes"][0].tolist()
    side, whole = TILE // PATCH, SIDE // PATCH
    # The picture fills the tiles along one side; what is padding along the other is cut off by the model.
    scale = min(whole / width, whole / height)
    rows, columns = (whole - 2 * int((whole - int(length * scale)) // 2) for length in (height, width))
    tiles = np.pad(grid(rows, columns).reshape(rows, columns, 4), ((0, 0), (0, 1), (0, 0)))
    return np.concatenate([grid(side, side), tiles.reshape(-1, 4)])


@torch.no_grad()
def graft(model: LlavaNextForConditionalGeneration, first: Any) -> None:
    """Take all of the first base; its positions are those of the thumbnail, at half the resolution."""
    tensors = dict(first.named_parameters())
    name = "model.vision_tower.embeddings.position_embedding.weight"
    positions, whole = tensors.pop(name), SIDE // PATCH
    places = positions[1:].T.reshape(1, -1, whole, whole)
    small = functional.avg_pool2d(places, 2).flatten(2)[0].T
    copy_matching(model, {**tensors, name: torch.cat([positions[:1], small])})


SHAPE = Shape(
    family="llava-next",
    opening="<user><image>",
    processor=processor,
    untrained=untrained,
    boxes=boxes,
    lengths=Lengths(eye=0, place=0, talk=450),
    graft=graft,
    sizes=((SIDE, SIDE), (SIDE, 3 * SIDE // 4), (3 * SIDE // 4, SIDE)),
)
