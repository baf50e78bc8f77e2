"""Images as data URLs, for chat completions."""

import base64
import io

from ninefold import images
from ninefold.scenes.render import encode_png
from ninefold.types import ImageSource, Scene


def data_url(image: ImageSource) -> str:
    """Return an image as a data URL that every decoder reads in the same way as `ninefold.images`.

    PNG, JPEG and WebP are sent unchanged, except where decoders disagree (EXIF rotation, transparency, unusual colors,
    animation); everything else is decoded here and sent as PNG.

    Args:
        image: An encoded image, the path of one, or a scene.

    Raises:
        DataError: If it cannot be read.
    """
    if isinstance(image, Scene):
        kind, content = "png", encode_png(image)
    else:
        decoded = images.open_pil(image)
        content = image if isinstance(image, bytes) else image.read_bytes()
        plain = _plain_kind(content)
        if plain is None:
            buffer = io.BytesIO()
            decoded.save(buffer, "PNG")
            content = buffer.getvalue()
        kind = plain or "png"
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


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
