"""The report: one self-contained HTML file and a folder of figures, made from runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from matplotlib.figure import Figure

from ninefold.report import certificates, headline, image_inputs, output, run_overview, side_by_side
from ninefold.report.benchmarks import part_figure
from ninefold.report.benchmarks.numbers import CSV
from ninefold.report.benchmarks.section import FEW
from ninefold.report.benchmarks.sheets import Sheet, sheets
from ninefold.report.benchmarks.standings import Standing, by_benchmark
from ninefold.report.figures import curves, files, intervals, labels, maps, palette, question
from ninefold.report.gallery import FIRST, cell_anchor
from ninefold.report.overview import data_uri
from ninefold.report.sections import Section, section
from ninefold.report.tables import CONFIDENCE
from ninefold.report.test_sets import Evaluation, Run, TestSet, Training, group, read_runs
from ninefold.runs.lock import locked_output
from ninefold.space import LABELS
from ninefold.store import write_text
from ninefold.web.page import render
from ninefold.web.thumbnails import Pictures
from ninefold.web.wording import count, join, slugs

ANSWERS = 12_000
"""Largest number of answers shown on a page, with their pictures; it keeps a page within some ten megabytes."""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """The facts of one run."""

    title: str
    """Kind and folder of the run."""
    command: str
    """The command line."""
    facts: Mapping[str, Any]
    """Specification, results, versions, machine and times."""


def report(
    runs: Sequence[Path],
    out: Path,
    *,
    pending: Sequence[str] = (),
    titles: Mapping[str, str] = MappingProxyType({}),
    asked: Sequence[str] = (),
    overwrite: bool = False,
) -> None:
    """Write a report on run folders, and a folder of its figures as PDF and PNG beside it.

    Args:
        runs: Folders that train and evaluate wrote, in any order. Base and tuned evaluations of the same examples are
            compared example by example.
        out: The HTML file; figures are written to ``<stem>-figures/`` beside it.
        pending: Names of runs still to come; if there are any, the page states that it is not complete.
        titles: Names of data sets to show, by the name of their folder; by default these.
        asked: Ids of questions whose answers are shown side by side, each also as a figure.
        overwrite: Whether a report that was edited, or of other runs, is replaced; one of the same runs, or some of
            them, always is.

    Raises:
        RunError: If a folder is not a finished, scored run, no run has a question that is asked for, something else
            than a report is at ``out``, or another process is writing it.
    """
    output.check_page(out)
    evaluations, trainings = read_runs(runs)
    with locked_output(out):
        # Another process may just have written something there.
        output.check_page(out)
        _write(evaluations, trainings, out, pending=pending, titles=titles, asked=asked, overwrite=overwrite)


def _write(
    evaluations: Sequence[Evaluation],
    trainings: Sequence[Training],
    out: Path,
    *,
    pending: Sequence[str],
    titles: Mapping[str, str],
    asked: Sequence[str],
    overwrite: bool,
) -> None:
    everything: list[Run] = [*evaluations, *trainings]
    names = {str(run.spec.get("id")): run.folder.name for run in everything}
    ids = sorted(names)
    output.check_content(out, ids, overwrite=overwrite)
    sets = group(evaluations, titles)
    side_by_side.check_asked(sets, asked)
    anchors = slugs([test_set.name for test_set in sets])
    found = run_overview.conditions(sets, trainings)
    pictures = Pictures()
    sections = [
        section(test_set, anchor, limit, pictures, asked)
        for test_set, anchor, limit in zip(sets, anchors, _limits(sets), strict=True)
    ]
    losses = [curve for run in trainings if (curve := curves.losses(run.folder.name, run.history))]
    folder = out.with_name(f"{out.stem}-figures")
    drawings = {**_figures(sections, losses), **_questions(sets, sections, asked)}
    files.check(folder, drawings, overwrite=overwrite)
    for stem, drawing in drawings.items():
        files.save(drawing, folder / stem)
    summaries = certificates.summaries(everything)
    html = render(
        "ninefold.report",
        "page.html.j2",
        filters={"offset": maps.offset, "cell_anchor": cell_anchor},
        styles=("style.css", "overview.css", "benchmarks.css"),
        scripts=("page.js", "overview.js"),
        sentences=headline.sentences(sets),
        pending=pending,
        run_ids=ids,
        run_names=[names[one].replace("|", " ") for one in ids],
        nano=sorted({run.model for run in everything if run.is_nano}),
        caveats=_caveats(sections),
        overview=run_overview.overview(found, sets, anchors),
        sheets=_sheets(found, everything),
        sections=sections,
        pictures=pictures.thumbnails,
        image_inputs=image_inputs.tables(everything, titles),
        curves=losses,
        certificates=summaries,
        limits=list(dict.fromkeys(limit for summary in summaries for limit in summary.limits)),
        run_facts=[_run_facts(run) for run in everything],
        figures=folder.name,
        few=FEW,
        confidence=CONFIDENCE,
        regions=labels.symbols(LABELS),
        accuracy_ramp=[palette.accuracy_color(step / 20) for step in range(21)],
        difference_ramp=[palette.difference_color(step / 20) for step in range(-20, 21)],
    )
    write_text(out, output.sealed(html))


def _sheets(found: Sequence[run_overview.Condition], runs: Sequence[Run]) -> list[tuple[Sheet, str]]:
    """Return the tables of benchmarks in the form of a paper's, each with its numbers as a data URI."""
    standings = [
        Standing(
            one.model,
            one.title,
            by_benchmark(
                [(seed, run.benchmark) for seed, run, _ in each if run.benchmark] for each in one.runs.values()
            ),
        )
        for one in found
    ]
    nano = "Nano bases only demonstrate this system." if any(run.is_nano for run in runs) else ""
    return [(one, data_uri(CSV, one.numbers)) for one in sheets(standings, nano)]


