"""The short way to a small picture gives Pillow's own pixels."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from ninefold.models.compute.resize import resize


def drawn(size: tuple[int, int], box: tuple[int, int, int, int]) -> Image.Image:
    """A black picture with noise in a box: any filter that saw an edge of its own would show."""
    picture = Image.new("RGB", size)
    width, height = box[2] - box[0], box[3] - box[1]
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    picture.paste(Image.fromarray(noise), box[:2])
    return picture


@pytest.mark.parametrize("side", [252, 264, 336, 384, 56, 700])
@pytest.mark.parametrize(
    "box", [(3, 3, 77, 77), (300, 280, 364, 344), (600, 0, 672, 90), (0, 0, 672, 672), (335, 9, 336, 660)]
)
def test_equal_to_pillow(side: int, box: tuple[int, int, int, int]) -> None:
    picture = drawn((672, 672), box)
    for resample in (Image.Resampling.BICUBIC, Image.Resampling.BILINEAR, Image.Resampling.LANCZOS):
        expected = np.asarray(picture.resize((side, side), resample))
        assert np.array_equal(np.asarray(resize(picture, (side, side), resample)), expected)


def test_other_shapes_and_an_empty_picture() -> None:
    photo = drawn((640, 427), (100, 50, 240, 300))
    expected = np.asarray(photo.resize((264, 264), Image.Resampling.BICUBIC))
    assert np.array_equal(np.asarray(resize(photo, (264, 264), Image.Resampling.BICUBIC)), expected)
    assert resize(Image.new("RGB", (672, 672)), (264, 264), Image.Resampling.BICUBIC).getbbox() is None


def test_crisp_shapes_on_every_border() -> None:
    for x in range(0, 600, 37):
        picture = Image.new("RGB", (672, 672))
        ImageDraw.Draw(picture).ellipse((x, 600 - x, x + 63, 663 - x), fill=(255, 0, 255))
        expected = np.asarray(picture.resize((264, 264), Image.Resampling.BICUBIC))
        assert np.array_equal(np.asarray(resize(picture, (264, 264), Image.Resampling.BICUBIC)), expected)
