import base64
import io

import numpy as np
from PIL import Image

from ninefold.web.thumbnails import thumbnail


def test_a_thumbnail_is_small_whatever_the_picture():
    noise = np.random.default_rng(0).integers(0, 256, (600, 900, 3), np.uint8)
    uri = thumbnail(Image.fromarray(noise))
    kind, _, content = uri.partition(",")
    assert kind == "data:image/webp;base64"
    assert Image.open(io.BytesIO(base64.b64decode(content))).size == (160, 107)
    assert len(uri) < 16_000
