"""How people say where a thing is: the source of the nano bases' bias.

The center is big and fuzzy, "center left" and "center right" are seldom said, and things tend to be called top sooner
than bottom. Every place that a nano base learns comes from here, never from the grid.
"""

import numpy as np

from ninefold.nano.world import WorldImage, WorldThing

LEFT_UNTIL, RIGHT_FROM = 0.28, 0.72
TOP_UNTIL, BOTTOM_FROM = 0.40, 0.66
BLUR = 0.06
SAY_ROW_INSTEAD = 0.7
"""How often somebody who sees a thing left or right of the center names a top or bottom place instead."""


def place(rng: np.random.Generator, x: float, y: float) -> str:
    """Return the place a person might name for a point, given in fractions of the picture: one of the nine labels."""
    across, down = x + rng.normal(0, BLUR), y + rng.normal(0, BLUR)
    column = "left" if across < LEFT_UNTIL else "right" if across > RIGHT_FROM else "center"
    row = "top" if down < TOP_UNTIL else "bottom" if down > BOTTOM_FROM else "center"
    if row == "center" and column != "center" and rng.random() < SAY_ROW_INSTEAD:
        row = "top" if down < (TOP_UNTIL + BOTTOM_FROM) / 2 else "bottom"
    return "center" if row == column == "center" else f"{row} {column}"


def caption(rng: np.random.Generator, picture: WorldImage, most: int = 5) -> str:
    """Describe a picture the way people do: some of its things, each with its place."""
    chosen = [picture.items[i] for i in rng.permutation(len(picture.items))[:most]]
    return ", ".join(f"a {item.name} {_at(rng, item)}" for item in chosen)


def point(item: WorldThing) -> str:
    """Return the exact center of a thing, as two percentages: across and down."""
    return f"{_percent(item.x)} {_percent(item.y)}"


def _at(rng: np.random.Generator, item: WorldThing) -> str:
    where = place(rng, item.x, item.y)
    return "in the center" if where == "center" else f"at the {where}"


def _percent(fraction: float) -> str:
    return f"{min(int(fraction * 100), 99):02d}"
