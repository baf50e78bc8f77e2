"""The report of a study: page, tables and figures, from the files of its folder alone."""

from pathlib import Path

from ninefold.runs.study import StudyRecord


def write(folder: Path) -> None:
    """Write ``report.html``, ``tables/`` and ``figures/`` of whatever runs of a study are finished.

    Raises:
        RunError: If the folder is not one of a study.
    """
    StudyRecord.read(folder)
