"""Thumbnails of images, as data URIs."""

import base64
import io

from PIL import Image

SIDE = 160
"""Longest side of a thumbnail, in pixels."""


def thumbnail(image: Image.Image) -> str:
    """Return a small copy of an image as a data URI in WebP."""
    small = image.convert("RGB")
    small.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=75, method=4)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