def _limits(sets: Sequence[TestSet]) -> list[int]:
    """Return the number of examples that each set may show: equal shares, and what small sets leave goes to others."""
    limits, left = [0] * len(sets), ANSWERS
    by_size = sorted(range(len(sets)), key=lambda index: sets[index].questions * len(sets[index].results))
    for done, index in enumerate(by_size):
        runs = len(sets[index].results)
        limits[index] = min(sets[index].questions, max(left // (len(sets) - done) // runs, FIRST))
        left = max(left - limits[index] * runs, 0)
    return limits


def _caveats(sections: Sequence[Section]) -> list[tuple[str, str]]:
    """Return each reason why accuracies mean nothing, and the sets that it holds for."""
    reasons = dict.fromkeys(one.caveat for one in sections if one.caveat)
    return [(reason, join([one.name for one in sections if one.caveat == reason])) for reason in reasons]


def _figures(sections: Sequence[Section], losses: Sequence[curves.Curve]) -> dict[str, Figure]:
    drawings = {}
    if sections:
        drawings["accuracy"] = intervals.figure([one.chart for one in sections])
    for one in sections:
        if one.accuracy:
            drawings[f"{one.anchor}-accuracy-maps"] = maps.figure(f"Accuracy by cell on {one.name}", one.accuracy)
        if one.votes:
            drawings[f"{one.anchor}-vote-maps"] = maps.figure(f"Most common answer by cell on {one.name}", one.votes)
        charts = one.benchmark.charts if one.benchmark else ()
        for slug, chart in zip(slugs([chart.factor for chart in charts]), charts, strict=True):
            drawings[f"{one.anchor}-by-{slug}"] = part_figure.figure(one.name, chart)
    for anchor, curve in zip(slugs([curve.title for curve in losses]), losses, strict=True):
        drawings[f"training-{anchor}"] = curves.figure(curve)
    return drawings


def _questions(sets: Sequence[TestSet], sections: Sequence[Section], asked: Sequence[str]) -> dict[str, Figure]:
    """Return a figure of each question that is asked for, with the answers of all runs."""
    drawings = {}
    for test_set, one in zip(sets, sections, strict=True):
        shown = [example for example in one.gallery.side_by_side if example.id in asked]
        found = side_by_side.images_of(test_set, [example.id for example in shown])
        for slug, example in zip(slugs([example.id for example in shown]), shown, strict=True):
            drawings[f"{one.anchor}-question-{slug}"] = question.figure(example, found.get(example.id))
    return drawings


def _run_facts(run: Run) -> RunFacts:
    kind = "Evaluation" if isinstance(run, Evaluation) else "Training"
    provenance = dict(run.provenance)
    command = str(provenance.pop("command", ""))
    peak = provenance.pop("peak_memory_mib", None) or {}
    memory = {f"peak memory, {device.upper()}": f"{count(mebibytes)} MiB" for device, mebibytes in peak.items()}
    result = {"result": run.metrics} if isinstance(run, Training) else {}
    processor = {"image processor": run.image_inputs["settings"]} if run.image_inputs else {}
    facts = {"specification": run.spec, **processor, **result, **memory, **provenance}
    return RunFacts(f"{kind}: {run.folder.name}", command, facts)
