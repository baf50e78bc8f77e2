"""Charts of a study's page, ready for the template: scaling curves, probes by layer, and losses."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ninefold.analysis import scaling, seeds
from ninefold.report.figures import palette
from ninefold.report.study.results import StudyResults
from ninefold.web.wording import count, join, percent

ROOM = 30
"""Smallest distance of two labels of an axis, in pixels."""


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a line."""

    x: float
    """Position on the horizontal axis."""
    y: float
    """Mean over seeds."""
    low: float
    """Lower end of its band."""
    high: float
    """Upper end of its band."""
    tip: str
    """The point in words."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a chart, with a band around it."""

    name: str
    """Name in the legend."""
    model: str
    """Title of the model that it belongs to."""
    color: int
    """Index of its color."""
    points: tuple[Point, ...]
    """Its points, from left to right."""


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over a common axis; the vertical axis goes from 0 to 100 %."""

    title: str
    """Title above the chart."""
    test: str
    """Title of its test."""
    model: str
    """Title of its model; empty if it compares several."""
    x_label: str
    """Meaning of the horizontal axis."""
    lines: tuple[Line, ...]
    """Its lines."""
    ticks: tuple[float, ...]
    """Values marked on the horizontal axis."""
    is_log: bool
    """Whether the horizontal axis is logarithmic."""
    note: str
    """Sentences below the chart."""

    def labels(self, width: float) -> list[float]:
        """Return the ticks that are labeled in a frame of this width in pixels: those with room, the last one first."""
        shown: list[float] = []
        for tick in reversed(self.ticks):
            if not shown or width * (self.at(shown[-1], 0)[0] - self.at(tick, 0)[0]) >= ROOM:
                shown.append(tick)
        return shown

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return the position of a point, as fractions of the frame from its left and top."""
        scale: Callable[[float], float] = math.log if self.is_log else float
        low, high = scale(self.ticks[0]), scale(self.ticks[-1])
        return ((scale(x) - low) / (high - low) if high > low else 0.5), 1 - min(max(y, 0.0), 1.0)


@dataclass(frozen=True, slots=True)
class Losses:
    """The losses of a model under a condition: a line for each seed."""

    model: str
    """Title of the model."""
    condition: str
    """Title of the condition."""
    validation: tuple[str, ...]
    """Validation loss of each seed, as the points of a polyline in a frame of 100 x 60."""
    training: tuple[str, ...]
    """Training loss of each seed, likewise."""
    words: str
    """Validation loss and epochs kept, in words."""


def scaling_charts(results: StudyResults) -> list[Chart]:
    """Return a chart of accuracy by number of training examples for each test on which a model has a scaling curve."""
    charts = []
    for test in results.record.tests:
        found = [(model, results.scaling(model.name, test.name)) for model in results.record.models]
        curves = {model.title: curve for model, curve in found if curve}
        lines = tuple(
            Line(model.title, model.title, color, tuple(_scaled(point) for point in curve.points if point.size))
            for color, (model, curve) in enumerate(found)
            if curve
        )
        if not lines:
            continue
        ticks = tuple(sorted({point.x for line in lines for point in line.points}))
        note = _flat(curves)
        bases = {model.title: results.base(model.name, test.name) for model, curve in found if curve}
        known = [f"{model} {percent(base)}" for model, base in bases.items() if base is not None]
        note += f" Without training: {join(known)}." if known else ""
        charts.append(Chart(test.title, test.title, "", "training examples", lines, ticks, len(ticks) > 1, note))
    return charts


def _flat(curves: Mapping[str, scaling.Curve]) -> str:
    """Return, as sentences, from which size on each model's curve is flat."""
    plateaus = [
        f"{model} from {count(curve.plateau)} examples ({percent(curve.plateau_fraction)})"
        for model, curve in curves.items()
        if curve.plateau is not None and curve.plateau_fraction is not None and curve.plateau_fraction < 1
    ]
    open_ones = [model for model, curve in curves.items() if curve.plateau is None]
    fewest = f"with fewer than {scaling.FEWEST} seeds or {scaling.FEWEST} sizes"
    parts = [f"Flat: {join(plateaus)}."] if plateaus else []
    parts += [f"Not decidable {fewest}, whether a curve becomes flat: {join(open_ones)}."] if open_ones else []
    return " ".join(parts) or "No curve becomes flat."


