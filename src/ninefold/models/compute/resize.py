"""Pillow's resize, to the last bit, without the work on black margins: they are most of a synthetic picture."""

import math

from PIL import Image

REACH = 6
"""Twice the reach of Pillow's widest filter, in pixels of the smaller of the two pictures."""


def resize(picture: Image.Image, size: tuple[int, int], resample: int) -> Image.Image:
    """Resize a picture as ``picture.resize(size, resample)`` does.

    Of a square picture only a square is resized that holds all that is not black. It is cut where both grids of pixels
    meet and so far outside that no filter sees the cut; around it the result is black as well. It is a square because
    Pillow passes over rows or columns first, and so rounds, according to a picture's shape.

    Args:
        picture: In mode RGB.
        size: Width and height in pixels.
        resample: One of `PIL.Image.Resampling`.

    Returns:
        A picture of that size, in mode RGB.
    """
    side, new_side = picture.width, size[0]
    box = picture.getbbox()
    if box is None or picture.height != side or size[1] != new_side:
        return picture.resize(size, resample)
    step = side // math.gcd(side, new_side)
    room = REACH * max(1.0, side / new_side) + 1
    widest = max(box[2] - box[0], box[3] - box[1]) + 2 * room
    cut = min(side, (math.ceil(widest / step) + 1) * step)
    left, top = (min(max(0, math.floor((first - room) / step) * step), side - cut) for first in box[:2])
    part = picture.crop((left, top, left + cut, top + cut))
    found = Image.new("RGB", size)
    new_cut = cut * new_side // side
    found.paste(part.resize((new_cut, new_cut), resample), (left * new_side // side, top * new_side // side))
    return found
