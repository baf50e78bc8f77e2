"""What the report of a study writes beside its page: the tables and figures of the paper, for whatever runs exist."""

from pathlib import Path

from ninefold.report.study import tables, written
from ninefold.report.study.results import StudyResults

TABLES = "tables"
"""Folder of the tables, in the study folder."""

RUNS = "runs.csv"
"""File of all evaluations, one row per run."""


def write_tables_and_figures(
    folder: Path, *, results: StudyResults | None = None, overwrite: bool = False
) -> StudyResults:
    """Write the tables of a study.

    The same results of runs give the same bytes, wherever the folder is.

    Args:
        folder: The study folder.
        results: Its results, if they are read already.
        overwrite: Whether files that were edited, or not written by a report, are replaced.

    Returns:
        The results.

    Raises:
        RunError: If the folder is not one of a study, or a file that was edited would be replaced.
    """
    results = results or StudyResults.read(folder)
    written.write(folder / TABLES, _tables(results), overwrite=overwrite)
    return results


def _tables(results: StudyResults) -> dict[str, str]:
    files = {
        f"{table.stem}.{suffix}": content
        for table in [*tables.paper_tables(results), tables.overview(results)]
        for suffix, content in tables.files(table).items()
    }
    return {**files, RUNS: tables.runs_csv(results)}
