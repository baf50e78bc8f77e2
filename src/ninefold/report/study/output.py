"""What the report of a study writes beside its page: the tables and figures of the paper, for whatever runs exist."""

from pathlib import Path

from ninefold.console import track
from ninefold.report.figures import files
from ninefold.report.study import benchmarks, tables, written
from ninefold.report.study.further_figures import further_figures
from ninefold.report.study.paper_figures import paper_figures
from ninefold.report.study.results import StudyResults
from ninefold.runs.lock import locked_output
from ninefold.runs.study import FIGURES, TABLES

DOTS = 300
"""Dots per inch of figures as PNG."""

RUNS = "runs.csv"
"""File of all evaluations, one row per run."""


def write_tables_and_figures(
    folder: Path, *, results: StudyResults | None = None, overwrite: bool = False
) -> StudyResults:
    """Write the tables and figures of a study: CSV, LaTeX and Markdown; PDF, PNG and SVG.

    The same results of runs give the same bytes, wherever the folder is.

    Args:
        folder: The study folder.
        results: Its results, if they are read already.
        overwrite: Whether files that were edited, or not written by a report, are replaced.

    Returns:
        The results.

    Raises:
        RunError: If the folder is not one of a study, a file that was edited would be replaced, or another process is
            writing them.
    """
    results = results or StudyResults.read(folder)
    drawings = {**paper_figures(results), **further_figures(results)}
    with locked_output(folder / TABLES):
        files.check(folder / FIGURES, drawings, formats=files.ALL, overwrite=overwrite)
        written.write(folder / TABLES, _tables(results), overwrite=overwrite)
        for stem, draw in track(drawings.items(), "figures of the study", total=len(drawings), transient=True):
            files.save(draw(), folder / FIGURES / stem, formats=files.ALL, dots=DOTS)
    return results


def _tables(results: StudyResults) -> dict[str, str]:
    files = {
        f"{table.stem}.{suffix}": content
        for table in [*tables.paper_tables(results), tables.overview(results), tables.scaling(results)]
        if table
        for suffix, content in tables.files(table).items()
    }
    sheets = {
        f"{sheet.stem}.{suffix}": content
        for sheet in benchmarks.benchmark_sheets(results)
        for suffix, content in benchmarks.files(sheet).items()
    }
    return {**files, **sheets, RUNS: tables.runs_csv(results)}
