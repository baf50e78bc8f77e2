"""Accuracies with their intervals on one scale from 0 to 100 %, chance marked."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from ninefold.report.figures import palette
from ninefold.report.wording import NARROW_SPACE, percent


@dataclass(frozen=True, slots=True)
class Mark:
    """One accuracy."""

    name: str
    """Whose it is."""
    value: float
    """The accuracy, in [0, 1]."""
    low: float
    """Lower end of its interval."""
    high: float
    """Upper end of its interval."""
    is_base: bool
    """Whether the model was not tuned."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The accuracies of one set."""

    name: str
    """What the set is called."""
    marks: tuple[Mark, ...]
    """One a run."""
    chance: float | None
    """Accuracy of a guess, where the examples offer options."""


def figure(scales: Sequence[Scale]) -> Figure:
    """Draw the accuracies of all sets, for PDF and PNG."""
    rows = sum(len(scale.marks) for scale in scales)
    drawing = Figure(figsize=(6.4, 0.42 * rows + 0.5 * len(scales) + 0.5), layout="constrained")
    axes = drawing.subplots(
        len(scales), sharex=True, squeeze=False, height_ratios=[len(scale.marks) + 1 for scale in scales]
    )
    for axis, scale in zip(axes[:, 0], scales, strict=True):
        for y, mark in enumerate(scale.marks):
            color = palette.BASE if mark.is_base else palette.TUNED
            axis.plot([mark.low, mark.high], [y, y], color=color, lw=2, clip_on=False)
            axis.plot(
                mark.value, y, "o", ms=8, mec=color, mfc="white" if mark.is_base else color, mew=1.8, clip_on=False
            )
            left = mark.value > 0.85
            axis.annotate(
                percent(mark.value, 1), (mark.low if left else mark.high, y), (-9 if left else 9, 0),
                textcoords="offset points", va="center", ha="right" if left else "left", fontsize=9,
            )  # fmt: skip
        if scale.chance is not None:
            axis.axvline(scale.chance, color=palette.BASE, lw=1, ls=":")
        axis.set_yticks(range(len(scale.marks)), [mark.name for mark in scale.marks], fontsize=9, parse_math=False)
        axis.set(xlim=(0, 1), ylim=(len(scale.marks) - 0.4, -0.6))
        axis.set_title(scale.name, fontsize=10, loc="left", parse_math=False)
        axis.spines[["top", "right", "left"]].set_visible(False)
        axis.tick_params(left=False)
    axes[-1, 0].set_xticks([0, 0.25, 0.5, 0.75, 1], [f"{tick}{NARROW_SPACE}%" for tick in (0, 25, 50, 75, 100)])
    return drawing
