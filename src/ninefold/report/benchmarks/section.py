"""The part of a set's section that holds the figures of a public benchmark, ready to draw."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ninefold.report import comparison
from ninefold.report.benchmarks.standings import asked, bounds
from ninefold.report.tables import CONFIDENCE, Table, TableCell, divided
from ninefold.report.test_sets import Result, TestSet
from ninefold.runs.shape import BenchmarkFigures, Measure
from ninefold.web.wording import MINUS, count, p_value, percent, points, span, words

FEW = 12
"""Number of parts of a chart that are shown at once; the others are folded."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The figure of one run in a chart."""

    name: str
    """The run's name."""
    text: str
    """The figure."""
    at: float
    """Its place on the scale, in [0, 1]."""
    low: float
    """Lower end of its interval on the scale; its place if there is none."""
    high: float
    """Upper end."""
    is_base: bool
    """Whether the model was not tuned."""


@dataclass(frozen=True, slots=True)
class Part:
    """The questions with one value of a factor."""

    name: str
    """The value, such as "behind"."""
    n: int
    """Number of units: rows, pairs or groups."""
    marks: tuple[Mark, ...]
    """The figure of each run that has one."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure by the values of a factor."""

    title: str
    """Its title."""
    measure: str
    """Name of the figure."""
    factor: str
    """Name of the factor."""
    parts: tuple[Part, ...]
    """Its parts, the largest first."""
    most: str
    """Upper end of the scale, in words."""
    tables: tuple[Table, ...]
    """All figures of all parts."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """The figures of a benchmark, ready to draw."""

    title: str
    """Its name."""
    notice: str
    """What keeps its figures from being compared with others, as a sentence; empty for nothing."""
    figures: tuple[Table, ...]
    """All figures of all runs."""
    charts: tuple[Chart, ...]
    """The main figure by each factor."""
    conditions: Mapping[str, Any]
    """Conditions that hold for all runs."""
    differing: Mapping[str, Mapping[str, Any]]
    """The other conditions, by the run's name."""


def benchmark(test_set: TestSet) -> Benchmark | None:
    """Return the figures of a set that is a public benchmark; None for others."""
    found = {one.name: one.run.benchmark for one in test_set.results if one.run.benchmark}
    if not found:
        return None
    results = [one for one in test_set.results if one.name in found]
    first = found[results[0].name]
    shared, differing = conditions({name: one["conditions"] for name, one in found.items()})
    factors = dict.fromkeys(factor for one in found.values() for factor in one["by"])
    return Benchmark(
        title=first["title"],
        notice=" ".join(_notices(found)),
        figures=tuple(divided(_figures(test_set, results, found))),
        charts=tuple(chart for factor in factors if (chart := _chart(factor, results, found))),
        conditions=shared,
        differing=differing,
    )


