"""The state of a study, read from its folder: how many runs of each model and condition are done, running or failed."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table

from ninefold.errors import RunError
from ninefold.runs.lock import is_held
from ninefold.runs.records import State, Status
from ninefold.runs.study import StudyRecord
from ninefold.studies.folder import LOCK

SECONDS = 2.0
"""Seconds between two looks at the folder."""

_STATES: Mapping[State, str] = {
    "done": "green",
    "running": "yellow",
    "failed": "red",
    "interrupted": "magenta",
    "planned": "dim",
}
"""The color of each state."""


def follow(folder: Path) -> None:
    """Print the state of a study; on a terminal, again and again until all runs have ended or no process works on it.

    Raises:
        RunError: If the folder is not one of a study.
    """
    console = Console(highlight=False, markup=False)
    record = StudyRecord.read(folder)
    if not console.is_terminal:
        console.print(table(record, folder))
        return
    with Live(table(record, folder), console=console, auto_refresh=False) as live:
        while not is_over(record, folder):
            time.sleep(SECONDS)
            live.update(table(record, folder), refresh=True)


def is_over(record: StudyRecord, folder: Path) -> bool:
    """Whether every run is done or has failed, or the study has ended without some that need what failed."""
    return not is_held(folder / LOCK) or all(
        Status.read(folder / name).state in {"done", "failed"} for name in _folders(record)
    )


def table(record: StudyRecord, folder: Path) -> RenderableType:
    """Return the state of all runs: a row for each model and condition, a column for each state, then the failures."""
    states = dict(_states(record, folder))
    shown = Table(title=f"{record.name}: {record.title}", title_justify="left")
    shown.add_column("model")
    shown.add_column("condition")
    for state in _STATES:
        shown.add_column(state, justify="right")
    for model in record.models:
        for condition in record.conditions:
            of_both = {run.folder for run in record.runs if (run.model, run.condition) == (model.name, condition.name)}
            counts = Counter(states[name].state for name in of_both)
            if counts:
                cells = [str(counts[state]) if counts[state] else "" for state in _STATES]
                shown.add_row(model.title, condition.title, *cells)
    total = Counter(status.state for status in states.values())
    shown.add_section()
    shown.add_row("all", "", *(str(total[state]) for state in _STATES))
    failures = [f"failed: {name}: {status.reason}" for name, status in states.items() if status.state == "failed"]
    return Group(shown, *failures)


def _states(record: StudyRecord, folder: Path) -> Iterator[tuple[str, Status]]:
    """Yield each run folder with its status; one that cannot be read has failed, one that was killed is interrupted."""
    works = is_held(folder / LOCK)
    for name in _folders(record):
        try:
            status = Status.read(folder / name)
            yield name, status if works or status.state != "running" else replace(status, state="interrupted")
        except RunError as error:
            yield name, Status("failed", reason=str(error))


def _folders(record: StudyRecord) -> list[str]:
    return list(dict.fromkeys(run.folder for run in record.runs))
