"""The renderer of scenes, by integer arithmetic alone: the same bytes on every machine.

A shape is drawn on a lattice of 1200 x 1200 points, each a little square that is filled when the shape reaches into it,
and scaled by taking the nearest points. That is what the paper's generator does, and it gives its pixel counts exactly
(Rizzoli et al. 2025, section 3). Only the points that are taken are ever computed.
"""

import struct
import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ninefold.errors import DesignError
from ninefold.scenes.vocabulary import COLORS, SHAPES, SIZES, Disk, Polygon
from ninefold.types import Scene

LATTICE = 1200
"""Points along each side of a sprite's drawing."""

MARGIN = 84
"""Empty points on each side of the drawing: a shape fills 86 % of its sprite."""

UNIT, RIM = 100, 5
"""Distance between points, and how far a shape must reach over the rim of a point's square to fill it, both in units of
the outlines: the paper's drawing library likewise overlooks a sliver."""

SAMPLES = 4
"""Points taken along each side of a pixel with smooth edges; a pixel with crisp ones takes one."""

MIN_CELL = 10
"""Pixels along a cell's side below which small shapes are no longer told apart."""

PNG_START = b"\x89PNG\r\n\x1a\n"
ZLIB_START, ZLIB_END = b"\x78\x9c", b"\x03\x00"
"""Header of a zlib stream, and the empty block that ends its data (RFC 1950 and 1951)."""

Pixels = NDArray[np.uint8]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


class Sprite(NamedTuple):
    """A thing on the canvas: all that decides which pixels it takes, and which of the scene's colors they have."""

    shape: str
    side: int
    top: int
    left: int
    ink: int
    """Number of its color among the scene's colors, from 0 in order of appearance."""


class Band(NamedTuple):
    """Rows of an image, compressed."""

    deflated: bytes
    """Deflate blocks that refer to nothing before them."""
    checksum: int
    """Adler-32 of the uncompressed bytes."""
    length: int
    """Number of the uncompressed bytes."""


def render(scene: Scene) -> Pixels:
    """Draw a scene.

    Returns:
        (H, W, 3) uint8 array of red, green and blue.

    Raises:
        DesignError: If the scene uses a word that the vocabulary lacks, puts a thing outside the grid or on another
            one, or gives cells too few pixels.
    """
    sprites, _ = _place(scene)
    image = _blank(scene.canvas, scene.background).copy()
    for sprite, thing in zip(sprites, scene.things, strict=True):
        image[_box(sprite)] = _patch(sprite.shape, sprite.side, thing.color, scene.background, scene.antialias)
    return image


def encode_png(scene: Scene) -> bytes:
    """Draw a scene straight into a PNG file with a palette, whose pixels are those of `render`.

    A file is put together from bands, one for each row of the grid, that were compressed by themselves and are kept. A
    band is the same whatever its colors are and wherever it stands, so few are new.

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
    """Return how much of each pixel of a sprite a shape fills.

    Args:
        shape: A name from the vocabulary.
        side: Side of the square sprite in pixels, 86 % of which the shape fills.
        antialias: Whether edges are smooth.

    Returns:
        (side, side) uint8 array, read-only: 0 or 1, or with smooth edges 0 to 16.
    """
    samples = SAMPLES if antialias else 1
    # The point nearest to the middle of each of the side * samples slices that the lattice is cut into.
    points = (2 * np.arange(side * samples) + 1) * LATTICE // (2 * side * samples) - MARGIN
    outline = SHAPES[shape]
    filled = _fills_disk(outline, points) if isinstance(outline, Disk) else _fills_polygon(outline, points)
    amount: Pixels = filled.reshape(side, samples, side, samples).sum(axis=(1, 3), dtype=np.uint8)
    amount.flags.writeable = False
    return amount


def _place(scene: Scene) -> tuple[tuple[Sprite, ...], Pixels]:
    """Return a scene's things as sprites, and the (N, 3) palette that their pixels are indices of."""
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
    """Return the side of a cell, and the margin that is left over at the top and on the left, in pixels."""
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
    """Compress a band of an image, with sprites placed relative to it, so that it can follow any other."""
    per_byte = 8 // depth
    plane = np.zeros((height, -(-width // per_byte) * per_byte), np.uint8)
    for sprite in sprites:
        plane[_box(sprite)] = _indices(sprite.shape, sprite.side, sprite.ink, antialias)
    # A row is the number of its filter, 0 for none, and bytes whose highest bits are the leftmost pixel.
    rows = np.zeros((height, 1 + plane.shape[1] // per_byte), np.uint8)
    for step in range(per_byte):
        rows[:, 1:] |= plane[:, step::per_byte] << (8 - depth - depth * step)
    content = rows.tobytes()
    deflate = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    return Band(deflate.compress(content) + deflate.flush(zlib.Z_FULL_FLUSH), zlib.adler32(content), len(content))


def _joined(first: int, second: int, length: int) -> int:
    """Return the Adler-32 checksum of two pieces from theirs, the second being ``length`` bytes long (RFC 1950)."""
    low = (first & 0xFFFF) + (second & 0xFFFF) - 1
    high = (first >> 16) + (second >> 16) + length * ((first & 0xFFFF) - 1)
    return high % 65521 << 16 | low % 65521


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _fills_disk(disk: Disk, points: Integers) -> Booleans:
    """Return which points a disk fills: those whose square it reaches into, at the nearest corner or edge."""
    low, high = points * UNIT + RIM, points * UNIT + UNIT - RIM
    dx = np.maximum(np.maximum(low - disk.x, disk.x - high), 0)
    dy = np.maximum(np.maximum(low - disk.y, disk.y - high), 0)
    filled: Booleans = dx[None, :] ** 2 + dy[:, None] ** 2 < disk.radius**2
    return filled


def _fills_polygon(polygon: Polygon, points: Integers) -> Booleans:
    """Return which points a polygon fills: those whose middle lies in it, and those whose square an edge crosses."""
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
        # An edge crosses the square if neither x, nor y, nor the edge's own direction keeps them apart.
        near_x = (max(x1, x2) > low) & (min(x1, x2) < high)
        near_y = (max(y1, y2) > low) & (min(y1, y2) < high)
        crossed |= near_x[None, :] & near_y[:, None] & (abs(side) < (UNIT // 2 - RIM) * (abs(width) + abs(height)))
    return inside | crossed
