"""The nano world: procedural images of colored shapes, plain ones and photo-like ones.

The plain images are uniform and crisp; the photo-like ones have textured backgrounds, and three to twelve things
of many sizes off any grid, which overlap and crowd at the center, as in photos. Positions and sizes are fractions of
the image's sides: an image can be drawn at any size and aspect ratio.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ninefold.scenes.render import mask
from ninefold.scenes.vocabulary import COLORS

Pixels = NDArray[np.uint8]

OUTLINES = ("circle", "triangle", "square", "star", "plus")
"""The shapes a thing can have: literal, so that a new word of the vocabulary changes no base."""

INKS = ("red", "green", "blue", "cyan", "magenta", "yellow", "white")
"""Colors of things."""

KINDS = tuple((color, shape) for color in INKS for shape in OUTLINES)
"""All objects, as pairs of color and shape."""

STENCIL = 160
"""Side of the largest drawing of a shape in pixels; every thing is a smaller copy of one."""


@dataclass(frozen=True, slots=True)
class WorldThing:
    """One object of a nano image."""

    color: str
    """A name from the vocabulary."""
    shape: str
    """A name from the vocabulary."""
    x: float
    """Center, as a fraction of the image's width."""
    y: float
    """Center, as a fraction of the image's height."""
    w: float
    """Width, as a fraction of the image's width."""
    h: float
    """Height, as a fraction of the image's height."""
    rgb: tuple[int, int, int]
    """Its drawn color: the vocabulary's own in plain images, a shade of it in photo-like ones."""

    @property
    def name(self) -> str:
        """Its name in questions."""
        return f"{self.color} {self.shape}"


@dataclass(frozen=True, slots=True)
class WorldImage:
    """An image to be drawn, with its objects."""

    items: tuple[WorldThing, ...]
    """Its objects, the hindmost first."""
    background: Pixels
    """One color (1, 1, 3), or a texture (H, W, 3) at least as large as any drawing of the image."""
    aspect: float = 1.0
    """Width over height."""

    def named_once(self) -> list[WorldThing]:
        """Return the objects with a unique name in the image."""
        names = [item.name for item in self.items]
        return [item for item in self.items if names.count(item.name) == 1]


def plain(rng: np.random.Generator, count: int) -> WorldImage:
    """Return a plain image of ``count`` objects with different names that do not touch, spread evenly."""
    kinds = rng.permutation(len(KINDS))[:count]
    items: list[WorldThing] = []
    for kind in kinds:
        color, shape = KINDS[kind]
        side = float(rng.choice([0.047, 0.095])) if rng.random() < 0.5 else float(rng.uniform(0.045, 0.16))
        for _ in range(20):
            x, y = rng.uniform(side / 2, 1 - side / 2, 2).tolist()
            if all(max(abs(x - o.x), abs(y - o.y)) > (side + o.w) / 2 for o in items):
                items.append(WorldThing(color, shape, x, y, side, side, COLORS[color]))
                break
    shade = rng.integers(0, 70, 3) if rng.random() < 0.5 else np.zeros(3)
    return WorldImage(tuple(items), shade.astype(np.uint8).reshape(1, 1, 3))


def photo_like(rng: np.random.Generator, count: int, textures: list[Pixels]) -> WorldImage:
    """Return a photo-like image of ``count`` objects, some of which may share a name or overlap."""
    aspect = float(rng.choice([4 / 3, 3 / 4, 3 / 2, 2 / 3, 1.0]))
    items: list[WorldThing] = []
    for _ in range(count):
        color, shape = KINDS[rng.integers(len(KINDS))]
        side = float(np.exp(rng.uniform(np.log(0.06), np.log(0.3))))
        w, h = side / np.sqrt(aspect), side * np.sqrt(aspect)
        for _ in range(20):
            x, y = np.clip(rng.normal(0.5, 0.23, 2), (w / 2, h / 2), (1 - w / 2, 1 - h / 2)).tolist()
            if all(_overlap(x, y, w, h, other) < 0.25 for other in items):
                items.append(WorldThing(color, shape, x, y, w, h, _shade(rng, color)))
                break
    return WorldImage(tuple(items), _crop(rng, textures), aspect)


def random_images(
    rng: np.random.Generator, textures: list[np.ndarray], batch: int, counts: tuple[int, int], photos: float
) -> list[WorldImage]:
    """Return images with ``counts`` (fewest, most) objects each, a fraction ``photos`` of them photo-like."""
    made = []
    for _ in range(batch):
        count = int(rng.integers(counts[0], counts[1] + 1))
        made.append(photo_like(rng, count, textures) if rng.random() < photos else plain(rng, count))
    return made


