"""What a model finally sees of a picture, read off the very tensors that its processor makes of it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from transformers.image_processing_backends import PilBackend
from transformers.image_processing_utils import select_best_resolution

from ninefold import images
from ninefold.models.protocol import ImageInput
from ninefold.models.vlm.encoder import Encoder
from ninefold.models.vlm.prompt import Tensors
from ninefold.types import Example


class ImageInputs:
    """Looks at pictures through an encoder, once at each size: what a processor makes of a picture depends on no more.

    Texts are counted once each, too, so that a whole data set can be looked at.
    """

    def __init__(self, encoder: Encoder) -> None:
        """Look through ``encoder``."""
        self.encoder = encoder
        self._sights: dict[tuple[int, int], ImageInput] = {}
        self._texts: dict[str, int] = {}

    def image_input(self, example: Example) -> ImageInput:
        """Return what becomes of an example's picture.

        Raises:
            DataError: If the picture cannot be read.
        """
        size = images.size(example.image, name=f"example {example.id}")
        text = self._text_tokens(example)
        if size not in self._sights:
            tensors = self.encoder.encode([example], [self.encoder.image(example)])
            sight = look(self.encoder.processor, size, tensors)
            # Special tokens part a picture from the text, so that it adds as many to every prompt.
            self._sights[size] = replace(sight, prompt_tokens=sight.prompt_tokens - text)
        sight = self._sights[size]
        return replace(sight, prompt_tokens=sight.prompt_tokens + text)

    def _text_tokens(self, example: Example) -> int:
        if example.prompt not in self._texts:
            text = self.encoder.prompt(example)
            self._texts[example.prompt] = len(self.encoder.tokenizer(text, add_special_tokens=False)["input_ids"])
        return self._texts[example.prompt]


def look(processor: Any, size: tuple[int, int], tensors: Tensors) -> ImageInput:
    """Return what a processor has made of one picture.

    Args:
        processor: Whose tensors these are.
        size: Width and height of the picture.
        tensors: A batch of one.
    """
    pictures, ids = processor.image_processor, tensors["input_ids"][0].tolist()
    tokens = ids.count(getattr(processor, "image_token_id", None))
    unknown = ImageInput(size, pixels=None, tiles=0, image_tokens=tokens, prompt_tokens=len(ids))
    if "image_grid_thw" in tensors:  # Qwen2-VL and its like: one tile of any shape, in patches
        _, rows, cols = tensors["image_grid_thw"][0].tolist()
        return replace(unknown, pixels=(cols * pictures.patch_size, rows * pictures.patch_size), tiles=1)
    if "image_input_idx" in tensors:  # Molmo: a mosaic of tiles that overlap, and the whole as one more
        margin, side = sum(pictures.overlap_margins), pictures.image_patch_size
        tiles_y, tiles_x = pictures.tiling(*size[::-1])
        window_y, window_x = pictures.windows
        return replace(
            unknown,
            pixels=((tiles_x * window_x + margin) * side, (tiles_y * window_y + margin) * side),
            tiles=1 + tiles_x * tiles_y,
            image_tokens=int((tensors["image_input_idx"] >= 0).sum()),
        )
    if "pixel_values" not in tensors or tensors["pixel_values"].ndim < 4:
        return unknown
    shape = tensors["pixel_values"].shape
    tiles = shape[:-3].numel()
    if "image_sizes" in tensors and len(shape) == 5:  # LLaVA-NeXT and its like: tiles, and the whole as one more
        height, width = select_best_resolution(tensors["image_sizes"][0].tolist(), pictures.image_grid_pinpoints)
        return replace(unknown, pixels=(width, height), tiles=tiles)
    if tiles > 1:
        return replace(unknown, tiles=tiles)
    return replace(unknown, pixels=(shape[-1], shape[-2]), tiles=1, share=_left(pictures, size))


def settings(image_processor: Any) -> Mapping[str, object]:
    """Return all that decides what an image processor makes of a picture, by name, in JSON's types."""
    told = {**image_processor.to_dict(), "image_processor_type": type(image_processor).__name__}
    plain: dict[str, object] = json.loads(json.dumps(told, sort_keys=True, default=str))
    return {name: value for name, value in plain.items() if name not in ("auto_map", "processor_class")}


def _left(image_processor: Any, size: tuple[int, int]) -> float:
    """Return the share of a picture's area that an image processor of one tile does not cut off."""
    if not (isinstance(image_processor, PilBackend) and image_processor.do_center_crop):
        return 1.0
    resized, crop = image_processor.size, image_processor.crop_size
    width, height = resized.width, resized.height
    if resized.shortest_edge:
        width, height = (side * resized.shortest_edge / min(size) for side in size)
    return float(round(min(1.0, crop.width / width) * min(1.0, crop.height / height), 4))
