"""How much arithmetic a model takes, from the shapes of its weights, and what a card could do at most.

An operation is a multiplication or an addition of a matrix product; all else is left out, as is what LoRA adds.

- A matrix of W weights takes 2 W operations at each position it is used at. So prefill takes 2 x tokens x parameters of
  the language model's layers, the vision tower 2 x patches x its parameters, its merger or projector as much at its own
  positions, and the head 2 x its parameters at each position whose logits are computed.
- Attention of width D takes 4 D operations a layer for each pair of a query and a key it may see: 2 D for the score and
  2 D for the sum of values. In the vision tower all positions of a tile see each other; in the language model T tokens
  after C earlier ones make T (C + T / 2) pairs. A kernel that computes the masked half too does more than is counted.
- Backward, weights being frozen, a matrix takes as much again for the gradient of its input, and attention twice as
  much; nothing goes back through a vision tower without an adapter. Where activations are recomputed, forward is done
  twice.
"""

import math
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any

import torch

PEAKS = (
    ("B200", 2250.0),
    ("H200 NVL", 835.0),
    ("H200", 989.0),
    ("H100 NVL", 835.0),
    ("H100 PCIe", 756.0),
    ("H100", 989.0),
    ("A100", 312.0),
    ("L40S", 362.0),
    ("L40", 181.0),
    ("L4", 121.0),
    ("RTX 4090", 165.0),
    ("RTX 3090", 71.0),
)
"""Dense bf16 TFLOP/s with sums in single precision, by what is in a card's name; from NVIDIA's data sheets."""

POSITIONS = (
    (r".*(visual\.merger|image_projector|image_pooling_2d\.(wq|wo)).*", "merged"),
    (r".*(patch_embed|multi_modal_projector|image_pooling_2d).*", "patches"),
    (r"visual_projection", "tiles"),
    (r"text_projection", "sequences"),
    (r".*(vision|visual|image_vit).*", "tower"),
    (r"lm_head|.*transformer\.ff_out", "logits"),
    (r".*", "tokens"),
)
"""What a matrix is used at the positions of, by the first pattern that its module's name matches."""

MIXING = r".*(\.o_proj|\.out_proj|attn\.proj|\.wo|\.attn_out)"
"""The last matrix of an attention; as wide as its heads together are its rows."""

FINISHING = r".*\.(?:layers|blocks)\.(\d+)\.(?:self_attn\.o_proj|mlp\..*|attn_out|ff_proj|ff_out)"
"""What a layer of the language model does with each position alone; the number is the layer's."""


@dataclass(frozen=True)
class Operations:
    """In units of one operation."""

    vision: float = 0.0
    """Matrices of the vision tower and what follows it, up to the language model."""
    vision_attention: float = 0.0
    language: float = 0.0
    language_attention: float = 0.0

    @property
    def total(self) -> float:
        """All of them."""
        return self.vision + self.vision_attention + self.language + self.language_attention

    def __add__(self, other: "Operations") -> "Operations":
        """Return both together."""
        return Operations(*(one + more for one, more in zip(astuple(self), astuple(other), strict=True)))

    def times(self, factor: float) -> "Operations":
        """Return so many times as much."""
        return Operations(*(factor * one for one in astuple(self)))

    def training(self, *, through_vision: bool, recompute: bool) -> "Operations":
        """Return what forward and backward take together, where this is forward."""
        again = int(recompute)
        sight = (2 + again, 3 + again) if through_vision else (1, 1)
        return Operations(
            sight[0] * self.vision,
            sight[1] * self.vision_attention,
            (2 + again) * self.language,
            (3 + again) * self.language_attention,
        )


@dataclass(frozen=True)
class Seen:
    """What goes through a vision tower."""

    tiles: int = 0
    patches: int = 0
    """Of a tile."""
    classes: int = 0
    """Further positions of a tile."""