def conditions(
    found: Mapping[str, Mapping[str, Any]], left_out: Collection[str] = ()
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return the conditions that all runs share, and those of each run that differ.

    Args:
        found: The conditions of each run, by its name.
        left_out: Names of conditions that are shown elsewhere.
    """
    names = dict.fromkeys(key for one in found.values() for key in one if key not in left_out)
    shared = [key for key in names if len({str(one.get(key)) for one in found.values()}) == 1]
    first = next(iter(found.values()), {})
    others = [key for key in names if key not in shared]
    each = {name: {words(key): one.get(key) for key in others} for name, one in found.items()} if others else {}
    return {words(key): first.get(key) for key in shared}, each


def _notices(found: Mapping[str, BenchmarkFigures]) -> Iterator[str]:
    rows, total = asked(next(iter(found.values())))
    if rows < total:
        yield f"Only {count(rows)} of {count(total)} rows were asked: these figures compare with no other."
    rates = {name: one["conditions"].get("unread") for name, one in found.items()}
    high = [f"{name} {percent(rate)}" for name, rate in rates.items() if isinstance(rate, float) and rate > 0.05]
    if high:
        yield f"Many answers could not be read, and count as wrong: {', '.join(high)}."


def _figures(test_set: TestSet, results: list[Result], found: Mapping[str, BenchmarkFigures]) -> Table:
    names = _measures(found)
    bases = {tuned.name: base for base, tuned in test_set.pairs if base.name in found}
    rows = []
    for result in results:
        figures = found[result.name]
        rate = figures["conditions"].get("unread")
        unread = TableCell(percent(rate, 1) if isinstance(rate, int | float) else "–")
        rows.append((result.name, (*(_cell(figures["measures"].get(name)) for name in names), unread)))
        if base := bases.get(result.name):
            cells = tuple(_change(name, base, result) for name in names)
            rows.append((f"change, {result.name}", (*cells, TableCell(""))))
    first = found[results[0].name]
    note = (
        f"The first figure is the main one of the benchmark; {CONFIDENCE} intervals in small print, with the number of "
        "units that a figure is computed from; changes in percentage points, tested where the figure is the accuracy "
        "of rows. “Unread” is the rate of answers that could not be read."
    )
    return Table(f"Figures of {first['title']}", note, ("run", *map(words, names), "unread"), tuple(rows))


def _measures(found: Mapping[str, BenchmarkFigures]) -> list[str]:
    """Return the names of all figures, the main one first."""
    mains = (one["main"] for one in found.values())
    return list(dict.fromkeys([*mains, *(name for one in found.values() for name in one["measures"])]))


def _chart(factor: str, results: list[Result], found: Mapping[str, BenchmarkFigures]) -> Chart | None:
    """Return the chart of a factor: the main figure, or the first that its parts have."""
    by = {name: one["by"].get(factor, {}) for name, one in found.items()}
    every = [part for parts in by.values() for part in parts.values()]
    names = list(dict.fromkeys(name for part in every for name in part))
    if not names:
        return None
    main = next((one["main"] for one in found.values() if one["main"] in names), names[0])
    sizes: dict[str, int] = {}
    for parts in by.values():
        for value, part in parts.items():
            sizes[value] = max(sizes.get(value, 0), *(figure["n"] for figure in part.values()), 0)
    ordered = sorted((value for value, n in sizes.items() if n), key=lambda value: -sizes[value])
    shown = []
    for value in ordered:
        marks = [(result, by[result.name].get(value, {}).get(main)) for result in results]
        drawn = tuple(_mark(result, figure) for result, figure in marks if figure and figure["value"] is not None)
        shown.append(Part(words(value), sizes[value], drawn))
    figures = (part[main] for part in every if main in part)
    most = max((figure.get("most", 1.0) for figure in figures), default=1.0)
    heads = tuple(f"{result.name}: {words(name)}" for result in results for name in names)
    rows = tuple(
        (words(value), tuple(_cell(by[result.name].get(value, {}).get(name)) for result in results for name in names))
        for value in ordered
    )
    title = f"{words(main)[:1].upper()}{words(main)[1:]} by {words(factor)}"
    note = f"By {words(factor)}, the {CONFIDENCE} interval in small print."
    table = Table(f"All figures by {words(factor)}", note, (words(factor), *heads), rows)
    return Chart(
        title,
        words(main),
        factor,
        tuple(shown),
        percent(1) if most == 1 else count(round(most)),
        tuple(divided(table)),
    )


def _mark(result: Result, figure: Measure) -> Mark:
    most, value = figure.get("most", 1.0), figure["value"] or 0.0
    ends = bounds(figure) or (value, value)
    at, low, high = (min(max(one / most, 0.0), 1.0) for one in (value, *ends))
    return Mark(result.name, _text(figure), at, low, high, result.run.is_base)


def _cell(figure: Measure | None) -> TableCell:
    if figure is None or figure["value"] is None:
        return TableCell("–")
    ends = bounds(figure)
    interval = "" if ends is None else span(ends) if "most" not in figure else f"{ends[0]:,.1f}–{ends[1]:,.1f}"
    return TableCell(_text(figure), ", ".join(filter(None, [interval, f"n = {count(figure['n'])}"])))


def _text(figure: Measure) -> str:
    value = figure["value"] or 0.0
    return f"{value:,.1f} of {figure['most']:,.0f}" if "most" in figure else percent(value, 1)


def _change(name: str, base: Result, tuned: Result) -> TableCell:
    before, after = _figure(base, name), _figure(tuned, name)
    if not before or not after or before["value"] is None or after["value"] is None:
        return TableCell("")
    moved = after["value"] - before["value"]
    if "most" in after:
        return TableCell(f"{moved:+,.1f}".replace("-", MINUS))
    return TableCell(points(moved, 1), _tested(base, tuned) if _is_of_rows(base, name) else "")


def _is_of_rows(result: Result, name: str) -> bool:
    """Return whether a figure is the accuracy of all rows."""
    figure, metrics = _figure(result, name), result.run.metrics
    return figure is not None and (figure["n"], figure["value"]) == (metrics["n"], metrics["accuracy"])


def _tested(base: Result, tuned: Result) -> str:
    paired = comparison.change(base, tuned).paired
    return f"{points(paired.difference.low, 1)} to {points(paired.difference.high, 1)}, {p_value(paired.p)}"


def _figure(result: Result, name: str) -> Measure | None:
    return result.run.benchmark["measures"].get(name) if result.run.benchmark else None
