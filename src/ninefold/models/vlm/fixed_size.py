"""Faster resizing and normalizing, identical to the last bit, for processors that resize every image to one size.

Axes: H and W of the model's input image.
"""

import math
from typing import Any, Self

import numpy as np
import torch
from PIL import Image

from ninefold.models import compat
from ninefold.models.compute import resize


class FixedSize:
    """The fast form of an image processor with one size; other processors prepare every image themselves."""

    def __init__(self, image_processor: Any) -> None:
        """Copy the settings of a processor that `of` accepts."""
        self.size: tuple[int, int] = (image_processor.size.width, image_processor.size.height)
        self._resample = image_processor.resample
        self._levels = _levels(image_processor, *self.size)

    @classmethod
    def of(cls, image_processor: Any) -> Self | None:
        """Return the fast form of an image processor, or ``None`` if its images differ in size."""
        if not (compat.preprocesses_plainly(image_processor) and image_processor.do_resize):
            return None
        size = image_processor.size
        return cls(image_processor) if size.height and size.width else None

    def resize(self, image: Image.Image) -> np.ndarray:
        """Return an image resized as by the processor, (H, W, 3) uint8."""
        return np.asarray(resize.resize(image, self.size, self._resample))

    @property
    def normalizes(self) -> bool:
        """Whether `normalize` can be used: the value of a pixel depends only on its own level."""
        return self._levels is not None

    def normalize(self, image_HW3: np.ndarray) -> torch.Tensor:
        """Return a resized image normalized as by the processor, (1, 3, H, W): values come from a table by level."""
        assert self._levels is not None
        values_3HW = np.empty((3, *image_HW3.shape[:2]), np.float32)
        for channel, levels in enumerate(self._levels):
            np.take(levels, image_HW3[..., channel], out=values_3HW[channel], mode="clip")
        return torch.from_numpy(values_3HW)[None]


def _levels(processor: Any, width: int, height: int) -> np.ndarray | None:
    """Return an image processor's value (3, 256) for each level of each channel.

    ``None`` if a pixel's value depends on more than its own level.
    """
    if math.prod((width, height)) < 256:
        return None
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels.reshape(-1, 3)[:256] = np.arange(256)[:, None]
    found = processor([pixels], do_resize=False, return_tensors="np")
    if list(found) != ["pixel_values"] or found["pixel_values"].shape != (1, 3, height, width):
        return None
    values: np.ndarray = found["pixel_values"].reshape(3, -1)[:, :256]
    return np.ascontiguousarray(values, np.float32)
