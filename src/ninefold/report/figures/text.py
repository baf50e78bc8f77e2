"""Texts of figures: wrapped to a width, ticks that stand apart, legends without math."""

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

from matplotlib.figure import Figure


def wrapped(text: str, width: float, size: float) -> str:
    """Return a text with line breaks for a width in inches and a font size in points; a letter is 0.58 em wide."""
    return "\n".join(wrap(text, max(int(72 * width / (0.58 * size)), 8), break_on_hyphens=False))


def apart(values: Sequence[float], ratio: float) -> list[float]:
    """Return the values of a logarithmic axis that have room for a text each: the last one, and others from the right.

    Args:
        values: Values, increasing.
        ratio: Smallest ratio of two neighbors.
    """
    shown: list[float] = []
    for value in reversed(values):
        if not shown or shown[-1] / value >= ratio:
            shown.append(value)
    return shown[::-1]


def legend(drawing: Figure, handles: Mapping[str, Any], *, columns: int) -> None:
    """Draw a legend below a figure, given what is drawn by its name."""
    made = drawing.legend(
        handles.values(), handles, loc="outside lower center", ncols=columns, frameon=False, fontsize=7
    )
    for label in made.get_texts():
        label.set_parse_math(False)
