"""The architecture of a family at nano size; one file per family in `ninefold.nano.architectures`.

Axes: B images, N image tokens of one image, in the order of the sequence.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast

from ninefold.models.families import FAMILIES
from ninefold.nano.base import SIDE


@dataclass(frozen=True, slots=True)
class Steps:
    """Default optimizer steps of the three stages of pretraining."""

    vision: int
    position: int
    language: int


@dataclass(frozen=True, slots=True)
class Architecture:
    """A family's architecture at nano size."""

    family: str
    """Its name in `ninefold.models.families`."""
    prompt_start: str
    """Text of its chat template before the first question: the image and the start of the user's message."""
    processor: Callable[[PreTrainedTokenizerFast], Any]
    """A function that returns the processor and adds the family's special tokens to the tokenizer."""
    untrained: Callable[..., Any]
    """A function from a tokenizer to the model with random weights by torch's seed; options go to its loader."""
    boxes: Callable[[dict[str, Tensor]], NDArray[np.float32]]
    """A function from a batch's inputs to the part of the image that each image token shows: (N, 4), left, top, right
    and bottom as fractions of the image; an empty box for tokens that show nothing."""
    steps: Steps
    """Default steps of each stage."""
    initialize: Callable[[Any, Any], None] | None = None
    """A function that copies the matching weights of LLaVA's nano base into a model; None for random weights."""
    sizes: tuple[tuple[int, int], ...] = ((SIDE, SIDE),)
    """Widths and heights of training images, the most frequent first."""
    image_token: str = "<image>"
    """The placeholder token of the image tokens."""
    position_layer: int = 0
    """Number of decoder layers after which hidden states are trained to encode positions; 0 if the vision tower has
    learned position embeddings."""

    def is_vision(self, name: str) -> bool:
        """Whether a parameter, by its name, belongs to the vision tower; the projector is trained with the decoder."""
        return re.search(FAMILIES[self.family].vision_tower, name) is not None


def grid(rows: int, columns: int) -> NDArray[np.float32]:
    """Return the boxes of an even grid, row by row, (rows x columns, 4)."""
    down, across = np.divmod(np.arange(rows * columns), columns)
    edges = [across / columns, down / rows, (across + 1) / columns, (down + 1) / rows]
    return np.stack(edges, 1).astype(np.float32)


@torch.no_grad()
def copy_matching(model: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Copy tensors into the parameters of the same name; if a parameter is larger, into its beginning."""
    parameters = dict(model.named_parameters())
    for name, tensor in tensors.items():
        parameters[name][tuple(slice(0, size) for size in tensor.shape)] = tensor
