"""What the recipe needs to know of an architecture: a shape for each family, in `ninefold.nano.architectures`.

Axes: B pictures, N image tokens of one picture, in the order of the sequence.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast

from ninefold.nano.build import SIDE


@dataclass(frozen=True, slots=True)
class Lengths:
    """Steps of the three stages of the recipe: naming, placing, talking."""

    eye: int
    place: int
    talk: int


@dataclass(frozen=True, slots=True)
class Shape:
    """A family's architecture at nano size."""

    family: str
    """The name of its row."""
    opening: str
    """What its chat template writes before the first question: a picture and who speaks."""
    processor: Callable[[PreTrainedTokenizerFast], Any]
    """Makes the processor; adds the special tokens of the family to the tokenizer."""
    untrained: Callable[..., Any]
    """Makes the model for a processor's tokenizer, from torch's current seed; options go to its loader."""
    boxes: Callable[[dict[str, Tensor]], NDArray[np.float32]]
    """Given a batch's inputs, what each image token shows: (N, 4), left, top, right, bottom in
    fractions of the picture; nothing for tokens that show nothing."""
    lengths: Lengths
    """How long each stage takes."""
    graft: Callable[[Any, Any], None] | None = None
    """Copies into a model what fits of the first base; without it the family starts from nothing."""
    sizes: tuple[tuple[int, int], ...] = ((SIDE, SIDE),)
    """Widths and heights that pictures are drawn at, the most frequent first."""
    image_token: str = "<image>"
    """What stands in the sequence where an image token is."""
    places_after: int = 0
    """Decoder layers after which an image token should know its place: none where the eyes have learned positions."""

    def is_eye(self, name: str) -> bool:
        """Whether a parameter belongs to what sees, by its name; what hands over to the decoder learns with that."""
        return any(part in name for part in ("vision_tower", "visual.", "image_vit", "vision_model")) and (
            "merger" not in name
        )


def grid(rows: int, columns: int) -> NDArray[np.float32]:
    """Return the boxes of an even grid, row by row, (rows x columns, 4)."""
    down, across = np.divmod(np.arange(rows * columns), columns)
    edges = [across / columns, down / rows, (across + 1) / columns, (down + 1) / rows]
    return np.stack(edges, 1).astype(np.float32)


@torch.no_grad()
def copy_matching(model: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Copy tensors into the parameters of the same name; where a shape is larger, into its beginning."""
    parameters = dict(model.named_parameters())
    for name, tensor in tensors.items():
        parameters[name][tuple(slice(0, size) for size in tensor.shape)] = tensor
