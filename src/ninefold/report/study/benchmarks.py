"""Tables of a study's benchmarks in the form of SpaRE's Tables 3 and 4, as CSV, LaTeX and Markdown."""

from collections.abc import Mapping
from typing import Any

from ninefold.report.benchmarks.numbers import CSV
from ninefold.report.benchmarks.section import conditions
from ninefold.report.benchmarks.sheets import Figure, Line, Sheet, sheets
from ninefold.report.benchmarks.standings import Standing, by_benchmark
from ninefold.report.overview import csv_file
from ninefold.report.study import latex, leaks, markdown
from ninefold.report.study.cautions import cautions
from ninefold.report.study.results import StudyResults

NAMES = ("source", "model", "trained on")
"""Heads of the columns that name a row."""


def benchmark_sheets(results: StudyResults) -> list[Sheet]:
    """Return the tables of the benchmarks that a study evaluates; none without any."""
    return sheets(_standings(results), " ".join(cautions(results.models)))


def files(sheet: Sheet) -> dict[str, str]:
    """Return the content of a table's files by suffix; the same results give the same bytes."""
    heads = [*NAMES, *sheet.heads]
    rows = [[source, *_texts(line)] for source, lines in sheet.parts for line in lines]
    label = f"tab:{sheet.stem}"
    return {
        "csv": csv_file(CSV, sheet.numbers),
        "tex": latex.table(f"{sheet.title}. {sheet.notes}", label, [heads], rows, names=len(NAMES)),
        "md": markdown.table(f"{sheet.title}.", sheet.notes, heads, rows, names=len(NAMES)),
    }


def all_conditions(results: StudyResults) -> list[tuple[str, dict[str, Any], dict[str, dict[str, Any]]]]:
    """Return the title of each benchmark, the conditions that hold for all models, and those that differ by model."""
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    models = {model.name: model.title for model in results.models}
    for one in results.evaluations:
        if one.run.benchmark:
            by_model = found.setdefault(one.run.benchmark["title"], {})
            by_model.setdefault(models[one.of.model], one.run.benchmark["conditions"])
    return [(title, *conditions(by_model, {"unread"})) for title, by_model in found.items()]


def _standings(results: StudyResults) -> list[Standing]:
    shared = leaks.by_place(results.record)
    found = []
    for model in results.models:
        for name, condition in results.conditions.items():
            of_tests = {
                test: [
                    (one.of.seed, one.run.benchmark)
                    for one in results.select(model.name, name, test)
                    if one.run.benchmark
                ]
                for test in results.tests
            }
            leaking = {
                runs[0][1]["name"]: shared[name, test]
                for test, runs in of_tests.items()
                if runs and (name, test) in shared
            }
            found.append(Standing(model.title, condition.title, by_benchmark(of_tests.values()), leaking))
    return found


def _texts(line: Line) -> list[str]:
    return [line.model, line.condition, *map(_text, line.cells)]


def _text(figure: Figure) -> str:
    return f"{figure.text}{figure.marks}" + (f" ({figure.interval})" if figure.interval else "")
