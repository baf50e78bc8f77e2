"""The figure of models.md: two images as each family resizes and tiles them."""

import io
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from ninefold.images import open_rgb
from ninefold.models.protocol import ImageInput
from ninefold.space import Cell
from ninefold.store import write_bytes
from ninefold.types import Scene, Thing

PADDING = (200, 200, 196)
TILE = 336
MOLMO_WINDOW, MOLMO_MARGIN = 224, 56
GAP, CAPTION = 24, 150
"""Space between an image and its thumbnail, and space for the caption below, in pixels."""


def draw(inputs: Mapping[str, Sequence[ImageInput]], path: Path) -> None:
    """Draw the image inputs of each family for a square and a wide image, all at one scale.

    Args:
        inputs: For each family its two image inputs.
        path: The PNG to write.
    """
    widths = [max(map(_width, seen)) for seen in inputs.values()]
    heights = [max(_pixels(seen[row])[1] for seen in inputs.values()) + CAPTION for row in range(2)]
    figure = Figure(figsize=(12, 12 * sum(heights) / (sum(widths) + 60 * len(widths)) + 0.3), layout="constrained")
    axes = figure.subplots(2, len(inputs), width_ratios=widths, height_ratios=heights)
    for column, (name, seen) in enumerate(inputs.items()):
        for row, (image_input, image) in enumerate(zip(seen, (_square(), _wide()), strict=True)):
            _panel(axes[row, column], name, image_input, image)
            axes[row, column].set(xlim=(-4, widths[column] + 4), ylim=(heights[row], -4))
        axes[0, column].set_title(name, loc="left", fontsize=9, fontweight="bold")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None}, facecolor="white")
    write_bytes(path, buffer.getvalue())


def _panel(axes: Axes, name: str, image_input: ImageInput, image: Image.Image) -> None:
    width, height = _pixels(image_input)
    axes.imshow(_prepared(name, image_input, image), extent=(0, width, height, 0))
    for x, y, w, h in _tiles(name, width, height):
        axes.add_patch(Rectangle((x, y), w, h, fill=False, edgecolor="white", linewidth=1.4))
        axes.add_patch(Rectangle((x, y), w, h, fill=False, edgecolor="#e8862a", linewidth=0.7))
    if image_input.tiles > 1:
        left = width + GAP
        axes.imshow(_thumbnail(name, image), extent=(left, left + TILE, TILE, 0))
        axes.add_patch(Rectangle((left, 0), TILE, TILE, fill=False, edgecolor="#e8862a", linewidth=0.7))
    tokens = f"\n{image_input.image_tokens:,} tokens" if image_input.image_tokens else ""
    axes.text(0, height + 20, f"{width} × {height}{tokens}", fontsize=7, va="top", linespacing=1.4)
    axes.set_aspect("equal", anchor="NW")
    axes.axis("off")


def _pixels(image_input: ImageInput) -> tuple[int, int]:
    assert image_input.pixels is not None
    return image_input.pixels


def _width(image_input: ImageInput) -> int:
    return _pixels(image_input)[0] + (GAP + TILE if image_input.tiles > 1 else 0)


def _prepared(name: str, image_input: ImageInput, image: Image.Image) -> np.ndarray:
    """Return an image as a family resizes, crops or pads it."""
    if name == "llava":
        scale = TILE / min(image.size)
        resized = image.resize((round(image.width * scale), round(image.height * scale)))
        left, top = (resized.width - TILE) // 2, (resized.height - TILE) // 2
        return np.asarray(resized.crop((left, top, left + TILE, top + TILE)))
    if image_input.tiles > 1:
        return _fitted(image, _pixels(image_input))
    return np.asarray(image.resize(_pixels(image_input)))


def _thumbnail(name: str, image: Image.Image) -> np.ndarray:
    """Return the thumbnail: LLaVA-NeXT resizes to a square, Molmo pads to one."""
    return _fitted(image, (TILE, TILE)) if name == "molmo" else np.asarray(image.resize((TILE, TILE)))


def _fitted(image: Image.Image, size: tuple[int, int]) -> np.ndarray:
    canvas = Image.new("RGB", size, PADDING)
    scale = min(size[0] / image.width, size[1] / image.height)
    resized = image.resize((int(image.width * scale), int(image.height * scale)))
    canvas.paste(resized, ((size[0] - resized.width) // 2, (size[1] - resized.height) // 2))
    return np.asarray(canvas)


def _tiles(name: str, width: int, height: int) -> list[tuple[int, int, int, int]]:
    """Return left, top, width and height of each tile; of Molmo's only the window that no other tile pools."""
    if name == "llava-next":
        return [(x, y, TILE, TILE) for y in range(0, height, TILE) for x in range(0, width, TILE)]
    if name == "molmo":
        columns, rows = (_windows(side) for side in (width, height))
        return [(x, y, w, h) for y, h in rows for x, w in columns]
    return [(0, 0, width, height)]


def _windows(side: int) -> list[tuple[int, int]]:
    count = (side - 2 * MOLMO_MARGIN) // MOLMO_WINDOW
    borders = [0, *(MOLMO_MARGIN + MOLMO_WINDOW * index for index in range(1, count)), side]
    return [(start, end - start) for start, end in pairwise(borders)]


def _square() -> Image.Image:
    things = (
        Thing("square", "red", "large", Cell(1, 1)),
        Thing("star", "yellow", "large", Cell(4, 4)),
        Thing("circle", "cyan", "large", Cell(7, 6)),
        Thing("triangle", "green", "large", Cell(2, 7)),
    )
    return Image.fromarray(open_rgb(Scene(things, antialias=True)))


def _wide() -> Image.Image:
    """Return a landscape of 640 x 480 with a thing near each side."""
    sky = np.linspace((120, 170, 215), (225, 235, 240), 300)[:, None]
    ground = np.linspace((120, 150, 90), (70, 100, 55), 180)[:, None]
    land = np.broadcast_to(np.concatenate([sky, ground]), (480, 640, 3)).astype(np.uint8).copy()
    y, x = np.mgrid[:480, :640]
    for center_x, center_y, radius, color in (
        (45, 250, 38, "#c0392b"),
        (320, 330, 60, "#e8b23a"),
        (600, 180, 34, "#5b3f8c"),
    ):
        inside = (x - center_x) ** 2 + (y - center_y) ** 2 <= radius**2
        land[inside] = [int(color[start : start + 2], 16) for start in (1, 3, 5)]
    return Image.fromarray(land)
