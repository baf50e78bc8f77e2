"""The tables and figures beside a study's page: what the page shows of them, and links to all."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ninefold.report.study import tables
from ninefold.report.study.results import StudyResults
from ninefold.runs.study import FIGURES, TABLES
from ninefold.web.wording import join

MOST_BYTES = 400_000
"""Largest SVG that is shown on the page."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure, ready to show."""

    name: str
    """Its name."""
    uri: str
    """The figure as a data URI; an image, in which no script runs."""
    path: str
    """Path of its PDF, relative to the study folder."""


def paper_tables(all_tables: Sequence[tables.Table]) -> list[tuple[tables.Table, list[list[tuple[str, int]]]]]:
    """Return the tables that have results, and their lines of heads: texts with the columns they span."""
    shown = [table for table in all_tables if table.has_results]
    return [(table, [_spans(line) for line in table.heads]) for table in shown]


def left_out(all_tables: Sequence[tables.Table]) -> list[str]:
    """Return sentences about the tables that have no results."""
    empty = [table for table in all_tables if not table.has_results]
    reasons = {
        "of which no fine-tuned run is done yet": [table for table in empty if table.is_planned],
        "of which this study has no runs": [table for table in empty if not table.is_planned],
    }
    return [f"Left out: {join([_name(table) for table in found])}, {why}." for why, found in reasons.items() if found]


def _name(table: tables.Table) -> str:
    return table.stem.replace("-", " ").capitalize()


def _spans(heads: Sequence[str]) -> list[tuple[str, int]]:
    spans: list[tuple[str, int]] = []
    for head in heads:
        if spans and spans[-1][0] == head:
            spans[-1] = (head, spans[-1][1] + 1)
        else:
            spans.append((head, 1))
    return spans


def links(folder: Path) -> dict[str, str]:
    """Return the folders beside the page that exist: path relative to the study folder, by name."""
    names = {"Tables as CSV, LaTeX and Markdown": TABLES, "Figures as PDF, PNG and SVG": FIGURES}
    return {name: path for name, path in names.items() if (folder / path).is_dir()}


def pictures(results: StudyResults) -> list[Picture]:
    """Return the further figures of a study that are drawn already, such as "collapse"."""
    found = []
    for name in results.record.figures:
        path = results.folder / FIGURES / f"{name}.svg"
        if Path(name).name == name and path.is_file() and path.stat().st_size <= MOST_BYTES:
            content = base64.b64encode(path.read_bytes()).decode()
            found.append(Picture(name, f"data:image/svg+xml;base64,{content}", f"{FIGURES}/{name}.pdf"))
    return found
