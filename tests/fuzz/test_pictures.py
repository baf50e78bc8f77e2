"""Pictures of every format with bytes changed at random: pixels, or one line that names the picture."""

import io

import numpy as np
import pytest
from hostile import TALLY, attempt, check, fuzz, mutated_bytes
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ninefold import images

RGB = Image.fromarray(np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3) * 3)
GRAY16 = Image.fromarray(np.array([[0, 255, 256], [1000, 32768, 65535]], dtype=np.uint16))
EXIF = Image.Exif()
EXIF[0x0112] = 6


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


PICTURES = [
    *(encoded(RGB, kind, exif=EXIF) for kind in ("PNG", "JPEG", "WEBP", "TIFF")),
    *(encoded(RGB, kind) for kind in images.FORMATS),
    *(encoded(GRAY16, kind) for kind in ("PNG", "TIFF", "PPM")),
    *(encoded(RGB.quantize(4), kind) for kind in ("GIF", "BMP")),
    *(encoded(RGB.quantize(4), "PNG", transparency=1), encoded(RGB, "WEBP", lossless=True)),
]


@fuzz(150)
@given(st.sampled_from(PICTURES).flatmap(mutated_bytes))
@pytest.mark.filterwarnings("ignore")
def test_pictures(content: bytes) -> None:
    TALLY.inputs += 1
    for read in (images.open_rgb, images.open_pil, images.size, images.orientation):
        found = attempt(lambda read=read: read(content, name="a.png"), f"{content!r}")
        if read is images.open_rgb and found is not None:
            check(found.ndim == 3 and found.size and found.dtype == np.uint8, "pixels are RGB", f"{content!r}")
