"""The only image decoder: from bytes, a path or a scene to RGB pixels, identical everywhere."""

import io
import struct
import warnings
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import xxhash
from PIL import Image, UnidentifiedImageError

from ninefold.errors import DataError, FactError
from ninefold.scenes.render import render
from ninefold.types import NO_IMAGE, ImageSource, Scene

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF")
"""The formats that are read, by Pillow's names; its other readers start programs (EPS) or follow no standard."""

# Pillow warns of odd metadata, which changes no pixel here, and at half the size at which it refuses a picture. Filters
# that the user has set come first.
warnings.filterwarnings("ignore", module=r"PIL\.", append=True)

_ORIENTATION_TAG = 0x0112
_PNG_METADATA = {b"eXIf", b"tEXt", b"zTXt", b"iTXt"}
"""Chunks of a PNG that can hold an EXIF orientation."""
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip
"""Pillow's operation that undoes each EXIF orientation; 1 is upright."""


_REMEMBERED = 1 << 16
"""Number of images whose pixel hash is remembered, about 200 bytes each."""
_known: dict[bytes, str] = {}
"""The pixel hash of the images decoded last, by the hash of their encoded bytes."""


class _Listed:
    """An image with the pixel hash that its data set lists for it; whoever decodes it checks the hash."""

    pixels: str
    """The hash (see `pixel_hash`)."""
    broken: str
    """The error if the decoded image has another one."""


class _ListedBytes(_Listed, bytes):
    """An encoded image with its listed hash."""


class _ListedPath(_Listed, type(Path())):  # type: ignore[misc]  # the class of paths on this system
    """The path of an image with its listed hash."""

    def __reduce__(self) -> tuple[object, ...]:
        """Return what pickling needs: a path's own pickle leaves out the hash."""
        return listed, (Path(self), self.pixels, self.broken)


def listed(image: bytes | Path, pixels: str, broken: str) -> bytes | Path:
    """Return an image that is checked whenever it is decoded.

    Args:
        image: The encoded image, or its path.
        pixels: The pixel hash that its data set lists.
        broken: The message of the `FactError` that a decoded image with another hash raises.
    """
    found = _ListedBytes(image) if isinstance(image, bytes) else _ListedPath(image)
    found.pixels, found.broken = pixels, broken
    return found


def pixel_hash(rgb: np.ndarray) -> str:
    """Return the hash of an image: xxh3_128 of ``"{width}x{height}:"`` and its (H, W, 3) uint8 pixels, in hex."""
    height, width = rgb.shape[:2]
    return _hash(width, height, np.ascontiguousarray(rgb).data)


def check(image: ImageSource) -> None:
    """Check an image against the hash that its data set lists, if it has one; one decoded lately is not decoded again.

    Raises:
        FactError: If it is another image.
        DataError: As `open_rgb` does.
    """
    if isinstance(image, _ListedBytes | _ListedPath) and not is_known(image):
        open_pil(image)


def is_known(image: ImageSource) -> bool:
    """Whether an image was decoded lately, in these bytes, and has the pixels that its data set lists.

    Raises:
        DataError: If its file is missing.
    """
    if not isinstance(image, _ListedBytes | _ListedPath):
        return False
    content, _ = _content(image, "")
    return _known.get(xxhash.xxh3_128_digest(content)) == image.pixels


def open_rgb(image: ImageSource, *, name: str = "") -> np.ndarray:
    """Return the pixels of an image: decoded, or rendered from a scene.

    The format is one of `FORMATS`, told from the content; the name of a file does not matter. EXIF rotation is applied.
    Transparent pixels are composited on black. 16-bit gray keeps its high byte, as in libpng and OpenCV. An animation
    gives its first frame. Color profiles and gamma are ignored.

    Args:
        image: An encoded image, the path of one, or a scene.
        name: Name of the image in an error, if it has no path.

    Returns:
        (H, W, 3) uint8, read-only: the last decoded image is cached, because neighboring rows often share one.

    Raises:
        DataError: If there is none (`NO_IMAGE`), or it is missing, truncated, of an unknown format, too large to be
            safe, or of a mode without a standard conversion (floating-point pixels, CIE Lab).
    """
    if isinstance(image, Scene):
        return render(image)
    content, name = _content(image, name)
    try:
        rgb = _pixels(content)
    except Exception as error:  # Pillow's readers raise errors of almost any kind on broken bytes
        raise DataError(f"{name}: not readable as a picture ({_reason(error)})") from error
    if isinstance(image, _Listed):
        _compare(image, content, pixel_hash(rgb))
    return rgb


