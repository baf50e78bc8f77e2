"""The report of a study: page, tables and figures, from the files of its folder alone."""

from pathlib import Path

from ninefold.report.study.output import write_tables_and_figures
from ninefold.report.study.page import write_page
from ninefold.report.study.results import StudyResults


def write(folder: Path, *, overwrite: bool = False) -> None:
    """Write ``report.html``, ``tables/`` and ``figures/`` of whatever runs of a study are finished.

    Args:
        folder: The study folder.
        overwrite: Whether a page, table or figure that was edited is replaced.

    Raises:
        RunError: If the folder is not one of a study, or something that was edited would be replaced.
    """
    results = StudyResults.read(folder)
    write_tables_and_figures(folder, results=results, overwrite=overwrite)
    write_page(folder, results=results, overwrite=overwrite)
