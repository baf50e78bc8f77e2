"""Images of processors that resize every image to one size: resized and normalized faster, to the last bit.

Axes: H and W of the image as the model takes it.
"""

import math
from typing import Any, Self

import numpy as np
import torch
from PIL import Image

from ninefold.models import compat
from ninefold.models.compute import resize


class FixedSize:
    """The fast form of an image processor with one size; without it, the processor itself prepares every image."""

    def __init__(self, image_processor: Any) -> None:
        """Take the settings of a processor that `of` accepts."""
        self.size: tuple[int, int] = (image_processor.size.width, image_processor.size.height)
        self._resample = image_processor.resample
        self._levels = _levels(image_processor, *self.size)

    @classmethod
    def of(cls, image_processor: Any) -> Self | None:
        """Return the fast form of an image processor, or ``None`` where its images differ in size."""
        if not (compat.preprocesses_plainly(image_processor) and image_processor.do_resize):
            return None
        size = image_processor.size
        return cls(image_processor) if size.height and size.width else None

    def resize(self, image: Image.Image) -> np.ndarray:
        """Return an image as the processor resizes it, (H, W, 3) uint8."""
        return np.asarray(resize.resize(image, self.size, self._resample))

    @property
    def normalizes(self) -> bool:
        """Whether `normalize` can be used: the value of a pixel depends on its own level alone."""
        return self._levels is not None

    def normalize(self, image_HW3: np.ndarray) -> torch.Tensor:
        """Return a resized image as the processor normalizes it, (1, 3, H, W): values are looked up by level."""
        assert self._levels is not None
        values_3HW = np.empty((3, *image_HW3.shape[:2]), np.float32)
        for channel, levels in enumerate(self._levels):
            np.take(levels, image_HW3[..., channel], out=values_3HW[channel], mode="clip")
        return torch.from_numpy(values_3HW)[None]


def _levels(processor: Any, width: int, height: int) -> np.ndarray | None:
    """Return the value (3, 256) that an image processor gives each level of each channel.

    ``None`` where more than a pixel's own level decides its value.
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
