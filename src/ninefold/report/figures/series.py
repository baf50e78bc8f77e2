"""Charts of a value over a quantity, one line for each series, with the spread over seeds as a band or as bars."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, NullFormatter

from ninefold.report.figures import palette, text
from ninefold.web.wording import count


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a series."""

    x: float
    """The quantity."""
    value: float
    """Mean over seeds."""
    spread: float | None = None
    """Standard deviation over seeds; None for one value."""
    values: tuple[float, ...] = ()
    """The value of each seed, drawn as small dots; empty for none."""


@dataclass(frozen=True, slots=True)
class Series:
    """One line."""

    name: str
    """Name in the legend."""
    points: tuple[Point, ...]
    """Its points, by increasing quantity."""
    before: float | None = None
    """The value before training, drawn left of a logarithmic axis, or as a dotted line; None for none."""
    style: int | None = None
    """Number of its color and marker (see `palette.LINES`); None for its place among the series."""


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart, ready to draw."""

    title: str
    """Title above it."""
    x_label: str
    """Name of the quantity."""
    y_label: str
    """Name of the value, a fraction that is shown in percent."""
    series: tuple[Series, ...]
    """Its lines."""
    is_log: bool = False
    """Whether the axis of the quantity is logarithmic."""
    spread: Literal["band", "bars"] = "band"
    """How the spread over seeds is drawn."""
    level: tuple[float, str] | None = None
    """A value that needs no skill, and its name, drawn as a dotted line; None for none."""


def figure(title: str, charts: Sequence[Chart], *, width: float = 3.5) -> Figure:
    """Draw charts one below the other; charts with the same names of series share their legend.

    Args:
        title: Title of the figure.
        charts: Its charts, from the top.
        width: Width in inches; by default that of a journal's column.
    """
    names = list(dict.fromkeys(one.name for chart in charts for one in chart.series))
    legend = (len(names) + 1) // 2 if len(names) > 1 else 0
    title = text.wrapped(title, width, 8)
    height = 2.2 * len(charts) + 0.16 * legend + 0.14 * (title.count("\n") + 1) + 0.15
    drawing = Figure(figsize=(width, height), layout="constrained")
    drawing.suptitle(title, fontsize=8, parse_math=False)
    axes = drawing.subplots(len(charts), squeeze=False)[:, 0]
    for axis, chart in zip(axes, charts, strict=True):
        _draw(axis, chart, names)
    if legend:
        found = (zip(*axis.get_legend_handles_labels(), strict=True) for axis in axes)
        handles = {label: handle for pairs in found for handle, label in pairs}
        text.legend(drawing, handles, columns=2)
    return drawing


def _draw(axis: Axes, chart: Chart, names: Sequence[str]) -> None:
    xs = sorted({point.x for one in chart.series for point in one.points})
    left = xs[0] / 2.2 if chart.is_log else None
    for series in chart.series:
        number = names.index(series.name) if series.style is None else series.style
        color, marker = palette.LINES[number % len(palette.LINES)]
        _line(axis, chart, series, color, marker)
        if series.before is not None and left is not None:
            axis.plot([left], [series.before], marker, color=color, mfc="white", ms=3.5, mew=1, clip_on=False)
        elif series.before is not None:
            axis.axhline(series.before, color=color, lw=0.9, ls=":")
    if chart.level is not None:
        level, name = chart.level
        axis.axhline(level, color=palette.BASE, lw=0.8, ls=":", zorder=0)
        axis.annotate(
            name, (1, level), (0, 1.5), xycoords=("axes fraction", "data"), textcoords="offset points",
            ha="right", va="bottom", fontsize=6, color="#555555",
        )  # fmt: skip
    if left is not None:
        axis.set_xscale("log")
        shown = text.apart(xs, 1.5)
        has_base = any(series.before is not None for series in chart.series)
        axis.xaxis.set_major_locator(FixedLocator([*([left] if has_base else []), *shown]))
        axis.set_xticklabels([*(["base"] if has_base else []), *(count(round(x)) for x in shown)])
        axis.xaxis.set_minor_locator(FixedLocator(xs))
        axis.xaxis.set_minor_formatter(NullFormatter())
        axis.set_xlim(left / 1.15 if has_base else xs[0] / 1.2, xs[-1] * 1.2)
    else:
        axis.xaxis.set_major_locator(MaxNLocator(8, integer=True, steps=[1, 2, 2.5, 5, 10]))
    axis.set(ylim=(0, 1))
    axis.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100"])
    axis.set_xlabel(chart.x_label, fontsize=7.5, parse_math=False)
    axis.set_ylabel(chart.y_label, fontsize=7.5, parse_math=False)
    if chart.title:
        axis.set_title(chart.title, fontsize=7.5, loc="left", parse_math=False)
    axis.tick_params(labelsize=7, length=2.5)
    axis.grid(axis="y", color="#e6e5e0", lw=0.6)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)


def _line(axis: Axes, chart: Chart, series: Series, color: str, marker: str) -> None:
    xs, values = [point.x for point in series.points], [point.value for point in series.points]
    spreads = [point.spread or 0.0 for point in series.points]
    look: dict[str, Any] = {
        "color": color,
        "marker": marker,
        "ms": 3.2,
        "lw": 1.3,
        "label": series.name,
        "clip_on": False,
    }
    if chart.spread == "bars":
        axis.errorbar(xs, values, spreads if any(spreads) else None, capsize=1.5, **look)
        return
    axis.plot(xs, values, **look)
    if any(spreads):
        low, high = (
            [min(max(value + sign * spread, 0), 1) for value, spread in zip(values, spreads, strict=True)]
            for sign in (-1, 1)
        )
        axis.fill_between(xs, low, high, color=color, alpha=0.15, lw=0)
    # An empty line counts in the layout as a point in the corner of the figure.
    for point in (point for point in series.points if point.values):
        axis.plot([point.x] * len(point.values), point.values, ".", color=color, ms=2, alpha=0.6, clip_on=False)
