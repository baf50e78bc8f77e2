"""Curves over training: the losses of a run, with its best epoch marked.

A curve is computed once and drawn twice: as SVG by the page's template, and by matplotlib for PDF and PNG.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator

from ninefold.report.figures import palette


@dataclass(frozen=True, slots=True)
class Line:
    """One series of a curve."""

    name: str
    """Name in the legend."""
    color: str
    """Hex color."""
    points: tuple[tuple[float, float], ...]
    """Epoch and loss, in order."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Losses over epochs, ready to draw."""

    title: str
    """Title above the curve."""
    lines: tuple[Line, ...]
    """Its series; empty ones are left out."""
    best: tuple[float, float] | None
    """Epoch and loss of the lowest validation loss."""
    is_log: bool
    """Whether the loss axis is logarithmic, because losses differ strongly."""
    x_range: tuple[float, float]
    """First and last epoch of the axis."""
    y_range: tuple[float, float]
    """Lowest and highest loss of the axis."""

    def at(self, epoch: float, loss: float) -> tuple[float, float]:
        """Return the position of a point, as fractions of the frame from its left and top."""
        scale = math.log if self.is_log else float
        (left, right), (low, high) = self.x_range, (scale(bound) for bound in self.y_range)
        return (epoch - left) / (right - left), 1 - (scale(loss) - low) / (high - low)

    def epoch_ticks(self) -> list[float]:
        """Return round epochs within the frame."""
        ticks = MaxNLocator(8, integer=True).tick_values(*self.x_range)
        return [float(tick) for tick in ticks if self.x_range[0] <= tick <= self.x_range[1]]

    def loss_ticks(self) -> list[float]:
        """Return round losses within the frame."""
        locator = LogLocator(numticks=6) if self.is_log else MaxNLocator(5)
        ticks = locator.tick_values(*self.y_range)
        return [float(tick) for tick in ticks if self.y_range[0] <= tick <= self.y_range[1]]


def losses(title: str, history: Sequence[Mapping[str, Any]]) -> Curve | None:
    """Return the curve of a training run, or None if its history holds no loss."""
    lines = [
        Line(name, color, tuple((float(row["epoch"]), float(row[key])) for row in history if _finite(row.get(key))))
        for name, key, color in (
            ("training", "train_loss", palette.BASE),
            ("validation", "validation_loss", palette.TUNED),
        )
    ]
    lines = [line for line in lines if line.points]
    if not lines:
        return None
    epochs = [epoch for line in lines for epoch, _ in line.points]
    values = [loss for line in lines for _, loss in line.points]
    is_log = min(values) > 0 and max(values) > 50 * min(values)
    y_range = (min(values) / 1.5, max(values) * 1.5) if is_log else (min(0.0, *values), max(values) * 1.05 or 1.0)
    validation = next((line.points for line in lines if line.name == "validation"), ())
    best = min(validation, key=lambda point: point[1], default=None)
    return Curve(title, tuple(lines), best, is_log, (min(0.0, *epochs), max(epochs) or 1.0), y_range)


def figure(curve: Curve) -> Figure:
    """Draw a curve, for PDF and PNG."""
    drawing = Figure(figsize=(5.2, 3.2), layout="constrained")
    axis = drawing.subplots()
    for line in curve.lines:
        (drawn,) = axis.plot(*zip(*line.points, strict=True), marker="o", ms=3.5, lw=1.8, clip_on=False)
        drawn.set(color=line.color, label=line.name, linestyle="-" if line.name == "validation" else "--")
    if curve.best:
        axis.plot(*curve.best, marker="o", ms=9, mfc="none", mec=palette.TUNED, mew=1.8, clip_on=False)
        axis.annotate("best", curve.best, xytext=(0, 10), textcoords="offset points", ha="center", fontsize=8)
    axis.set(xlabel="epoch", ylabel="loss", xlim=curve.x_range, ylim=curve.y_range)
    if curve.is_log:
        axis.set_yscale("log")
        axis.yaxis.set_major_formatter("{x:g}")
    axis.set_title("\n".join(wrap(curve.title, 56)), fontsize=10, parse_math=False)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False, fontsize=8)
    return drawing


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
