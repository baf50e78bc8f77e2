"""The image input of a model: pixels, tiles and image tokens, read from the tensors of its processor."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from transformers.image_processing_utils import select_best_resolution

from ninefold import images
from ninefold.models import compat
from ninefold.models.family import ImageLayout
from ninefold.models.protocol import ImageInput
from ninefold.models.vlm.encoder import Encoder
from ninefold.models.vlm.prompt import Tensors
from ninefold.types import Example

REMEMBERED = 100_000
"""Number of prompts whose length is remembered."""


class ImageInputs:
    """The image inputs of a model, computed once per image size, which alone determines them.

    Each distinct prompt is tokenized once, which makes whole data sets feasible.
    """

    def __init__(self, encoder: Encoder) -> None:
        """Describe the tensors that ``encoder`` makes."""
        self.encoder = encoder
        self._by_size: dict[tuple[int, int], ImageInput] = {}
        self._text_lengths: dict[str, int] = {}

    def image_input(self, example: Example) -> ImageInput:
        """Return the image input of an example.

        Raises:
            DataError: If the image cannot be read.
        """
        size = images.size(example.image, name=f"example {example.id}")
        text = self._text_tokens(example)
        if size not in self._by_size:
            tensors = self.encoder.encode([example], [self.encoder.image(example)])
            found = describe(self.encoder.processor, size, tensors, self.encoder.family.image_layout)
            # Special tokens separate image and text: an image adds the same number of tokens to every prompt.
            self._by_size[size] = replace(found, prompt_tokens=found.prompt_tokens - text)
        found = self._by_size[size]
        return replace(found, prompt_tokens=found.prompt_tokens + text)

    def _text_tokens(self, example: Example) -> int:
        if example.prompt not in self._text_lengths:
            if len(self._text_lengths) >= REMEMBERED:
                self._text_lengths.clear()
            text = self.encoder.prompt(example)
            ids = self.encoder.tokenizer(text, add_special_tokens=False)["input_ids"]
            self._text_lengths[example.prompt] = len(ids)
        return self._text_lengths[example.prompt]


def describe(processor: Any, size: tuple[int, int], tensors: Tensors, layout: ImageLayout | None) -> ImageInput:
    """Return the image input from a processor's output for one image.

    Args:
        processor: The processor.
        size: Width and height of the image.
        tensors: Its output, a batch of one.
        layout: The family's layout; if None, it is recognized from the names of the tensors.
    """
    ids = tensors["input_ids"][0].tolist()
    tokens = ids.count(getattr(processor, "image_token_id", None))
    unknown = ImageInput(size, pixels=None, tiles=0, image_tokens=tokens, prompt_tokens=len(ids))
    known = layout or _recognized(tensors)
    return _LAYOUTS[known](unknown, processor.image_processor, tensors) if known else unknown


def image_settings(image_processor: Any) -> Mapping[str, object]:
    """Return all settings of an image processor by name, in JSON types."""
    settings = {**image_processor.to_dict(), "image_processor_type": type(image_processor).__name__}
    plain: dict[str, object] = json.loads(json.dumps(settings, sort_keys=True, default=str))
    return {name: value for name, value in plain.items() if name not in ("auto_map", "processor_class")}


def _recognized(tensors: Tensors) -> ImageLayout | None:
    """Return the layout recognized from the names and shapes of tensors."""
    if "image_grid_thw" in tensors:
        return "patches"
    if "pixel_values" not in tensors or tensors["pixel_values"].ndim < 4:
        return None
    return "tiles" if "image_sizes" in tensors and tensors["pixel_values"].ndim == 5 else "one size"


def _patches(image: ImageInput, processor: Any, tensors: Tensors) -> ImageInput:
    """Return the input for one tile of any shape, flattened to patches, as in Qwen2-VL."""
    _, rows, columns = tensors["image_grid_thw"][0].tolist()
    return replace(image, pixels=(columns * processor.patch_size, rows * processor.patch_size), tiles=1)


def _tiles(image: ImageInput, processor: Any, tensors: Tensors) -> ImageInput:
    """Return the input for tiles of a grid and a thumbnail of the whole image, as in LLaVA-NeXT."""
    height, width = select_best_resolution(tensors["image_sizes"][0].tolist(), processor.image_grid_pinpoints)
    return replace(image, pixels=(width, height), tiles=tensors["pixel_values"].shape[:-3].numel())


def _crops(image: ImageInput, processor: Any, _: Tensors) -> ImageInput:
    """Return the input for a mosaic of overlapping crops and a thumbnail of the whole image, as in Molmo."""
    width, height = image.image
    rows, columns = processor.tiling(height, width)
    mosaic_height, mosaic_width = processor.mosaic_size(height, width)
    return replace(image, pixels=(mosaic_width, mosaic_height), tiles=1 + rows * columns)


def _one_size(image: ImageInput, processor: Any, tensors: Tensors) -> ImageInput:
    """Return the input for images of one size, as in LLaVA."""
    shape = tensors["pixel_values"].shape
    tiles = shape[:-3].numel()
    if tiles > 1:
        return replace(image, tiles=tiles)
    return replace(image, pixels=(shape[-1], shape[-2]), tiles=1, share=_kept_share(processor, image.image))


def _kept_share(processor: Any, size: tuple[int, int]) -> float:
    """Return the fraction of an image's area that a center crop keeps."""
    if not compat.center_crops(processor):
        return 1.0
    resized, crop = processor.size, processor.crop_size
    width, height = resized.width, resized.height
    if resized.shortest_edge:
        width, height = (side * resized.shortest_edge / min(size) for side in size)
    return float(round(min(1.0, crop.width / width) * min(1.0, crop.height / height), 4))


_LAYOUTS: Mapping[ImageLayout, Callable[[ImageInput, Any, Tensors], ImageInput]] = {
    "one size": _one_size,
    "tiles": _tiles,
    "patches": _patches,
    "crops": _crops,
}
