"""The renderer of scenes, in integer arithmetic: the same bytes on every machine.

A shape is drawn on a lattice of 1200 x 1200 points, each a little square that is filled if the shape reaches into it,
and scaled by nearest-point sampling. The paper's generator does the same, and the pixel counts agree exactly (Rizzoli
et al. 2025, section 3). Only the sampled points are computed.
"""

import struct
import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ninefold.errors import DesignError
from ninefold.scenes.vocabulary import COLORS, MIN_CELL, SHAPES, SIZES, Disk, Polygon
from ninefold.types import Scene

LATTICE = 1200
"""Points along each side of the lattice that a shape is drawn on."""

MARGIN = 84
"""Empty points on each side of the lattice: a shape fills 86 % of its sprite."""

UNIT, RIM = 100, 5
"""Distance between points, and the least overlap of a shape with a point's square that fills it, in units of the
outlines; the paper's drawing library ignores smaller overlaps too."""

SAMPLES = 4
"""Points sampled along each side of a pixel with smooth edges; with crisp edges one."""

PNG_START = b"\x89PNG\r\n\x1a\n"
ZLIB_START, ZLIB_END = b"\x78\x9c", b"\x03\x00"
"""Header of a zlib stream, and the empty block that ends its data (RFC 1950 and 1951)."""

Pixels = NDArray[np.uint8]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


class Sprite(NamedTuple):
    """A thing on the canvas: its shape and position in pixels, and the index of its color."""

    shape: str
    side: int
    top: int
    left: int
    ink: int
    """Index of its color among the scene's colors, in order of appearance."""


class Band(NamedTuple):
    """Rows of an image, compressed."""

    deflated: bytes
    """Deflate blocks without references to earlier data."""
    checksum: int
    """Adler-32 of the uncompressed bytes."""
    length: int
    """Number of uncompressed bytes."""


def render(scene: Scene) -> Pixels:
    """Draw a scene.

    Returns:
        (H, W, 3) uint8 array of red, green and blue.

    Raises:
        DesignError: If the scene uses a word outside the vocabulary, has a thing outside the grid or two in one cell,
            or has cells of too few pixels.
    """
    sprites, _ = _place(scene)
    image = _blank(scene.canvas, scene.background).copy()
    for sprite, thing in zip(sprites, scene.things, strict=True):
        image[_box(sprite)] = _patch(sprite.shape, sprite.side, thing.color, scene.background, scene.antialias)
    return image


def encode_png(scene: Scene) -> bytes:
    """Draw a scene directly as a PNG file with a palette; its pixels are those of `render`.

    The file is joined from bands, one for each row of the grid, which are compressed separately and cached. A band does
    not depend on its colors or its vertical position, and few bands are new.

    Raises:
        DesignError: As `render` does.
    """
    sprites, palette = _place(scene)
    depth = next(depth for depth in (1, 2, 4, 8) if len(palette) <= 1 << depth)
    cell, edge = _cells(scene)
    rows: list[list[Sprite]] = [[] for _ in range(scene.grid)]
    for sprite, thing in zip(sprites, scene.things, strict=True):
        rows[thing.cell.row].append(sprite._replace(top=sprite.top - edge - cell * thing.cell.row))
    heights = [edge, *(cell for _ in rows), scene.canvas - edge - cell * scene.grid]
    content, checksum = [ZLIB_START], 1
    for height, things in zip(heights, [[], *rows, []], strict=True):
        band = _band(tuple(things), height, scene.canvas, depth, scene.antialias)
        content.append(band.deflated)
        checksum = _joined(checksum, band.checksum, band.length)
    data = b"".join([*content, ZLIB_END, struct.pack(">I", checksum)])
    header = struct.pack(">IIBBBBB", scene.canvas, scene.canvas, depth, 3, 0, 0, 0)
    chunks = {b"IHDR": header, b"PLTE": palette.tobytes(), b"IDAT": data, b"IEND": b""}
    return PNG_START + b"".join(_chunk(kind, content) for kind, content in chunks.items())


