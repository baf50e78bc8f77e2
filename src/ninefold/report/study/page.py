"""The page of a study: one self-contained HTML file over all of its runs, read from the study folder alone."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

from ninefold.report import certificates, output
from ninefold.report.benchmarks.numbers import CSV
from ninefold.report.figures import maps as figure_maps
from ninefold.report.figures import palette
from ninefold.report.gallery import cell_anchor
from ninefold.report.overview import Cell, Overview, Row, data_uri
from ninefold.report.study import (
    benchmarks,
    charts,
    costs,
    failure_modes,
    headline,
    leaks,
    option_orders,
    provenance,
    shown_files,
    side_by_side,
    tables,
)
from ninefold.report.study.atlas import atlas
from ninefold.report.study.entries import Entry, entries
from ninefold.report.study.results import StudyResults
from ninefold.report.tables import CONFIDENCE
from ninefold.report.test_sets import Run
from ninefold.runs.lock import locked_output
from ninefold.runs.study import BASE, REPORT
from ninefold.store import write_text
from ninefold.web.page import render
from ninefold.web.thumbnails import Pictures
from ninefold.web.wording import slugs


def write_page(folder: Path, *, results: StudyResults | None = None, overwrite: bool = False) -> Path:
    """Write the page of a study to ``report.html`` in its folder, for whatever runs are done.

    Tables and figures that are in the folder already are linked (see `ninefold.report.study.output`).

    Args:
        folder: The study folder.
        results: Its results, if they are read already.
        overwrite: Whether a page that was edited is replaced; one that was not always is.

    Returns:
        The path of the page.

    Raises:
        RunError: If the folder is not one of a study, something else than a page of ninefold is at its path, or
            another process is writing it.
    """
    out = folder / REPORT
    results = results or StudyResults.read(folder)
    output.check_page(out)
    with locked_output(out):
        output.check_content(out, [results.record.name], overwrite=overwrite)
        write_text(out, output.sealed(_html(results)))
    return out


def _html(results: StudyResults) -> str:
    record = results.record
    found = list(entries(results))
    anchors = _anchors(found)
    maps = atlas(found, anchors)
    runs: list[Run] = [one.run for kind in (results.trainings, results.evaluations) for one in kind]
    folders = [
        *(results.folder / test.data for test in record.tests),
        *(data for run in runs for data in run.data_folders),
    ]
    summaries = certificates.of_folders(dict.fromkeys(path.resolve() for path in folders))
    paper_tables = tables.paper_tables(results)
    thumbnails = Pictures()
    beside = side_by_side.shown(results, thumbnails)
    return render(
        "ninefold.report",
        "study.html.j2",
        filters={"offset": figure_maps.offset, "cell_anchor": cell_anchor},
        styles=("style.css", "overview.css", "benchmarks.css", "study.css"),
        scripts=("overview.js", "study.js"),
        record=record,
        sentences=headline.sentences(results, found),
        machines=provenance.machines(results),
        nano=results.nano,
        only_nano=len(results.nano) == len(record.models),
        cautions=list(dict.fromkeys(model.caution for model in record.models if model.caution)),
        caveats=_caveats(results),
        done=len(record.runs) - len(results.absent),
        gaps=provenance.gaps(results),
        broken=[absent for entry in found for absent in entry.broken],
        overview=_overview(results, found, anchors),
        leaks=leaks.rows(record),
        sheets=[(one, data_uri(CSV, one.numbers)) for one in benchmarks.benchmark_sheets(results)],
        conditions=benchmarks.all_conditions(results),
        planned={(one.model.title, one.condition.title, one.test.title) for one in found if one.planned},
        runs_file=data_uri(list(results.table.columns), results.table.astype(object).fillna("").to_numpy().tolist()),
        atlas=maps,
        plates=[(model, list(rows)) for model, rows in groupby(maps.rows, key=lambda row: row.model)],
        orders=option_orders.tables(results),
        failures=failure_modes.tables(results, found),
        failure_modes=failure_modes.LEGEND,
        beside=beside,
        thumbnails=thumbnails.thumbnails,
        scaling=charts.scaling_charts(results),
        probes=charts.probe_charts(results),
        losses=[(model, list(each)) for model, each in groupby(charts.losses(results), key=lambda one: one.model)],
        colors=charts.colors(),
        cost_total=costs.total(results),
        costs=costs.tables(results),
        certificates=summaries,
        limits=list(dict.fromkeys(limit for summary in summaries for limit in summary.limits)),
        run_tables=provenance.run_tables(results),
        links=shown_files.links(results.folder),
        tables=shown_files.paper_tables(paper_tables),
        left_out=shown_files.left_out(paper_tables),
        pictures=shown_files.pictures(results),
        confidence=CONFIDENCE,
        accuracy_ramp=[palette.accuracy_color(step / 20) for step in range(21)],
        difference_ramp=[palette.difference_color(step / 20) for step in range(-20, 21)],
    )


def _caveats(results: StudyResults) -> list[tuple[str, str]]:
    """Return the title of each test whose runs have a caveat, with the caveat."""
    caveats = {str(one.of.test): one.run.metrics.get("caveat") for one in results.evaluations}
    return [(results.tests[name].title, text) for name, text in caveats.items() if text and name in results.tests]


def _anchors(found: Sequence[Entry]) -> dict[tuple[str, str, str], str]:
    """Return the name in links of each entry."""
    parts = []
    for names in zip(*(entry.key for entry in found), strict=True):
        different = list(dict.fromkeys(names))
        parts.append(dict(zip(different, slugs(different), strict=True)))
    return {
        entry.key: "--".join(["map", *(part[name] for part, name in zip(parts, entry.key, strict=True))])
        for entry in found
    }


def _overview(results: StudyResults, found: Sequence[Entry], anchors: Mapping[tuple[str, str, str], str]) -> Overview:
    record = results.record
    by_key = {entry.key: entry for entry in found}
    shared = leaks.by_place(record)
    rows = []
    for model in record.models:
        for condition in record.conditions:
            row = [by_key[model.name, condition.name, test.name] for test in record.tests]
            if any(entry.planned for entry in row):
                cells = tuple(
                    _cell(entry, anchors[entry.key], shared.get((condition.name, entry.test.name), "")) for entry in row
                )
                rows.append(Row(model.title, condition.title, condition.name == BASE, condition.rows, cells))
    return Overview(tuple(test.title for test in record.tests), tuple(rows))


def _cell(entry: Entry, anchor: str, leak: str) -> Cell:
    if entry.measured is None:
        return Cell("", None, "to come" if entry.planned else "not part of the study")
    done = len(entry.measured.runs)
    lacking = f"of {entry.planned}" if done < entry.planned else ""
    return Cell(anchor if entry.maps is not None else "", entry.measured, lacking=lacking, leak=leak)