def open_pil(image: ImageSource, *, name: str = "") -> Image.Image:
    """Return an image as `open_rgb` decodes it, for image processors that take Pillow images (mode RGB).

    Raises:
        DataError: As `open_rgb` does.
    """
    if isinstance(image, Scene):
        return Image.fromarray(open_rgb(image))
    content, name = _content(image, name)
    try:
        picture = _decode(content)
    except Exception as error:  # as in open_rgb
        raise DataError(f"{name}: not readable as a picture ({_reason(error)})") from error
    if isinstance(image, _Listed):
        _compare(image, content, _hash(*picture.size, picture.tobytes()))
    return picture


def size(image: ImageSource, *, name: str = "") -> tuple[int, int]:
    """Return (width, height) in pixels of an image as `open_rgb` returns it, from its header alone.

    Raises:
        DataError: If the image is missing or its header cannot be read.
    """
    return _header(image, name)[0]


def opened(content: bytes) -> Image.Image:
    """Return an encoded image as Pillow opens it: its header is read, its pixels are not.

    Raises:
        UnidentifiedImageError: If its format is none of `FORMATS`.
        Exception: Of any kind, if the header is broken; see `size` for one that is checked.
    """
    return Image.open(io.BytesIO(content), formats=FORMATS)


def orientation(image: ImageSource, *, name: str = "") -> int:
    """Return the EXIF orientation that `open_rgb` undoes, 1 to 8; 1 if there is none to undo.

    Raises:
        DataError: If the image is missing or its header cannot be read.
    """
    return _header(image, name)[1]


def _header(image: ImageSource, name: str) -> tuple[tuple[int, int], int]:
    if isinstance(image, Scene):
        return (image.canvas, image.canvas), 1
    content, name = _content(image, name)
    try:
        with opened(content) as picture:
            # To find an orientation, Pillow would decode the whole PNG.
            bare = picture.format == "PNG" and _PNG_METADATA.isdisjoint(_png_chunks(content))
            turn = 1 if bare else _orientation(picture)
            # Pillow reports a TIFF's size already rotated, and rotates its pixels itself.
            turned = turn >= 5 and picture.format != "TIFF"
            return (picture.size[::-1] if turned else picture.size), turn
    except Exception as error:  # as in open_rgb
        raise DataError(f"{name}: not readable as a picture ({_reason(error)})") from error


def _hash(width: int, height: int, pixels: bytes | memoryview) -> str:
    digest = xxhash.xxh3_128(f"{width}x{height}:".encode())
    digest.update(pixels)
    return digest.hexdigest()


def _compare(image: _Listed, content: bytes, pixels: str) -> None:
    """Remember the pixel hash of an image, and refuse one that is not the listed one."""
    # Several threads may decode at a time: each single operation on the table is atomic.
    _known[xxhash.xxh3_128_digest(content)] = pixels
    if len(_known) > 2 * _REMEMBERED:
        for oldest in list(_known)[:-_REMEMBERED]:
            _known.pop(oldest, None)
    if pixels != image.pixels:
        raise FactError(image.broken)


def _png_chunks(content: bytes) -> Iterator[bytes]:
    offset = 8
    while offset + 8 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, offset)
        yield kind
        offset += length + 12


def _content(image: bytes | Path, name: str) -> tuple[bytes, str]:
    if image == NO_IMAGE:
        raise DataError(f"{name or 'an example'}: has no image")
    if isinstance(image, bytes):
        return image, name or f"an embedded picture of {len(image)} bytes"
    name = name or str(image)
    try:
        return image.read_bytes(), name
    except FileNotFoundError as error:
        raise DataError(f"{name}: no such picture") from error
    except (OSError, ValueError) as error:  # the latter for a path with a null byte
        raise DataError(f"{name}: cannot be read ({getattr(error, 'strerror', None) or error})") from error


@lru_cache(maxsize=1)
def _pixels(content: bytes) -> np.ndarray:
    pixels = np.asarray(_decode(content))
    pixels.setflags(write=False)
    return pixels


def _decode(content: bytes) -> Image.Image:
    with opened(content) as encoded:
        encoded.load()
        turn = _orientation(encoded)
        picture = _rgb(encoded)
    return picture.transpose(_UPRIGHT[turn]) if turn in _UPRIGHT else picture


def _orientation(picture: Image.Image) -> int:
    try:
        turn = picture.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # a broken EXIF block does not affect the pixels
        return 1
    return turn if turn in _UPRIGHT else 1


def _rgb(picture: Image.Image) -> Image.Image:
    if picture.mode == "F":
        raise ValueError("floating-point pixels have no agreed white; save it with 8 or 16 bits")
    if picture.mode.startswith("I"):
        # Pillow's own conversion clips at 255, which makes most of a 16-bit image white. It opens 16-bit
        # files of some formats (PGM) in mode "I", with values scaled to 0..65535.
        return Image.fromarray((np.clip(np.asarray(picture), 0, 65535) >> 8).astype(np.uint8)).convert("RGB")
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "black"), layer).convert("RGB")
    return picture.convert("RGB")


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return f"no known format; these are read: {', '.join(FORMATS)}"
    return " ".join(str(error).split()) or type(error).__name__
