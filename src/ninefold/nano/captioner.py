"""A simulated captioner who names positions as people do: the source of the nano bases' bias.

The center is big and fuzzy, "center left" and "center right" are rarely said, and "top" reaches further than "bottom".
Every position label that a nano base is trained on comes from here, never from the grid.
"""

import numpy as np

from ninefold.nano.world import WorldImage, WorldThing

LEFT_UNTIL, RIGHT_FROM = 0.28, 0.72
TOP_UNTIL, BOTTOM_FROM = 0.40, 0.66
BLUR = 0.06
SAY_ROW_INSTEAD = 0.7
"""Probability that an object left or right of the center gets a top or bottom label instead."""


def position(rng: np.random.Generator, x: float, y: float) -> str:
    """Return the label that a person might choose for a point, given as fractions of the image."""
    across, down = x + rng.normal(0, BLUR), y + rng.normal(0, BLUR)
    column = "left" if across < LEFT_UNTIL else "right" if across > RIGHT_FROM else "center"
    row = "top" if down < TOP_UNTIL else "bottom" if down > BOTTOM_FROM else "center"
    if row == "center" and column != "center" and rng.random() < SAY_ROW_INSTEAD:
        row = "top" if down < (TOP_UNTIL + BOTTOM_FROM) / 2 else "bottom"
    return "center" if row == column == "center" else f"{row} {column}"


def caption(rng: np.random.Generator, image: WorldImage, most: int = 5) -> str:
    """Return a caption: some of the image's objects, each with its position."""
    chosen = [image.items[i] for i in rng.permutation(len(image.items))[:most]]
    return ", ".join(f"a {item.name} {_at(rng, item)}" for item in chosen)


def point(item: WorldThing) -> str:
    """Return the exact center of an object as two percentages, from the left and from the top."""
    return f"{_percent(item.x)} {_percent(item.y)}"


def _at(rng: np.random.Generator, item: WorldThing) -> str:
    where = position(rng, item.x, item.y)
    return "in the center" if where == "center" else f"at the {where}"


def _percent(fraction: float) -> str:
    return f"{min(int(fraction * 100), 99):02d}"
