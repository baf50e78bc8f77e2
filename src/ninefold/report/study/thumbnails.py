"""Thumbnails of maps: one small image a map, of a few hundred bytes, so that a page has room for those of all runs.

A cell has `PIXELS` pixels along each side, and one clear pixel divides the regions; a page shows them enlarged, without
smoothing. A cell without a value is hatched.
"""

import base64
import io
import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ninefold.analysis.votes import leaders
from ninefold.report.figures import palette
from ninefold.report.figures.labels import LabelSymbol
from ninefold.report.study.entries import EntryMaps, Votes
from ninefold.space import REGIONS

PIXELS = 3
"""Pixels along each side of a cell."""

CLEAR = ""
"""The color of what is not drawn."""

HATCH = palette.MUTED
"""The color of the diagonal of a cell without a value; no map has it otherwise."""

Colors = NDArray[np.str_]
"""Hex colors of the pixels of cells, shape (grid, grid, PIXELS, PIXELS)."""


def accuracy_map(maps: EntryMaps) -> str:
    """Return the map of accuracy, mean over seeds, as a data URI."""
    return _uri(_filled(maps.accuracy, palette.accuracy_color))


def change_map(maps: EntryMaps) -> str:
    """Return the map of the change as a data URI, a dot in each cell beyond chance; empty without a base."""
    if maps.change is None:
        return ""
    colors = _filled(maps.change.value, palette.difference_color)
    center = PIXELS // 2
    for row, col in np.argwhere(maps.change.sure):
        colors[row, col, center, center] = palette.ink_on(str(colors[row, col, center, center]))
    return _uri(colors)


def vote_map(votes: Votes, symbols: Mapping[str, LabelSymbol]) -> str:
    """Return the map of votes as a data URI; the colors of a tie alternate from pixel to pixel."""
    grid = len(votes)
    colors = np.full((grid, grid, PIXELS, PIXELS), CLEAR, "<U7")
    for row, col, y, x in np.ndindex(colors.shape):
        leading = [symbols[label].fill for label in leaders(votes[row][col]) if label in symbols]
        if leading:
            colors[row, col, y, x] = leading[(y + x) % len(leading)]
    return _uri(colors)


def _filled(values: NDArray[np.float64], color: Callable[[float], str]) -> Colors:
    """Return cells of one color each."""
    known = {value: CLEAR if math.isnan(value) else color(value) for value in np.unique(values).tolist()}
    named = [[CLEAR if math.isnan(value) else known[value] for value in row] for row in values.tolist()]
    return np.array(named, "<U7")[:, :, None, None].repeat(PIXELS, axis=2).repeat(PIXELS, axis=3)


def _uri(colors: Colors) -> str:
    """Return an image of cells as a data URI of a PNG with a palette."""
    grid = len(colors)
    rising = np.eye(PIXELS, dtype=bool)[::-1]
    colors = np.where((colors == CLEAR) & rising, HATCH, colors)
    picture = colors.transpose(0, 2, 1, 3).reshape(grid * PIXELS, grid * PIXELS)
    # A line before the first cell of each region but the first.
    starts = [index for index in range(1, grid) if index * REGIONS // grid > (index - 1) * REGIONS // grid]
    for axis in (0, 1):
        picture = np.insert(picture, [start * PIXELS for start in starts], CLEAR, axis=axis)
    names, indices = np.unique(picture, return_inverse=True)
    image = Image.fromarray(indices.reshape(picture.shape).astype(np.uint8), "P")
    image.putpalette(bytes.fromhex("".join(name.removeprefix("#") or "000000" for name in names.tolist())))
    buffer = io.BytesIO()
    clear = names.tolist().index(CLEAR) if CLEAR in names else None
    image.save(buffer, "PNG", optimize=True, **({} if clear is None else {"transparency": clear}))
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
