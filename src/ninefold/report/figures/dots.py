"""Charts of rows of values: means with intervals and the value of every seed, and bars of shares beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from ninefold.report.figures import palette, text
from ninefold.web.wording import MINUS


@dataclass(frozen=True, slots=True)
class Dot:
    """A value of a row."""

    value: float
    """Mean over seeds."""
    low: float | None = None
    """Lower bound of its interval; None for none."""
    high: float | None = None
    """Upper bound."""
    values: tuple[float, ...] = ()
    """The value of each seed, drawn as small dots; empty for none."""
    before: float | None = None
    """The value before training, drawn as an open circle with a line to the mean; None for none."""


@dataclass(frozen=True, slots=True)
class Dots:
    """A column of values, one for each row."""

    title: str
    """Title above it."""
    dots: tuple[Dot | None, ...]
    """Its values; None is a gap."""
    is_change: bool = False
    """Whether values are differences, around 0, in points; otherwise they are fractions, in percent."""
    line: float | None = None
    """A value that is marked with a vertical line, such as that of the base; None for none."""
    label: str = "accuracy in %"
    """Meaning of the axis of fractions."""


@dataclass(frozen=True, slots=True)
class Bars:
    """A column of stacked shares, one bar for each row."""

    title: str
    """Title above it."""
    shares: tuple[Mapping[str, float] | None, ...]
    """The share of each part, by name, in [0, 1]; None is a gap."""
    parts: Mapping[str, str]
    """The color of each part, in the order of drawing."""

    @property
    def longest(self) -> float:
        """Return the length of the longest bar, in [0, 1]."""
        return max((sum(shares.values()) for shares in self.shares if shares), default=0.0)

    def has(self, part: str) -> bool:
        """Return whether a part has a share in any row."""
        return any(shares and shares.get(part) for shares in self.shares)


@dataclass(frozen=True, slots=True)
class Block:
    """Columns that share their rows."""

    title: str
    """Title above all columns; may be empty."""
    rows: tuple[str, ...]
    """Names of the rows, from the top."""
    columns: tuple[Dots | Bars, ...]
    """Its columns."""


NAMES = 1.45
"""Largest width of the names of rows, in inches."""


def figure(title: str, blocks: Sequence[Block], *, width: float = 7.0) -> Figure:
    """Draw blocks one below the other.

    Args:
        title: Title of the figure.
        blocks: Its blocks, from the top.
        width: Width in inches; by default that of a journal's page.
    """
    heights = [(0.1 + 0.12 * max(map(_lines, block.rows))) * len(block.rows) + 0.85 for block in blocks]
    bars = [one for block in blocks for one in block.columns if isinstance(one, Bars)]
    parts = {name: color for one in bars for name, color in one.parts.items() if one.has(name)}
    size = (width, sum(heights) + 0.45 + 0.16 * ((len(parts) + 3) // 4))
    drawing = Figure(figsize=size, layout="constrained")
    drawing.suptitle(text.wrapped(title, width, 8.5), fontsize=8.5, parse_math=False)
    limits, longest = _limits(blocks), max((one.longest for one in bars), default=0.0)
    for block, part in zip(
        blocks, drawing.subfigures(len(blocks), squeeze=False, height_ratios=heights)[:, 0], strict=True
    ):
        _draw(part, block, limits, longest, (width - NAMES) / len(block.columns))
    if parts:
        text.legend(drawing, {name: Patch(fc=color, ec="white") for name, color in parts.items()}, columns=4)
    return drawing


def _lines(row: str) -> int:
    return text.wrapped(row, NAMES, 7).count("\n") + 1


def _limits(blocks: Sequence[Block]) -> tuple[float, float]:
    """Return the range of all differences, the same in every column."""
    found = [0.0]
    for block in blocks:
        for column in block.columns:
            if isinstance(column, Dots) and column.is_change:
                for dot in column.dots:
                    if dot is not None:
                        bounds = [bound for bound in (dot.low, dot.high) if bound is not None]
                        found += [dot.value, *dot.values, *(min(max(bound, -1), 1) for bound in bounds)]
    margin = 0.06 * ((max(found) - min(found)) or 1)
    return min(found) - margin, max(found) + margin


def _draw(drawing: SubFigure, block: Block, limits: tuple[float, float], longest: float, width: float) -> None:
    if block.title:
        drawing.suptitle(block.title, fontsize=8, x=0.01, ha="left", weight="bold", parse_math=False)
    axes = drawing.subplots(1, len(block.columns), squeeze=False)[0]
    for axis, column in zip(axes, block.columns, strict=True):
        if isinstance(column, Bars):
            _bars(axis, column, longest)
        else:
            _dots(axis, column, limits)
        axis.set_title(text.wrapped(column.title, width, 7.5), fontsize=7.5, parse_math=False)
        axis.set_ylim(len(block.rows) - 0.4, -0.6)
        axis.set_yticks(range(len(block.rows)), [""] * len(block.rows))
        axis.tick_params(labelsize=6.5, length=2.5)
        axis.tick_params(axis="y", length=0)
        axis.set_axisbelow(True)
        axis.spines[["top", "right", "left"]].set_visible(False)
    names = [text.wrapped(row, NAMES, 7) for row in block.rows]
    axes[0].set_yticks(range(len(names)), names, fontsize=7, parse_math=False)


def _dots(axis: Axes, column: Dots, limits: tuple[float, float]) -> None:
    for y, dot in enumerate(column.dots):
        if dot is None:
            _gap(axis, y)
            continue
        if dot.before is not None:
            axis.plot([dot.before, dot.value], [y, y], color=palette.MUTED, lw=1, zorder=1)
            axis.plot(dot.before, y, "o", ms=4.5, mfc="white", mec=palette.BASE, mew=1.2, clip_on=False, zorder=3)
        if dot.low is not None and dot.high is not None:
            axis.plot([dot.low, dot.high], [y, y], color=palette.TUNED, lw=1.6, solid_capstyle="butt")
        if dot.values:
            below = [y + 0.24] * len(dot.values)
            axis.plot(dot.values, below, ".", color=palette.TUNED, ms=3, mew=0, alpha=0.7, clip_on=False)
        axis.plot(dot.value, y, "o", ms=4.5, color=palette.TUNED, clip_on=False)
    axis.grid(axis="x", color="#e6e5e0", lw=0.6)
    if column.is_change:
        axis.axvline(0, color="#555555", lw=0.8)
        axis.set_xlim(*limits)
        axis.xaxis.set_major_locator(MaxNLocator(5))
        axis.xaxis.set_major_formatter(lambda value, _: _points(value))
        axis.set_xlabel("points", fontsize=7)
    else:
        if column.line is not None:
            axis.axvline(column.line, color=palette.BASE, lw=0.9, ls=":")
        axis.set_xlim(0, 1)
        axis.set_xticks([0, 0.5, 1], ["0", "50", "100"])
        axis.set_xlabel(column.label, fontsize=7, parse_math=False)


def _gap(axis: Axes, y: int) -> None:
    axis.text(0.02, y, "no run", transform=axis.get_yaxis_transform(), fontsize=6, color="#777777", va="center")


def _bars(axis: Axes, column: Bars, longest: float) -> None:
    for y, shares in enumerate(column.shares):
        if shares is None:
            _gap(axis, y)
            continue
        left = 0.0
        for name, color in column.parts.items():
            share = shares.get(name, 0.0)
            if share:
                axis.barh(y, share, left=left, height=0.62, color=color, lw=0)
            left += share
    # All bars of a figure have one scale, on which the longest one is seen.
    axis.set_xlim(0, min(1.1 * longest, 1.0) or 1.0)
    axis.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))
    axis.xaxis.set_major_formatter(lambda value, _: f"{100 * value:g}")
    axis.set_xlabel("% of answers", fontsize=7)


def _points(value: float) -> str:
    number = round(100 * value)
    return "0" if number == 0 else f"{'+' if number > 0 else MINUS}{abs(number)}"