def draw(image: WorldImage, width: int, height: int) -> Pixels:
    """Draw an image with soft edges.

    Returns:
        An array (height, width, 3). Drawing at another aspect ratio squeezes the image, like a processor that
        resizes to a square.
    """
    if image.background.shape[:2] == (1, 1):
        canvas = np.empty((height, width, 3), np.uint8)
        canvas[:] = image.background
    elif image.background.shape[0] >= height and image.background.shape[1] >= width:
        canvas = image.background[:height, :width].copy()
    else:
        canvas = np.asarray(Image.fromarray(image.background).resize((width, height), Image.Resampling.BILINEAR)).copy()
    for item in image.items:
        _paste(canvas, item)
    return canvas


def texture(rng: np.random.Generator, side: int = 320) -> Pixels:
    """Return a muted, cloudy background (side, side, 3), at times with a horizon or stripes, not in a thing's color."""
    field = np.zeros((side, side), np.float32)
    for cells in (3, 6, 12, 24, 48, 96):
        noise = Image.fromarray(rng.random((cells, cells), np.float32))
        field += np.asarray(noise.resize((side, side), Image.Resampling.BICUBIC)) * rng.uniform(0.2, 1) / cells**0.5
    if rng.random() < 0.3:
        angle, period = rng.uniform(0, np.pi), rng.uniform(8, 40)
        down, across = np.mgrid[:side, :side]
        field += 0.15 * np.sin((across * np.cos(angle) + down * np.sin(angle)) * 2 * np.pi / period).astype(np.float32)
    field = (field - field.min()) / (np.ptp(field) + 1e-6)
    canvas = _two_tone(rng, field)
    if rng.random() < 0.4:
        horizon = int(side * rng.uniform(0.3, 0.7))
        canvas[horizon:] = _two_tone(rng, field[horizon:])
    return canvas


def _two_tone(rng: np.random.Generator, field: NDArray[np.float32]) -> Pixels:
    value = rng.uniform(25, 170, (2, 1))
    tones = np.clip(value + rng.uniform(-22, 22, (2, 3)), 0, 200)
    painted: Pixels = (tones[0] + field[..., None] * (tones[1] - tones[0])).astype(np.uint8)
    return painted


def _crop(rng: np.random.Generator, textures: list[Pixels]) -> Pixels:
    chosen = textures[rng.integers(len(textures))]
    return chosen[:, ::-1] if rng.random() < 0.5 else chosen


def _shade(rng: np.random.Generator, color: str) -> tuple[int, int, int]:
    pure = np.array(COLORS[color], float)
    shade = np.clip(pure * rng.uniform(0.72, 1.0) + rng.uniform(0, 40, 3), 0, 255)
    return (int(shade[0]), int(shade[1]), int(shade[2]))


def _overlap(x: float, y: float, w: float, h: float, other: WorldThing) -> float:
    """Return the shared area as a fraction of the smaller box."""
    across = min(x + w / 2, other.x + other.w / 2) - max(x - w / 2, other.x - other.w / 2)
    down = min(y + h / 2, other.y + other.h / 2) - max(y - h / 2, other.y - other.h / 2)
    return max(across, 0.0) * max(down, 0.0) / min(w * h, other.w * other.h)


def _paste(canvas: Pixels, item: WorldThing) -> None:
    height, width = canvas.shape[:2]
    w, h = max(round(item.w * width), 3), max(round(item.h * height), 3)
    mask = _stencil(item.shape, w, h)
    left, top = round(item.x * width - w / 2), round(item.y * height - h / 2)
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + w, width), min(top + h, height)
    part = mask[y0 - top : y1 - top, x0 - left : x1 - left, None]
    under = canvas[y0:y1, x0:x1]
    canvas[y0:y1, x0:x1] = (under * (1 - part) + np.array(item.rgb, np.float32) * part + 0.5).astype(np.uint8)


@lru_cache(maxsize=20_000)
def _stencil(shape: str, w: int, h: int) -> NDArray[np.float32]:
    """Return the coverage of each pixel of a w x h box by a shape, (h, w) in [0, 1]."""
    drawn = Image.fromarray(mask(shape, STENCIL) * np.uint8(255))
    whole = drawn.crop(drawn.getbbox())
    return np.asarray(whole.resize((w, h), Image.Resampling.BOX), np.float32) / np.float32(255)
