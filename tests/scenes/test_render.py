import io

import cv2
import numpy as np
import pytest
from PIL import Image

from ninefold.errors import DesignError
from ninefold.scenes.render import MIN_CELL, encode_png, mask, render
from ninefold.scenes.vocabulary import COLORS, SHAPES, SIZES
from ninefold.space import Cell
from ninefold.types import Scene, Thing


def scene(*things: tuple[str, str, str, int, int], **settings: object) -> Scene:
    return Scene(
        tuple(Thing(shape, color, size, Cell(row, col)) for shape, color, size, row, col in things), **settings
    )


def filled(picture: np.ndarray) -> tuple[int, int, int, int, int]:
    """Filled pixels, and first and last row and column of them."""
    ink = picture.any(axis=2)
    rows, cols = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return int(ink.sum()), *(int(edge) for axis in (rows, cols) for edge in axis[[0, -1]])


CROWD = scene(
    ("star", "red", "large", 0, 0), ("plus", "cyan", "small", 8, 8), ("circle", "white", "large", 4, 4),
    ("triangle", "yellow", "small", 4, 5), ("square", "magenta", "large", 8, 0), ("circle", "red", "small", 0, 1),
)  # fmt: skip


@pytest.mark.parametrize(
    ("shape", "size", "expected"),
    [
        ("square", "large", (4096, 8, 71, 8, 71)),
        ("circle", "large", (3188, 8, 71, 8, 71)),
        ("triangle", "large", (1753, 13, 66, 8, 70)),
        ("star", "large", (1241, 11, 68, 9, 70)),
        ("plus", "large", (2332, 8, 71, 8, 71)),
        ("square", "small", (961, 24, 54, 24, 54)),
        ("circle", "small", (793, 24, 54, 24, 54)),
        ("triangle", "small", (439, 26, 52, 24, 54)),
        ("star", "small", (311, 24, 53, 24, 54)),
        ("plus", "small", (561, 24, 54, 24, 54)),
    ],
)
def test_shapes_have_the_papers_pixels(shape: str, size: str, expected: tuple[int, ...]):
    assert filled(render(scene((shape, "red", size, 0, 0)))) == expected


def test_a_cell_is_74_pixels_and_the_grid_starts_at_3():
    assert filled(render(scene(("square", "blue", "large", 8, 2))))[1:] == (600, 663, 156, 219)


def test_other_canvases_and_grids():
    # At 336 pixels a cell is 37 wide and the grid starts at 2: reference, "Rendering at 672".
    assert filled(render(scene(("square", "red", "large", 0, 0), canvas=336))) == (961, 5, 35, 5, 35)
    assert render(scene(("square", "red", "large", 2, 2), canvas=100, grid=3)).shape == (100, 100, 3)


def test_a_crisp_picture_holds_no_other_colors():
    colors = {tuple(color) for color in np.unique(render(CROWD).reshape(-1, 3), axis=0).tolist()}
    assert colors == {COLORS[name] for name in ("black", "red", "cyan", "white", "yellow", "magenta")}


def test_smooth_edges_blend_ink_and_background():
    picture = render(scene(("circle", "red", "large", 0, 0), antialias=True))
    assert not picture[..., 1:].any()
    assert len(np.unique(picture[..., 0])) > 8
    assert abs(int(picture[..., 0].sum()) / 255 - 3183) < 20


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("canvas", [672, 341, 95])
@pytest.mark.parametrize("count", [0, 1, 2, 6])
def test_a_png_reads_the_same_everywhere(count: int, canvas: int, antialias: bool):
    drawn = Scene(CROWD.things[:count], canvas=canvas, antialias=antialias)
    png, expected = encode_png(drawn), render(drawn)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png)).convert("RGB")), expected)
    opened = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert np.array_equal(cv2.cvtColor(opened, cv2.COLOR_BGR2RGB), expected)


def test_one_thing_takes_one_bit_a_pixel():
    png = encode_png(scene(("star", "red", "large", 3, 3)))
    assert (png[24], png[25]) == (1, 3)  # bit depth, and palette as the kind of color
    assert len(png) < 700


def test_scenes_that_differ_in_color_alone_differ_in_the_palette_alone():
    red, blue = (encode_png(scene(("star", color, "large", 3, 3))) for color in ("red", "blue"))
    start = 8 + 25 + 18  # signature, IHDR, PLTE of two colors
    assert red[:start] != blue[:start]
    assert red[start:] == blue[start:]


@pytest.mark.parametrize("side", range(MIN_CELL, 80))
def test_shapes_of_each_size_are_told_apart_in_the_smallest_cells(side: int):
    masks = [mask(shape, side // size) for shape in SHAPES for size in SIZES.values()]
    assert len({(found.shape, found.tobytes()) for found in masks}) == len(masks)


def test_masks_serve_other_sizes():
    assert mask("square", 100).sum() == 86**2
    assert all(mask(shape, 4).any() for shape in SHAPES)
    assert mask("circle", 20, antialias=True).max() == 16


@pytest.mark.parametrize(
    ("things", "settings", "message"),
    [
        ([("blob", "red", "large", 0, 0)], {}, "unknown shape 'blob'.*circle, triangle"),
        ([("star", "pink", "large", 0, 0)], {}, "unknown color 'pink'"),
        ([("star", "red", "huge", 0, 0)], {}, "unknown size 'huge'.*large, small"),
        ([("star", "red", "large", 9, 0)], {}, r"red star at \(9, 0\): outside the grid of 9 x 9"),
        ([("star", "red", "large", 1, 1), ("plus", "red", "small", 1, 1)], {}, "two things in one cell"),
        ([("star", "red", "large", 0, 0)], {"canvas": 89}, "89 pixels: too small for 9 x 9 cells; use 90"),
    ],
)
def test_scenes_that_cannot_be_drawn(things: list, settings: dict, message: str):
    with pytest.raises(DesignError, match=message):
        render(scene(*things, **settings))
