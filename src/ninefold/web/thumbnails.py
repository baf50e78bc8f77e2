"""Thumbnails of images, as data URIs; the pictures of a page, each embedded once."""

import base64
import io
import struct
from collections.abc import Hashable
from dataclasses import dataclass

import xxhash
from PIL import Image

from ninefold import images
from ninefold.types import ImageSource

SIDE = 160
"""Longest side of a thumbnail, in pixels."""

SMALL_BYTES = 2048
"""Largest PNG that is embedded as it is: a drawn scene has a few hundred bytes, and decoding it takes longest."""

SMALL_PIXELS = 1 << 22
"""Largest number of pixels of such a PNG."""


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small copy of an image."""

    uri: str
    """The copy as a data URI."""
    width: int
    """Width in pixels at which it is shown."""
    height: int
    """Height in pixels at which it is shown."""


class Pictures:
    """The thumbnails of a page, in order of first use; equal images share one."""

    def __init__(self) -> None:
        self.thumbnails: list[Thumbnail] = []
        """The thumbnails; their indices name them."""
        self._indices: dict[Hashable, int] = {}

    def add(self, image: ImageSource) -> int:
        """Return the index of an image's thumbnail, made on first use.

        Raises:
            DataError: If the image cannot be read.
        """
        key = xxhash.xxh3_128_digest(image) if isinstance(image, bytes) else image
        if key not in self._indices:
            self.thumbnails.append(thumbnail(image))
            self._indices[key] = len(self.thumbnails) - 1
        return self._indices[key]


def thumbnail(image: ImageSource) -> Thumbnail:
    """Return the thumbnail of an image, in WebP; of a very small PNG its own bytes.

    Raises:
        DataError: If the image cannot be read.
    """
    if isinstance(image, bytes) and _is_small(image):
        width, height = images.size(image)
        scale = SIDE / max(width, height)
        return Thumbnail(_uri("png", image), max(1, round(scale * width)), max(1, round(scale * height)))
    small = images.open_pil(image)
    small.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=75, method=4)
    return Thumbnail(_uri("webp", buffer.getvalue()), *small.size)


def _is_small(content: bytes) -> bool:
    """Return whether an image is a PNG of few bytes and pixels that a browser shows as `ninefold.images` decodes it."""
    if len(content) > SMALL_BYTES or content[:8] != b"\x89PNG\r\n\x1a\n" or content[12:16] != b"IHDR":
        return False
    width, height, depth, color = struct.unpack_from(">IIBB", content, 16)
    is_plain = depth <= 8 and color in (0, 2, 3) and not any(chunk in content for chunk in (b"tRNS", b"eXIf", b"tEXt"))
    return is_plain and 0 < width * height <= SMALL_PIXELS


def _uri(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
