"""The figures of models on benchmarks, over all seeds: what tables of benchmarks are made from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import mean, stdev

from ninefold.analysis import seeds
from ninefold.report.benchmarks.columns import Column
from ninefold.runs.shape import BenchmarkFigures, Measure

Runs = Sequence[tuple[int | None, BenchmarkFigures]]
"""Seed and figures of each run; None for a base, and where the seed is not known."""

WORTH_SAYING = 0.01
"""Smallest rate of unread answers that is shown beside a figure."""


@dataclass(frozen=True)
class Value:
    """A figure of a model on a benchmark, over all seeds."""

    benchmark: str
    """Name of the benchmark."""
    measure: str
    """Name of the figure."""
    n: int
    """Number of units that it is computed from."""
    seeds: tuple[int | None, ...]
    """Seed of each run."""
    values: tuple[float, ...]
    """Its value in each run."""
    ci95: tuple[float, float] | None
    """Bounds of its interval: over seeds if there are several, otherwise the run's own."""
    interval: str
    """What the interval is over: "seeds" or "questions"; empty for none."""
    most: float
    """Its largest possible value: 1 for a fraction, else a number of points."""
    unread: float
    """Rate of answers that could not be read, mean over the runs."""
    missing: int
    """Number of rows that were not asked: their image is missing, or the run has a limit."""
    rows: int
    """Number of rows that were asked."""
    leak: str
    """What the training set shares with the benchmark; empty for nothing that is known."""

    @property
    def mean(self) -> float:
        """Return the mean over the runs."""
        return mean(self.values)

    @property
    def sd(self) -> float | None:
        """Return the sample standard deviation over the runs; None with one."""
        return stdev(self.values) if len(self.values) > 1 else None


@dataclass(frozen=True)
class Standing:
    """A model under a condition, and its runs on each benchmark."""

    model: str
    """Title of the model."""
    condition: str
    """Title of the condition."""
    runs: Mapping[str, Runs]
    """Its runs by name of the benchmark."""
    leaks: Mapping[str, str] = field(default_factory=dict)
    """What the training set shares with a benchmark, by name of the benchmark, in words."""

    def value(self, column: Column, benchmark: str | None) -> Value | None:
        """Return the value of a column; None if no run on this benchmark has such a figure."""
        if benchmark is None:
            return None
        found = [(seed, one, column.figure(one)) for seed, one in self.runs.get(benchmark, ())]
        known = [(seed, one, figure) for seed, one, figure in found if figure and figure["value"] is not None]
        if not known:
            return None
        values = tuple(float(figure["value"] or 0.0) for _, _, figure in known)
        _, first, figure = known[0]
        most = figure.get("most", column.most)
        rows, total = asked(first)
        ends = _interval(values, most, figure)
        unread = [_number(one["conditions"].get("unread")) for _, one, _ in known]
        name = next((key for key, one in first["measures"].items() if one is figure), " ".join(column.measures[:1]))
        return Value(
            benchmark=benchmark,
            measure=name,
            n=figure["n"],
            seeds=tuple(seed for seed, _, _ in known),
            values=values,
            ci95=ends,
            interval="" if ends is None else "seeds" if len(values) > 1 else "questions",
            most=most,
            unread=mean(unread),
            missing=total - rows,
            rows=rows,
            leak=self.leaks.get(benchmark, ""),
        )


def asked(found: BenchmarkFigures) -> tuple[int, int]:
    """Return the number of rows that were asked, and that of all rows of the benchmark."""
    conditions = found["conditions"]
    rows = int(_number(conditions.get("rows"))) or max((one["n"] for one in found["measures"].values()), default=0)
    missing, official = (int(_number(conditions.get(name))) for name in ("missing", "official_rows"))
    return rows, max(rows + missing, official)


def by_benchmark(found: Iterable[Runs]) -> dict[str, Runs]:
    """Return the runs of a model by benchmark; of several evaluations of one, those with the most rows.

    Args:
        found: The runs on each set of examples; none where it is no benchmark.
    """
    ordered = sorted((runs for runs in found if runs), key=lambda runs: asked(runs[0][1])[0])
    return {runs[0][1]["name"]: runs for runs in ordered}


def bounds(figure: Measure) -> tuple[float, float] | None:
    """Return the bounds of a figure's interval; None if it has none."""
    found = figure["ci95"]
    return (found[0], found[1]) if found is not None and len(found) == 2 else None


def _interval(values: Sequence[float], most: float, figure: Measure) -> tuple[float, float] | None:
    over = seeds.summary([value / most for value in values]).interval
    if over is not None:
        return most * over.low, most * over.high
    return bounds(figure)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