def seen(network: Any, tensors: Mapping[str, torch.Tensor]) -> Seen:
    """Return what a model's processor made of one image, or of several of one size."""
    classes = int(any(name.endswith("class_embedding") for name, _ in network.named_parameters()))
    if "images" in tensors:
        batch, tiles, patches = tensors["images"].shape[:3]
        return Seen(batch * tiles, patches, classes)
    if "image_grid_thw" in tensors:
        grids = tensors["image_grid_thw"]
        return Seen(len(grids), int(grids[0].prod()), classes)
    pixels = tensors["pixel_values"]
    side = pixels.shape[-1]
    return Seen(pixels.numel() // (3 * side**2), (side // network.config.vision_config.patch_size) ** 2, classes)


def forward(
    network: Any,
    sequences: Sequence[int],
    *,
    logits: int = 0,
    image: Seen | None = None,
    before: int = 0,
    last_alone: bool = False,
) -> Operations:
    """Return what a forward pass takes.

    Args:
        network: A bare model of transformers, on any device.
        sequences: Tokens of each sequence that are read.
        logits: Positions whose logits are computed.
        image: What goes through the vision tower; nothing where features are at hand.
        before: Earlier tokens that each sequence sees, whose keys and values are at hand.
        last_alone: Whether the last layer is finished for one position of each sequence alone.
    """
    sight = image or Seen()
    positions = {
        "tokens": sum(sequences),
        "sequences": len(sequences),
        "logits": logits,
        "tiles": sight.tiles,
        "patches": sight.tiles * sight.patches,
        "merged": sight.tiles * sight.patches // 4,
        "tower": sight.tiles * (sight.patches + sight.classes),
    }
    matrices = _matrices(network)
    layers = [
        int(found[1]) for name in matrices if _kind(name) == "tokens" and (found := re.fullmatch(FINISHING, name))
    ]
    pairs = sum(length * (before + length / 2) for length in sequences)
    count = Operations()
    for name, shape in matrices.items():
        kind = _kind(name)
        finishing = re.fullmatch(FINISHING, name) if kind == "tokens" else None
        alone = last_alone and finishing is not None and int(finishing[1]) == max(layers)
        times = 2.0 * math.prod(shape) * positions["sequences" if alone else kind]
        mixes = 4.0 * shape[1] if re.fullmatch(MIXING, name) else 0.0
        if kind in ("tokens", "logits", "sequences"):
            count += Operations(language=times, language_attention=mixes * pairs if kind == "tokens" else 0.0)
        else:
            # Pooling is an attention too, of a window's mean to its four patches.
            keys = sight.patches + sight.classes
            window = positions["merged"] * 4 if kind == "merged" else positions["tower"] * keys
            count += Operations(vision=times, vision_attention=mixes * window)
    return count


def _matrices(network: Any) -> dict[str, torch.Size]:
    """Return the shape of every matrix, (outputs, inputs ...), by the name of its module."""
    kinds = (torch.nn.Linear, torch.nn.Conv2d, torch.nn.Conv3d)
    return {name: module.weight.shape for name, module in network.named_modules() if isinstance(module, kinds)}


def _kind(name: str) -> str:
    return next(kind for pattern, kind in POSITIONS if re.fullmatch(pattern, name))


def peak(device: str) -> float | None:
    """Return the dense bf16 peak of a card in TFLOP/s; ``None`` where the table does not have it."""
    name = torch.cuda.get_device_name() if device == "cuda" else ""
    return next((peak for part, peak in PEAKS if part in name), None)


def product(device: str, dtype: torch.dtype, size: int) -> float:
    """Return the TFLOP/s of multiplying two square matrices, the best of ten."""
    one, other = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    best = math.inf
    for _ in range(10):
        synchronize()
        begun = time.perf_counter()
        one @ other
        synchronize()
        best = min(best, time.perf_counter() - begun)
    return 2 * size**3 / best / 1e12


def synchronize() -> None:
    """Wait until a GPU, where there is one, has done what it was given."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
