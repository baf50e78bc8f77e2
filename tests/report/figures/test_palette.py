from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from ninefold.report.figures import palette
from ninefold.report.figures.labels import symbols
from ninefold.space import LABELS

# Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB.
SIGHTS = {
    "usual": np.eye(3),
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(color: str) -> np.ndarray:
    channels = np.array(to_rgb(color))
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    x, y, z = np.cbrt(XYZ @ np.clip(rgb, 0, 1) / [0.9505, 1, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def closest(sight: str, labels) -> float:
    """The smallest difference (CIE 1976) between the colors of labels; one of 2.3 is just noticeable."""
    colors = [lab(np.array(SIGHTS[sight]) @ linear(symbol.fill)) for symbol in symbols(labels).values()]
    return min(np.linalg.norm(one - other) for one, other in combinations(colors, 2))


@pytest.mark.parametrize("sight", SIGHTS)
def test_labels_are_told_apart_by_every_eye(sight):
    assert closest(sight, LABELS) > 19
    assert closest(sight, ["left", "center", "right"]) > 19
    assert closest(sight, ["true", "false"]) > 19
    assert closest(sight, "abcdefgh") > 10


@pytest.mark.parametrize("sight", SIGHTS)
def test_lines_are_told_apart_by_every_eye_or_by_their_markers(sight):
    colors = [lab(np.array(SIGHTS[sight]) @ linear(color)) for color, _ in palette.LINES]
    assert min(np.linalg.norm(one - other) for one, other in combinations(colors, 2)) > 9
    assert len({marker for _, marker in palette.LINES}) == len(palette.LINES)


def test_text_on_any_tile_can_be_read():
    fills = [palette.accuracy_color(k / 50) for k in range(51)] + [
        palette.difference_color(k / 25) for k in range(-25, 26)
    ]
    for fill in [*fills, *(symbol.fill for symbol in symbols(LABELS).values()), *palette.CATEGORIES]:
        light, dark = sorted(linear(color) @ [0.2126, 0.7152, 0.0722] for color in (fill, palette.ink_on(fill)))[::-1]
        assert (light + 0.05) / (dark + 0.05) >= 4.5, fill


def test_better_is_blue_and_worse_is_orange():
    assert linear(palette.difference_color(0.3)) @ [-1, 0, 1] > 0 > linear(palette.difference_color(-0.3)) @ [-1, 0, 1]