def _scaled(point: scaling.Point) -> Point:
    low, high = _band(point.accuracy)
    return Point(point.size, point.accuracy.mean, low, high, f"{count(point.size)} examples: {_words(point.accuracy)}")


def _band(found: seeds.Summary) -> tuple[float, float]:
    """Return one standard deviation on each side of the mean."""
    return found.mean - (found.sd or 0), found.mean + (found.sd or 0)


def _words(found: seeds.Summary) -> str:
    deviation = "" if found.sd is None else f" ± {100 * found.sd:.1f}"
    return f"{percent(found.mean, 1)}{deviation}"


def probe_charts(results: StudyResults) -> list[Chart]:
    """Return a chart of the accuracy of linear probes by layer for each model and test that has probes."""
    titles = {condition.name: condition.title for condition in results.record.conditions}
    charts = []
    for model in results.record.models:
        for test in results.record.tests:
            lines = []
            for index, (name, title) in enumerate(titles.items()):
                layers: dict[int, list[float]] = {}
                for one in results.probed(model.name, name, test.name):
                    for layer, value in one.run.accuracies.groupby("layer")["accuracy"].mean().items():
                        layers.setdefault(int(layer), []).append(float(value))
                if layers:
                    lines.append(
                        Line(title, model.title, index, tuple(_probed(*one) for one in sorted(layers.items())))
                    )
            if lines:
                first, last = (int(end(point.x for line in lines for point in line.points)) for end in (min, max))
                ticks = (*range(first, last, max(1, round((last - first) / 8))), last)
                charts.append(
                    Chart(
                        f"{model.title}, {test.title}", test.title, model.title, "layer", tuple(lines), ticks, False, ""
                    )
                )
    return charts


def _probed(layer: int, values: Sequence[float]) -> Point:
    found = seeds.summary(values)
    return Point(layer, found.mean, *_band(found), f"layer {layer}: {_words(found)}")


def losses(results: StudyResults) -> list[Losses]:
    """Return the losses of each model under each condition; all conditions of a model share the axes."""
    conditions = {condition.name: condition.title for condition in results.record.conditions}
    models = {model.name: model.title for model in results.record.models}
    runs: dict[tuple[str, str], list[Mapping[str, list[tuple[float, float]]]]] = {}
    for one in results.trainings:
        lines = {key: _finite(one.run.history, key) for key in ("validation_loss", "train_loss")}
        if any(lines.values()):
            runs.setdefault((one.of.model, one.of.condition), []).append(lines)
    charts = []
    for (model, condition), each in runs.items():
        points = [
            point for (other, _), found in runs.items() if other == model
            for lines in found for line in lines.values() for point in line
        ]  # fmt: skip
        frame = (max(x for x, _ in points), min(y for _, y in points), max(y for _, y in points))
        best = [min(lines["validation_loss"], key=lambda point: point[1]) for lines in each if lines["validation_loss"]]
        words = f"{_span([loss for _, loss in best])}; epoch {_span([epoch for epoch, _ in best])}" if best else ""
        charts.append(
            Losses(
                models[model],
                conditions[condition],
                tuple(_polyline(lines["validation_loss"], *frame) for lines in each),
                tuple(_polyline(lines["train_loss"], *frame) for lines in each),
                words,
            )
        )
    return charts


def _finite(history: Sequence[Mapping[str, object]], key: str) -> list[tuple[float, float]]:
    pairs = [(row["epoch"], row.get(key)) for row in history]
    return [(float(x), float(y)) for x, y in pairs if isinstance(x, int | float) and _is_positive(y)]  # type: ignore[arg-type]


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value > 0


def _span(values: Sequence[float]) -> str:
    low, high = f"{min(values):.3g}", f"{max(values):.3g}"
    return low if low == high else f"{low}–{high}"


def _polyline(points: Sequence[tuple[float, float]], last: float, low: float, high: float) -> str:
    """Return points on a logarithmic axis, in a frame of 100 x 60."""
    height = math.log(high / low) or 1.0
    return " ".join(f"{100 * x / last:.1f},{60 * math.log(high / y) / height:.1f}" for x, y in points)


def colors() -> tuple[str, ...]:
    """Return the colors of lines, in the order of their indices."""
    return palette.CATEGORIES
