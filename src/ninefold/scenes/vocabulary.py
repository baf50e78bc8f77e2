"""The vocabulary of scenes: literal tables of shapes, colors and sizes. A new one is one line here.

The outlines are those of the paper's generator (Rizzoli et al. 2025, section 3; ``world/assets/shapes`` of
github.com/sislab-unitn/Getting-to-the-Point at 30271de), as integers: every machine draws the same pixels.
"""

from typing import NamedTuple

SIDE = 103_200
"""Side of the square box of the outlines: hundredths of a pixel of the 1032-pixel original."""


class Disk(NamedTuple):
    """A filled circle, in units of the outline box."""

    x: int
    y: int
    radius: int


Polygon = tuple[tuple[int, int], ...]
"""The vertices (x, y) of a filled polygon in order, x rightward and y downward, in units of the outline box."""

SHAPES: dict[str, Polygon | Disk] = {
    "circle": Disk(51600, 51600, 51600),
    "triangle": ((103200, 95680), (0, 95407), (51836, 6170)),
    "square": ((0, 0), (103200, 0), (103200, 103200), (0, 103200)),
    "star": (
        (51600, 2684), (63679, 40139), (103034, 40053), (71145, 63115), (83388, 100517),
        (51600, 77315), (19812, 100517), (32055, 63115), (166, 40053), (39521, 40139),
    ),
    "plus": (
        (34400, 0), (68800, 0), (68800, 34400), (103200, 34400), (103200, 68800), (68800, 68800),
        (68800, 103200), (34400, 103200), (34400, 68800), (0, 68800), (0, 34400), (34400, 34400),
    ),
}  # fmt: skip
"""Outlines by the shape's name in questions."""

COLORS: dict[str, tuple[int, int, int]] = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "cyan": (0, 255, 255),
    "magenta": (255, 0, 255),
    "yellow": (255, 255, 0),
    "white": (255, 255, 255),
    "black": (0, 0, 0),
}
"""Red, green and blue, each 0 to 255, by the color's name in questions."""

SIZES: dict[str, int] = {"large": 1, "small": 2}
"""Ratio of a cell's side to a sprite's side, by the size's name; "large" is the paper's "regular"."""

MIN_CELL = 10
"""Smallest side of a cell of a scene in pixels; below it small shapes cannot be distinguished."""
