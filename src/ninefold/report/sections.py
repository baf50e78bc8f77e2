"""The section of one set in the report: its charts, maps, tables and gallery, computed and ready to draw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from ninefold.report import comparison, orders, tables
from ninefold.report.benchmarks.section import Benchmark, benchmark
from ninefold.report.figures import intervals, maps
from ninefold.report.figures.labels import LabelSymbol, are_positions, symbols
from ninefold.report.gallery import Gallery, gallery
from ninefold.report.test_sets import TestSet
from ninefold.web.thumbnails import Pictures


@dataclass(frozen=True, slots=True)
class Section:
    """The section of one set, ready to draw."""

    anchor: str
    """Name in links and file names."""
    name: str
    """Name of the set."""
    questions: int
    """Number of questions of the set."""
    uncertainty: str
    """Meaning of the intervals."""
    caveat: str
    """Reason why an accuracy means nothing; empty if there is none."""
    benchmark: Benchmark | None
    """The figures of a public benchmark; None for other sets."""
    chart: intervals.AccuracyChart
    """Chart of all accuracies."""
    headline: tuple[comparison.Change, ...]
    """The effect of fine-tuning, if one model was tuned once."""
    has_change: bool
    """Whether a base and a tuned model are compared."""
    symbols: Mapping[str, LabelSymbol]
    """The symbols of all labels, in canonical order."""
    grid: int | None
    """Cells along each side of the maps; None without maps."""
    accuracy: tuple[maps.Panel, ...]
    """Maps of accuracy and of its change."""
    votes: tuple[maps.Panel, ...]
    """Maps of the most common answer."""
    shows_answers: bool
    """Whether the right answer depends on the cell alone: the map of answers is then that of a perfect model."""
    numbers: tuple[tables.Table, ...]
    """Tables of accuracy, regions, invalid answers, and option orders."""
    confusions: tuple[tables.Table, ...]
    """Confusion matrices, one per run."""
    gallery: Gallery
    """The gallery of examples."""


def section(test_set: TestSet, anchor: str, limit: int, pictures: Pictures, asked: Sequence[str] = ()) -> Section:
    """Return the section of a set.

    Args:
        test_set: The set and its runs.
        anchor: Its name in links and file names.
        limit: Largest number of examples in the gallery.
        pictures: The page's pictures.
        asked: Ids of examples that are shown side by side, whatever the answers.
    """
    changes = tuple(comparison.change(*pair) for pair in test_set.pairs)
    signs = symbols(test_set.labels)
    few = len(signs) <= tables.MOST_LABELS
    metrics = test_set.results[0].run.metrics
    answers = _answers(test_set)
    return Section(
        anchor=anchor,
        name=test_set.name,
        questions=test_set.questions,
        uncertainty=f"Intervals: {metrics['interval']}.",
        caveat=next((found for one in test_set.results if (found := one.run.metrics.get("caveat"))), ""),
        benchmark=benchmark(test_set),
        chart=_chart(test_set),
        headline=changes if len(changes) == 1 else (),
        has_change=bool(changes),
        symbols=signs,
        grid=test_set.grid,
        accuracy=_accuracy_maps(test_set) if test_set.grid else (),
        votes=_vote_maps(test_set, answers, signs) if test_set.grid and few else (),
        shows_answers=any(chain(*answers)),
        numbers=tuple(
            part for table in (*tables.numbers(test_set), *orders.tables(test_set)) for part in tables.divided(table)
        ),
        confusions=tuple(tables.confusion(result) for result in test_set.results) if few else (),
        gallery=gallery(test_set, anchor, limit, pictures, asked),
    )


def _answers(test_set: TestSet) -> maps.Grid:
    """Return the one right answer of each cell; None throughout if the answer does not depend on the cell.

    Examples of one cell may share an answer by chance, or because a limit kept the first rows alone. Labels that are
    no positions are taken to depend on the cell only if they do so in every cell of a whole set.
    """
    size = test_set.grid or 0
    run = test_set.results[0].run
    answers: maps.Grid = run.metrics.get("answer_by_cell") or ()
    seen = [number for number in chain(*run.metrics.get("n_by_cell", ())) if number]
    known = [answer for answer in chain(*answers) if answer is not None]
    by_cell = run.spec["data"].get("limit") is None and len(known) == len(seen) and min(seen, default=0) > 1
    if are_positions(test_set.labels) or (by_cell and len(set(known)) > 1):
        return answers
    return [[None] * size for _ in range(size)]


def _accuracy_maps(test_set: TestSet) -> tuple[maps.Panel, ...]:
    panels, bases = [], {tuned.name: base for base, tuned in test_set.pairs}
    for result in test_set.results:
        grids = (result.run.metrics[key] for key in ("by_cell", "n_by_cell", "ci95_by_cell"))
        panels.append(maps.accuracy_map(result.name, *grids))
        if base := bases.get(result.name):
            title = "change" if len(bases) == 1 else f"change, {result.name}"
            panels.append(maps.difference_map(title, comparison.changes(base, result)))
    return tuple(panels)


def _vote_maps(test_set: TestSet, answers: maps.Grid, signs: Mapping[str, LabelSymbol]) -> tuple[maps.Panel, ...]:
    return tuple(
        maps.vote_map(result.name, result.run.metrics["votes"], result.run.metrics["n_by_cell"], answers, signs)
        for result in test_set.results
    )


def _chart(test_set: TestSet) -> intervals.AccuracyChart:
    accuracies = []
    for result in test_set.results:
        metrics = result.run.metrics
        low, high = metrics["ci95"]
        accuracies.append(intervals.Accuracy(result.name, metrics["accuracy"], low, high, result.run.is_base))
    options = test_set.results[0].run.scores["options"].map(len)
    chance = float((1 / options).mean()) if (options > 0).all() else None
    return intervals.AccuracyChart(test_set.name, tuple(accuracies), chance)
