"""Charts of accuracies with their intervals, on one scale from 0 to 100 %, chance marked."""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap

from matplotlib.figure import Figure

from ninefold.report.figures import palette
from ninefold.web.wording import NARROW_SPACE, percent


@dataclass(frozen=True, slots=True)
class Accuracy:
    """One accuracy."""

    name: str
    """The run's name."""
    value: float
    """Accuracy, in [0, 1]."""
    low: float
    """Lower bound of the interval."""
    high: float
    """Upper bound of the interval."""
    is_base: bool
    """Whether the model was not tuned."""


@dataclass(frozen=True, slots=True)
class AccuracyChart:
    """The accuracies of one set."""

    name: str
    """Name of the set."""
    accuracies: tuple[Accuracy, ...]
    """One accuracy per run."""
    chance: float | None
    """Expected accuracy of random guessing, if the examples have options."""


def figure(charts: Sequence[AccuracyChart]) -> Figure:
    """Draw the accuracies of all sets, for PDF and PNG."""
    rows = sum(len(chart.accuracies) for chart in charts)
    drawing = Figure(figsize=(6.4, 0.42 * rows + 0.5 * len(charts) + 0.5), layout="constrained")
    axes = drawing.subplots(
        len(charts), sharex=True, squeeze=False, height_ratios=[len(chart.accuracies) + 1 for chart in charts]
    )
    for axis, chart in zip(axes[:, 0], charts, strict=True):
        for y, accuracy in enumerate(chart.accuracies):
            color = palette.BASE if accuracy.is_base else palette.TUNED
            axis.plot([accuracy.low, accuracy.high], [y, y], color=color, lw=2, clip_on=False)
            axis.plot(
                accuracy.value,
                y,
                "o",
                ms=8,
                mec=color,
                mfc="white" if accuracy.is_base else color,
                mew=1.8,
                clip_on=False,
            )
            left = accuracy.value > 0.85
            axis.annotate(
                percent(accuracy.value, 1), (accuracy.low if left else accuracy.high, y), (-9 if left else 9, 0),
                textcoords="offset points", va="center", ha="right" if left else "left", fontsize=9,
            )  # fmt: skip
        if chart.chance is not None:
            axis.axvline(chart.chance, color=palette.BASE, lw=1, ls=":")
            axis.text(chart.chance, len(chart.accuracies) - 0.42, " chance", fontsize=7, color="#555555", va="bottom")
        axis.set_yticks(
            range(len(chart.accuracies)),
            ["\n".join(wrap(accuracy.name, 34)) for accuracy in chart.accuracies],
            fontsize=9,
            parse_math=False,
        )
        axis.set(xlim=(0, 1), ylim=(len(chart.accuracies) - 0.4, -0.6))
        axis.set_title("\n".join(wrap(chart.name, 56)), fontsize=10, loc="left", parse_math=False)
        axis.spines[["top", "right", "left"]].set_visible(False)
        axis.tick_params(left=False)
    axes[-1, 0].set_xticks([0, 0.25, 0.5, 0.75, 1], [f"{tick}{NARROW_SPACE}%" for tick in (0, 25, 50, 75, 100)])
    return drawing