@lru_cache(maxsize=1024)
def mask(shape: str, side: int, antialias: bool = False) -> Pixels:
    """Return the coverage of each pixel of a sprite by a shape.

    Args:
        shape: A name from the vocabulary.
        side: Side of the square sprite in pixels, 86 % of which the shape fills.
        antialias: Whether edges are smooth.

    Returns:
        (side, side) uint8 array, read-only: 0 or 1, or with smooth edges 0 to 16.
    """
    samples = SAMPLES if antialias else 1
    # The lattice is cut into side * samples slices; these are the points nearest to their middles.
    points = (2 * np.arange(side * samples) + 1) * LATTICE // (2 * side * samples) - MARGIN
    outline = SHAPES[shape]
    filled = _fills_disk(outline, points) if isinstance(outline, Disk) else _fills_polygon(outline, points)
    amount: Pixels = filled.reshape(side, samples, side, samples).sum(axis=(1, 3), dtype=np.uint8)
    amount.flags.writeable = False
    return amount


def _place(scene: Scene) -> tuple[tuple[Sprite, ...], Pixels]:
    """Return a scene's things as sprites, and the (N, 3) palette that their pixels index."""
    _check(scene)
    cell, edge = _cells(scene)
    inks = tuple(dict.fromkeys(thing.color for thing in scene.things))
    sprites = []
    for thing in scene.things:
        side = cell // SIZES[thing.size]
        inset = edge + (cell - side) // 2
        row, col = thing.cell
        sprites.append(Sprite(thing.shape, side, inset + cell * row, inset + cell * col, inks.index(thing.color)))
    return tuple(sprites), _palette(scene.background, inks, scene.antialias)


def _cells(scene: Scene) -> tuple[int, int]:
    """Return the side of a cell and the margin at the top and on the left, in pixels."""
    cell = scene.canvas // scene.grid
    return cell, round((scene.canvas - cell * scene.grid) / 2)


def _check(scene: Scene) -> None:
    if scene.canvas < MIN_CELL * scene.grid:
        raise DesignError(
            f"canvas of {scene.canvas} pixels: too small for {scene.grid} x {scene.grid} cells; "
            f"use {MIN_CELL * scene.grid} or more"
        )
    words: list[tuple[str, Mapping[str, object], str]] = [("color", COLORS, scene.background)]
    for thing in scene.things:
        words += [("shape", SHAPES, thing.shape), ("color", COLORS, thing.color), ("size", SIZES, thing.size)]
        if not all(0 <= index < scene.grid for index in thing.cell):
            raise DesignError(
                f"{thing.look} at {tuple(thing.cell)}: outside the grid of {scene.grid} x {scene.grid} cells"
            )
    for kind, table, word in words:
        if word not in table:
            raise DesignError(f"unknown {kind} {word!r}; the vocabulary has {', '.join(table)}")
    if len({thing.cell for thing in scene.things}) < len(scene.things):
        raise DesignError("two things in one cell; give each thing a cell of its own")


def _box(sprite: Sprite) -> tuple[slice, slice]:
    return np.s_[sprite.top : sprite.top + sprite.side, sprite.left : sprite.left + sprite.side]


@lru_cache(maxsize=8)
def _blank(canvas: int, background: str) -> Pixels:
    return np.full((canvas, canvas, 3), COLORS[background], np.uint8)


@lru_cache(maxsize=256)
def _patch(shape: str, side: int, color: str, background: str, antialias: bool) -> Pixels:
    """Return the colors of a sprite's pixels."""
    patch: Pixels = _palette(background, (color,), antialias)[mask(shape, side, antialias)]
    return patch


