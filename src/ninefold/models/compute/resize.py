"""Pillow's resize, bit for bit, without the black margins, which are most of a synthetic image."""

import math

from PIL import Image

REACH = 6
"""Twice the reach of Pillow's widest filter, in pixels of the smaller of the two images."""


def resize(image: Image.Image, size: tuple[int, int], resample: int) -> Image.Image:
    """Return the result of ``image.resize(size, resample)``.

    For a square image, only the square around all non-black pixels is resized. It is cut where the pixel grids before
    and after coincide, and with a margin that no filter crosses; outside it the result is black. It is a square because
    Pillow's order of resizing rows and columns, and with it rounding, depends on the image's shape.

    Args:
        image: An image in mode RGB.
        size: Width and height in pixels.
        resample: One of `PIL.Image.Resampling`.

    Returns:
        An image of that size, in mode RGB.
    """
    side, new_side = image.width, size[0]
    box = image.getbbox()
    if box is None or image.height != side or size[1] != new_side:
        return image.resize(size, resample)
    step = side // math.gcd(side, new_side)
    room = REACH * max(1.0, side / new_side) + 1
    widest = max(box[2] - box[0], box[3] - box[1]) + 2 * room
    cut = min(side, (math.ceil(widest / step) + 1) * step)
    left, top = (min(max(0, math.floor((first - room) / step) * step), side - cut) for first in box[:2])
    part = image.crop((left, top, left + cut, top + cut))
    found = Image.new("RGB", size)
    new_cut = cut * new_side // side
    found.paste(part.resize((new_cut, new_cut), resample), (left * new_side // side, top * new_side // side))
    return found
