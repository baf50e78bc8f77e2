"""Encoded images that every decoder reads alike, for tools and servers with decoders of their own."""

import base64
import io
from typing import NamedTuple

from ninefold import images
from ninefold.scenes.render import encode_png
from ninefold.types import ImageSource, Scene


class Portable(NamedTuple):
    """An encoded image whose pixels every decoder agrees on."""

    kind: str
    """Its format in lower case, "png", "jpeg" or "webp"."""
    content: bytes
    """The encoded image."""
    redrawn: bool
    """Whether it is not the stored file, but a PNG of the same pixels."""

    @property
    def data_url(self) -> str:
        """Return it as a data URL."""
        return f"data:image/{self.kind};base64,{base64.b64encode(self.content).decode()}"


def portable(image: ImageSource) -> Portable:
    """Return an image in a form that every decoder reads in the same way as `ninefold.images`.

    PNG, JPEG and WebP are unchanged, except where decoders disagree (EXIF rotation, transparency, unusual colors,
    animation); everything else is decoded here and becomes a PNG.

    Args:
        image: An encoded image, the path of one, or a scene.

    Raises:
        DataError: If it cannot be read.
        FactError: If its data set lists another image.
    """
    if isinstance(image, Scene):
        return Portable("png", encode_png(image), redrawn=False)
    if not images.is_known(image):
        images.open_pil(image)
    content = image if isinstance(image, bytes) else image.read_bytes()
    plain = _plain_kind(content)
    return as_png(image) if plain is None else Portable(plain, content, redrawn=False)


def as_png(image: ImageSource) -> Portable:
    """Return an image as a PNG of the pixels that `ninefold.images` reads.

    Raises:
        DataError: If it cannot be read.
        FactError: If its data set lists another image.
    """
    buffer = io.BytesIO()
    images.open_pil(image).save(buffer, "PNG")
    return Portable("png", buffer.getvalue(), redrawn=True)


def data_url(image: ImageSource) -> str:
    """Return an image as a data URL, for chat completions (see `portable`)."""
    return portable(image).data_url


def _plain_kind(content: bytes) -> str | None:
    """Return the format of an encoded image if all decoders agree on it, or ``None``."""
    with images.opened(content) as image:
        plain = (
            image.format in {"PNG", "JPEG", "WEBP"}
            and image.mode in {"RGB", "L", "P"}
            and not image.has_transparency_data
            and getattr(image, "n_frames", 1) == 1
            and images.orientation(content) == 1
        )
        return str(image.format).lower() if plain else None
