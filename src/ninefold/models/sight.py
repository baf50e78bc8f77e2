"""What a model finally sees of a picture, read off the very tensors that its processor makes of it."""

import json
from collections.abc import Mapping
from typing import Any

from transformers.image_processing_utils import select_best_resolution

from ninefold import images
from ninefold.models.base import Sight
from ninefold.models.encoding import Encoder, Tensors
from ninefold.types import Example

View = tuple[tuple[int, int] | None, int, int]
"""Pixels, tiles and image tokens, as in `Sight`."""


class Eyes:
    """Looks at pictures through an encoder, once at each size: what a processor makes of a picture depends on no more.

    Texts are counted once each, too, so that a whole data set can be looked at.
    """

    def __init__(self, encoder: Encoder) -> None:
        """Look through ``encoder``."""
        self.encoder = encoder
        self._views: dict[tuple[int, int], tuple[View, int]] = {}
        self._texts: dict[str, int] = {}

    def sees(self, example: Example) -> Sight:
        """Return what becomes of an example's picture.

        Raises:
            DataError: If the picture cannot be read.
        """
        size = images.size(example.image, name=f"example {example.id}")
        text = self._text_tokens(example)
        if size not in self._views:
            tensors = self.encoder.encode([example], [self.encoder.picture(example)])
            # Special tokens part a picture from the text, so that it adds the same to every prompt.
            added = tensors["input_ids"].shape[1] - text
            self._views[size] = view(self.encoder.processor, size, tensors), added
        (pixels, tiles, image_tokens), added = self._views[size]
        return Sight(size, pixels, tiles, image_tokens, prompt_tokens=text + added)

    def _text_tokens(self, example: Example) -> int:
        if example.prompt not in self._texts:
            text = self.encoder.prompt(example)
            self._texts[example.prompt] = len(self.encoder.tokenizer(text, add_special_tokens=False)["input_ids"])
        return self._texts[example.prompt]


def view(processor: Any, size: tuple[int, int], tensors: Tensors) -> View:
    """Return what a processor made of one picture.

    Args:
        processor: Whose tensors these are.
        size: Width and height of the picture.
        tensors: A batch of one.
    """
    pictures, pixels = processor.image_processor, tensors.get("pixel_values")
    tokens = tensors["input_ids"].flatten().tolist().count(getattr(processor, "image_token_id", None))
    if "image_grid_thw" in tensors:  # Qwen2-VL and its like: the patches of one tile of any shape
        _, rows, cols = tensors["image_grid_thw"][0].tolist()
        return (cols * pictures.patch_size, rows * pictures.patch_size), 1, tokens
    if "image_input_idx" in tensors:  # Molmo: a mosaic of tiles that overlap, and the whole as one more
        margin, windows = sum(pictures.overlap_margins), pictures.windows
        height, width = (
            (tiles * window + margin) * pictures.image_patch_size
            for tiles, window in zip(pictures.tiling(*size[::-1]), windows, strict=True)
        )
        return (width, height), tensors["images"].shape[1], int((tensors["image_input_idx"] >= 0).sum())
    if pixels is None or pixels.ndim < 4:
        return None, 0, tokens
    tiles = pixels.shape[:-3].numel()
    if "image_sizes" in tensors and pixels.ndim == 5:  # LLaVA-NeXT and its like: tiles, and the whole as one more
        height, width = select_best_resolution(tensors["image_sizes"][0].tolist(), pictures.image_grid_pinpoints)
        return (width, height), tiles, tokens
    return (pixels.shape[-1], pixels.shape[-2]) if tiles == 1 else None, tiles, tokens


def settings(image_processor: Any) -> Mapping[str, object]:
    """Return all that decides what an image processor makes of a picture, by name, in JSON's types."""
    told = {**image_processor.to_dict(), "image_processor_type": type(image_processor).__name__}
    plain: dict[str, object] = json.loads(json.dumps(told, sort_keys=True, default=str))
    return {name: value for name, value in plain.items() if name not in ("auto_map", "processor_class")}
