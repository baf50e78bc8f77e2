"""The figure of a benchmark's parts, as PDF and PNG: the main figure of each run by relation, category and so on."""

from matplotlib.figure import Figure

from ninefold.report.benchmarks.section import Chart
from ninefold.report.figures import dots
from ninefold.web.wording import count, percent

PARTS = 40
"""Largest number of parts of a figure: the largest ones, as many as a page holds."""

COLUMNS = 4
"""Largest number of runs beside each other."""


def figure(benchmark: str, chart: Chart) -> Figure:
    """Draw a chart.

    Args:
        benchmark: Title of the benchmark.
        chart: The chart.
    """
    parts = chart.parts[:PARTS]
    runs = list(dict.fromkeys(mark.name for part in parts for mark in part.marks))
    names = tuple(f"{part.name} ({count(part.n)})" for part in parts)
    label = f"{chart.measure} in %" if chart.most == percent(1) else f"{chart.measure} in % of {chart.most}"
    blocks = []
    for start in range(0, len(runs), COLUMNS):
        columns = []
        for run in runs[start : start + COLUMNS]:
            marks = [next((mark for mark in part.marks if mark.name == run), None) for part in parts]
            drawn = tuple(None if mark is None else dots.Dot(mark.at, mark.low, mark.high) for mark in marks)
            columns.append(dots.Dots(run, drawn, label=label))
        blocks.append(dots.Block("", names, tuple(columns)))
    left_out = f" (the {len(parts)} largest of {len(chart.parts)})" if len(parts) < len(chart.parts) else ""
    return dots.figure(f"{chart.title} on {benchmark}{left_out}", blocks)
