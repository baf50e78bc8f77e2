"""Colors of the figures, distinguishable with every common kind of color blindness."""

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import Colormap, LinearSegmentedColormap, to_hex, to_rgb

ACCURACY: Colormap = colormaps["cividis"]
"""Accuracy, 0 to 1: dark blue to yellow, made for color-blind readers (Nuñez, Anderton and Renslow 2018)."""

DIFFERENCE: Colormap = LinearSegmentedColormap.from_list(
    "ninefold-difference", ["#8f3a05", "#e8862a", "#f6e3cf", "#f4f4f2", "#cfe3f1", "#3f8fc6", "#0b3c6f"]
)
"""Change in accuracy, -1 to 1: orange is worse, blue is better."""

POSITIONS = (
    ("#a9d3f0", "#e3e3df", "#fdd49a"),
    ("#3f8fc6", "#94938f", "#e8862a"),
    ("#0b3c6f", "#45443f", "#8f3a05"),
)
"""Nine positions, rows from the top: hue for left, center, right (blue, gray, orange), lightness for the row."""

CATEGORIES = ("#0072b2", "#e69f00", "#009e73", "#f0e442", "#56b4e9", "#d55e00", "#cc79a7", "#000000")
"""Colors without an order, for any other labels (Okabe and Ito 2008)."""

LINES = (
    ("#0072b2", "o"), ("#d55e00", "s"), ("#009e73", "D"), ("#cc79a7", "^"), ("#e69f00", "v"), ("#56b4e9", "P"),
    ("#000000", "X"),
)  # fmt: skip
"""Color and marker of lines on white: those of `CATEGORIES` with enough contrast; the marker tells them apart too."""

BASE, TUNED, MUTED = "#85847f", "#2a78b5", "#c9c8c3"
"""Colors of the base model, the tuned model, and less important elements."""


def accuracy_color(value: float) -> str:
    """Return the hex color of an accuracy in [0, 1]."""
    return str(to_hex(ACCURACY(0.94 * value)))


def difference_color(value: float) -> str:
    """Return the hex color of a difference in [-1, 1]; small differences are amplified to be visible."""
    return str(to_hex(DIFFERENCE(0.5 + 0.5 * float(np.sign(value)) * abs(value) ** 0.6)))


def ink_on(fill: str) -> str:
    """Return black or white, whichever has the higher contrast on a hex color (WCAG 2 relative luminance)."""
    channels = np.array(to_rgb(fill))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return "#000000" if float(linear @ [0.2126, 0.7152, 0.0722]) > 0.179 else "#ffffff"
