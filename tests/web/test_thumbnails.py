import base64
import io

import numpy as np
import pytest
from PIL import Image

from ninefold.errors import DataError
from ninefold.web.thumbnails import Pictures, Thumbnail, thumbnail


def test_a_thumbnail_is_small_whatever_the_picture():
    noise = np.random.default_rng(0).integers(0, 256, (600, 900, 3), np.uint8)
    small = thumbnail(encoded(noise))
    kind, _, content = small.uri.partition(",")
    assert kind == "data:image/webp;base64"
    assert Image.open(io.BytesIO(base64.b64decode(content))).size == (small.width, small.height) == (160, 107)
    assert len(small.uri) < 16_000


def test_a_drawn_picture_is_embedded_as_it_is():
    plain = encoded(np.zeros((600, 900, 3), np.uint8))
    assert thumbnail(plain) == Thumbnail(f"data:image/png;base64,{base64.b64encode(plain).decode()}", 160, 107)
    # What a browser may show in another way is decoded here.
    clear = encoded(np.zeros((60, 90, 4), np.uint8))
    huge = plain[:16] + (100_000).to_bytes(4, "big") + plain[20:]
    assert thumbnail(clear).uri.startswith("data:image/webp")
    with pytest.raises(DataError):
        thumbnail(huge)


def test_equal_pictures_are_embedded_once():
    pictures = Pictures()
    first, second = (encoded(np.full((9, 9, 3), shade, np.uint8)) for shade in (0, 200))
    assert [pictures.add(image) for image in (first, second, bytes(first))] == [0, 1, 0]
    assert len(pictures.thumbnails) == 2


def encoded(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
