"""The figure of a question: its image, and the answers of several models to it (Ogezi & Shi 2025, Figures 2 and 4)."""

from collections.abc import Iterator

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from ninefold import images
from ninefold.report.figures import text
from ninefold.report.shown import ShownExample
from ninefold.types import ImageSource
from ninefold.web.wording import excerpt

SIDE = 640
"""Longest side of the image of a figure, in pixels."""

LETTERS = 400
"""Largest number of characters of an answer in a figure."""


def figure(example: ShownExample, image: ImageSource | None, *, width: float = 7.0) -> Figure:
    """Draw a question: its image at the left, question, right answer and the answer of each run at the right.

    Args:
        example: The question and its answers.
        image: Its image; None if it is missing.
        width: Width in inches; by default that of a journal's page.
    """
    picture = None if image is None else _array(image)
    left = 0.0 if picture is None else 0.36 * width
    lines = list(_lines(example, width - left - 0.35))
    heights = [(SPACING * size * (shown.count("\n") + 1) + GAPS[size]) / 72 for shown, size, _, _ in lines]
    tall = 0.0 if picture is None else left * picture.shape[0] / picture.shape[1]
    height = max(sum(heights), tall) + 0.3
    drawing = Figure(figsize=(width, height))
    if picture is not None:
        axes = drawing.add_axes((0.1 / width, 1 - (tall + 0.15) / height, left / width, tall / height))
        axes.imshow(picture)
        axes.set_axis_off()
    down = 0.15
    for (shown, size, color, weight), each in zip(lines, heights, strict=True):
        drawing.text(
            (left + 0.25) / width, 1 - down / height, shown, fontsize=size, color=color, weight=weight, va="top",
            parse_math=False, linespacing=SPACING,
        )  # fmt: skip
        down += each
    return drawing


QUESTION, ANSWER, NAME = 10.0, 9.5, 8.0
"""Sizes of text, in points."""

GAPS = {QUESTION: 4.0, ANSWER: 7.0, NAME: 0.0}
"""Space below a text of each size, in points: a name belongs to the answer below it."""

SPACING = 1.32
"""Height of a line, as a multiple of the size."""

RIGHT, WRONG, PLAIN = "#1f6f8b", "#b3470a", "#55534f"
"""Colors of right and wrong answers and of names, as on the page."""


def _lines(example: ShownExample, width: float) -> Iterator[tuple[str, float, str, str]]:
    """Yield text, size, color and weight of each block of text."""
    yield text.wrapped(example.question, width, QUESTION), QUESTION, "#000000", "bold"
    yield text.wrapped(f"Right answer: {example.answer}", width, ANSWER), ANSWER, PLAIN, "normal"
    for answer in example.answers:
        yield text.wrapped(answer.name, width, NAME), NAME, PLAIN, "normal"
        sign, color = ("✓", RIGHT) if answer.is_right else ("✗", WRONG)
        shown = excerpt(answer.text, LETTERS) or "(nothing)"
        more = f" ({answer.note})" if answer.note else ""
        yield text.wrapped(f"{sign} {shown}{more}", width, ANSWER), ANSWER, color, "normal"


def _array(image: ImageSource) -> NDArray[np.uint8]:
    picture = images.open_pil(image)
    picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return np.asarray(picture)