@lru_cache(maxsize=1024)
def _palette(background: str, inks: tuple[str, ...], antialias: bool) -> Pixels:
    """Return the background's color, then each ink's from its faintest level to its fullest."""
    levels = _levels(antialias)
    level = np.arange(1, levels + 1)[:, None]
    paper = np.array(COLORS[background])
    blends = [(paper * (levels - level) + np.array(COLORS[ink]) * level + levels // 2) // levels for ink in inks]
    return np.concatenate([paper[None], *blends]).astype(np.uint8)


@lru_cache(maxsize=1024)
def _indices(shape: str, side: int, ink: int, antialias: bool) -> Pixels:
    """Return the palette indices of a sprite's pixels."""
    filled = mask(shape, side, antialias)
    return np.where(filled > 0, filled + np.uint8(ink * _levels(antialias)), np.uint8(0))


def _levels(antialias: bool) -> int:
    return SAMPLES**2 if antialias else 1


@lru_cache(maxsize=4096)
def _band(sprites: tuple[Sprite, ...], height: int, width: int, depth: int, antialias: bool) -> Band:
    """Compress a band of an image, with sprites positioned relative to it; any band can follow any other."""
    per_byte = 8 // depth
    plane = np.zeros((height, -(-width // per_byte) * per_byte), np.uint8)
    for sprite in sprites:
        plane[_box(sprite)] = _indices(sprite.shape, sprite.side, sprite.ink, antialias)
    # A row of a PNG: the number of its filter (0 for none), then bytes whose highest bits are the leftmost pixels.
    rows = np.zeros((height, 1 + plane.shape[1] // per_byte), np.uint8)
    for step in range(per_byte):
        rows[:, 1:] |= plane[:, step::per_byte] << (8 - depth - depth * step)
    content = rows.tobytes()
    deflate = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    return Band(deflate.compress(content) + deflate.flush(zlib.Z_FULL_FLUSH), zlib.adler32(content), len(content))


def _joined(first: int, second: int, length: int) -> int:
    """Return the Adler-32 checksum of two joined pieces; the second is ``length`` bytes long (RFC 1950)."""
    low = (first & 0xFFFF) + (second & 0xFFFF) - 1
    high = (first >> 16) + (second >> 16) + length * ((first & 0xFFFF) - 1)
    return high % 65521 << 16 | low % 65521


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _fills_disk(disk: Disk, points: Integers) -> Booleans:
    """Return the points that a disk fills: those whose square it reaches into, at the nearest corner or edge."""
    low, high = points * UNIT + RIM, points * UNIT + UNIT - RIM
    dx = np.maximum(np.maximum(low - disk.x, disk.x - high), 0)
    dy = np.maximum(np.maximum(low - disk.y, disk.y - high), 0)
    filled: Booleans = dx[None, :] ** 2 + dy[:, None] ** 2 < disk.radius**2
    return filled


def _fills_polygon(polygon: Polygon, points: Integers) -> Booleans:
    """Return the points that a polygon fills: those whose middle lies in it, and those whose square an edge crosses."""
    low, high = points * UNIT + RIM, points * UNIT + UNIT - RIM
    x, y = (points * UNIT + UNIT // 2)[None, :], (points * UNIT + UNIT // 2)[:, None]
    inside = np.zeros((len(points), len(points)), bool)
    crossed = np.zeros_like(inside)
    for (x1, y1), (x2, y2) in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        width, height = x2 - x1, y2 - y1
        side = width * (y - y1) - height * (x - x1)
        # A ray from the middle leftward that meets an odd number of edges starts inside.
        meets = (side < 0) if height > 0 else (side > 0)
        inside ^= ((y1 <= y) != (y2 <= y)) & meets
        # Separating axes: an edge crosses the square unless x, y or the edge's normal separates them.
        near_x = (max(x1, x2) > low) & (min(x1, x2) < high)
        near_y = (max(y1, y2) > low) & (min(y1, y2) < high)
        crossed |= near_x[None, :] & near_y[:, None] & (abs(side) < (UNIT // 2 - RIM) * (abs(width) + abs(height)))
    return inside | crossed
