"""Molmo v1's image processing: from images to crops in patches, and to the layout of their tokens.

An image is encoded twice: whole, in one crop, and resized to a mosaic of tiles, with one crop per tile. Crops of
neighboring tiles overlap; each position of the mosaic is pooled in only one of them.

Axes: T crops (the whole image first), N patches of a crop, I values of a patch (row, column, channel), K pooled
positions of a crop, Y rows and X columns of patches or pixels.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from transformers import BatchFeature
from transformers.image_processing_utils import BaseImageProcessor
from transformers.image_utils import make_flat_list_of_images, to_numpy_array

from ninefold.models.ports.molmo.configuration import PADDING

UNUSED = -100
"""Index of a pooled position that is used from another crop."""

PATCH_TOKEN = "<im_patch>"
"""Token at whose positions the features of an image are added."""

LAYOUT_TOKENS = ("<im_start>", "<im_end>", PATCH_TOKEN, "<im_col>")
"""Tokens of a layout, by index."""

_START, _END, _PATCH, _COLUMN = range(4)


class Layout(NamedTuple):
    """The image tokens, and the positions of features among them."""

    tokens: np.ndarray
    """Indices into `LAYOUT_TOKENS`."""
    positions: np.ndarray
    """Index of the token at which each pooled position (T, K) is added; `UNUSED` for overlaps."""


class MolmoImageProcessor(BaseImageProcessor):  # type: ignore[misc]
    """Molmo's image processor; the settings are those of the released ``preprocessor_config.json``.

    Images are resized by torch's antialiased bilinear interpolation in single precision. The released code uses
    TensorFlow's, which differs from it by at most 2.2e-4 after normalization.
    """

    model_input_names = ("images", "image_masks")

    def __init__(
        self,
        *,
        base_image_input_size: Sequence[int] = (336, 336),
        image_patch_size: int = 14,
        max_crops: int = 12,
        overlap_margins: Sequence[int] = (4, 4),
        image_token_length_h: int = 12,
        image_token_length_w: int = 12,
        image_mean: Sequence[float] = (0.48145466, 0.4578275, 0.40821073),
        image_std: Sequence[float] = (0.26862954, 0.26130258, 0.27577711),
        do_normalize: bool = True,
        image_padding_mask: bool = True,
        **kwargs: Any,
    ) -> None:
        """Initialize the settings.

        Args:
            base_image_input_size: Height and width of a crop, in pixels.
            image_patch_size: Side of a patch, in pixels.
            max_crops: Maximum number of tiles of a mosaic.
            overlap_margins: Overlap with the neighboring crops, in patches, before and after a crop's own window.
            image_token_length_h: Rows of pooled positions in a crop.
            image_token_length_w: Columns of pooled positions in a crop.
            image_mean: Mean of each channel.
            image_std: Standard deviation of each channel.
            do_normalize: Whether to normalize.
            image_padding_mask: Whether to return ``image_masks``.
            kwargs: Arguments of every image processor.
        """
        kwargs.pop("auto_map", None)
        super().__init__(**kwargs)
        self.base_image_input_size = list(base_image_input_size)
        self.image_patch_size = image_patch_size
        self.max_crops = max_crops
        self.overlap_margins = list(overlap_margins)
        self.image_token_length_h = image_token_length_h
        self.image_token_length_w = image_token_length_w
        self.image_mean = list(image_mean)
        self.image_std = list(image_std)
        self.do_normalize = do_normalize
        self.image_padding_mask = image_padding_mask

    def preprocess(self, images: Any, *, return_tensors: str | None = None, **_: Any) -> BatchFeature:
        """Return ``images`` (B, T, N, I) and ``image_masks`` (B, T, N) of one image per sequence."""
        arrays = [self.rgb(image) for image in make_flat_list_of_images(self.fetch_images(images))]
        return BatchFeature(self.padded([self.crops(array) for array in arrays]), tensor_type=return_tensors)

    @staticmethod
    def rgb(image: Any) -> np.ndarray:
        """Return an image as (H, W, 3) uint8.

        Raises:
            ValueError: If it is an array of another type, or not of one, three or four channels.
        """
        array = to_numpy_array(image.convert("RGB") if isinstance(image, Image.Image) else image)
        if array.ndim == 2:
            array = array[..., None]
        if array.shape[-1] not in (1, 3, 4):
            array = array.transpose(1, 2, 0)
        if array.dtype != np.uint8 or array.shape[-1] not in (1, 3, 4):
            raise ValueError(
                f"an image is (H, W, channels) or (channels, H, W) of uint8, not {array.shape} of {array.dtype}"
            )
        return np.broadcast_to(array[..., :3], (*array.shape[:2], 3))

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches in a crop."""
        height, width = self.base_image_input_size
        return height // self.image_patch_size, width // self.image_patch_size

    @property
    def windows(self) -> tuple[int, int]:
        """Rows and columns of patches in a tile, i.e. a crop without its margins."""
        rows, columns = self.grid
        return rows - sum(self.overlap_margins), columns - sum(self.overlap_margins)

    def tiling(self, height: int, width: int) -> tuple[int, int]:
        """Return the rows and columns of the mosaic that enlarges an image least, or else reduces it least."""
        limit = self.max_crops
        options = [(y, x) for y in range(1, limit + 1) for x in range(1, limit // y + 1)]
        options.sort(key=lambda option: (option[0] * option[1], option[0]))
        margin = sum(self.overlap_margins) * self.image_patch_size
        windows = np.array(self.windows) * self.image_patch_size
        # As released: single precision, and a side not longer than the margins divides by zero or a negative number.
        with np.errstate(divide="ignore"):
            scales = (np.array(options) * windows).astype(np.float32) / np.array(
                [height - margin, width - margin], np.float32
            )
        scale = scales.min(1)
        best = scale.argmax() if (scale < 1).all() else np.where(scale < 1, np.inf, scale).argmin()
        return options[best]

    def mosaic_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the height and width in pixels of all tiles of an image together, padding included."""
        margin = sum(self.overlap_margins)
        tiles, windows = self.tiling(height, width), self.windows
        rows, columns = (count * window + margin for count, window in zip(tiles, windows, strict=True))
        return rows * self.image_patch_size, columns * self.image_patch_size

    def crops(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Cut an image, (H, W, 3) uint8, into crops.

        Returns:
            Crops in patches (T, N, I), and each patch's fraction of real pixels (T, N) as released: the whole image's
            is missing, the tiles' are shifted one crop to the front, and the last crop has `PADDING`.
        """
        (rows, columns), (window_y, window_x) = self.grid, self.windows
        tiles_y, tiles_x = self.tiling(*image.shape[:2])
        tensor = torch.tensor(image).permute(2, 0, 1).float().contiguous() / 255
        whole_YXI, _ = self._fitted(tensor, rows, columns)
        margin = sum(self.overlap_margins)
        mosaic_YXI, mask_YX = self._fitted(tensor, tiles_y * window_y + margin, tiles_x * window_x + margin)
        corners = [(y * window_y, x * window_x) for y in range(tiles_y) for x in range(tiles_x)]
        tiles = [mosaic_YXI[y : y + rows, x : x + columns] for y, x in corners]
        masks = [mask_YX[y : y + rows, x : x + columns] for y, x in corners]
        masks.append(np.full_like(masks[0], PADDING))
        count = len(corners) + 1
        return np.stack([whole_YXI, *tiles]).reshape(count, rows * columns, -1), np.stack(masks).reshape(count, -1)

    def _fitted(self, image_CYX: torch.Tensor, rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
        """Resize an image to fit, pad it, and return its patches (Y, X, I) and their fractions of real pixels."""
        side = self.image_patch_size
        size = np.array([rows, columns]) * side
        before = np.array(image_CYX.shape[1:], np.float32)
        scaled = np.maximum((before * (size.astype(np.float32) / before).min()).astype(int), 1)
        resized = torch.nn.functional.interpolate(
            image_CYX[None], size=tuple(scaled.tolist()), mode="bilinear", align_corners=False, antialias=True
        )[0].clip(0, 1)
        (top, left), (height, width) = (size - scaled) // 2, scaled
        padded_CYX = torch.zeros(3, *size.tolist())
        padded_CYX[:, top : top + height, left : left + width] = resized
        if self.do_normalize:
            mean, std = (torch.tensor(values)[:, None, None] for values in (self.image_mean, self.image_std))
            padded_CYX = (padded_CYX - mean) / std
        patches_YXI = padded_CYX.view(3, rows, side, columns, side).permute(1, 3, 2, 4, 0).reshape(rows, columns, -1)
        mask = np.zeros(size, np.float32)
        mask[top : top + height, left : left + width] = 1
        return patches_YXI.numpy(), mask.reshape(rows, side, columns, side).mean((1, 3))

    def layout(self, height: int, width: int) -> Layout:
        """Return the layout of an image's tokens, which depends only on its tiling."""
        pooled = self.image_token_length_h, self.image_token_length_w
        return _layout(self.tiling(height, width), self.grid, pooled, tuple(self.overlap_margins))

    def padded(self, crops: Sequence[tuple[np.ndarray, np.ndarray]]) -> dict[str, np.ndarray]:
        """Stack the crops of sequences, padded to the largest number of crops."""
        names = ("images", "image_masks") if self.image_padding_mask else ("images",)
        return {name: stacked(arrays, PADDING) for name, arrays in zip(names, zip(*crops, strict=True), strict=False)}


def stacked(arrays: Sequence[np.ndarray], filler: float) -> np.ndarray:
    """Stack arrays of different first lengths, padding the shorter ones at the end."""
    whole = np.full((len(arrays), max(map(len, arrays)), *arrays[0].shape[1:]), filler, arrays[0].dtype)
    for row, array in zip(whole, arrays, strict=True):
        row[: len(array)] = array
    return whole


@lru_cache(maxsize=256)
def _layout(
    tiling: tuple[int, int], grid: tuple[int, int], pooled: tuple[int, int], margins: tuple[int, int]
) -> Layout:
    kept_y, kept_x = (_kept(*sizes, margins) for sizes in zip(tiling, grid, strict=True))
    height, width = (sum(stop - start for start, stop in kept) for kept in (kept_y, kept_x))
    tokens = np.concatenate([_block(*pooled), _block(height, width)])
    positions = np.flatnonzero(tokens == _PATCH)
    mosaic = positions[pooled[0] * pooled[1] :].reshape(height, width)
    crops = [positions[: pooled[0] * pooled[1]].reshape(pooled)]
    row = 0
    for top, bottom in kept_y:
        column = 0
        for left, right in kept_x:
            crop = np.full(pooled, UNUSED)
            crop[top:bottom, left:right] = mosaic[row : row + bottom - top, column : column + right - left]
            crops.append(crop)
            column += right - left
        row += bottom - top
    return Layout(tokens, np.stack(crops).reshape(len(crops), -1))


def _kept(tiles: int, patches: int, margins: tuple[int, int]) -> list[tuple[int, int]]:
    """Return, for each tile along an axis, the first of its own pooled positions and the one after the last.

    Half of the pooled positions in a margin belong to the neighboring tile.
    """
    before, after = margins
    spans = []
    for tile in range(tiles):
        lost = before * (tile > 0) + after * (tile < tiles - 1)
        start = before // 2 * (tile > 0)
        spans.append((start, start + (patches - lost + 1) // 2))
    return spans


def _block(height: int, width: int) -> np.ndarray:
    row = [_PATCH] * width + [_COLUMN]
    return np.array([_START, *row * height, _END])
