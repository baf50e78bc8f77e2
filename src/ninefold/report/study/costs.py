"""The costs of a study: time, speed and peak memory of its runs, as their provenance records them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ninefold.report.study.finished import Finished
from ninefold.report.study.results import StudyResults
from ninefold.report.tables import Table, TableCell
from ninefold.report.test_sets import Evaluation, Run, Training
from ninefold.web.wording import count, join, quantity

HOUR = 3600
"""Seconds of an hour."""


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one run."""

    device: str
    """Kind of the device: "CPU" or "GPU"."""
    seconds: float
    """Seconds of work, loading included, times the number of processes."""
    work: float
    """Seconds of training or of answering alone."""
    items: int
    """Number of examples trained on, repeated ones included, or of questions answered."""
    memory: float
    """Peak memory of the device, in MiB; 0 if unknown."""


def cost(run: Run) -> Cost | None:
    """Return the cost of a run; None if its provenance records no time."""
    told = run.provenance.get("seconds")
    seconds = {name: _number(value) for name, value in (told if isinstance(told, Mapping) else {"all": told}).items()}
    if not any(seconds.values()):
        return None
    work = seconds.get("train") or seconds.get("predict") or 0.0
    device = "CPU" if str(run.provenance.get("device") or "cpu").startswith("cpu") else "GPU"
    peak = run.provenance.get("peak_memory_mib") or {}
    memory = max((_number(value) for name, value in peak.items() if (name == "cpu") == (device == "CPU")), default=0.0)
    processes = _number(run.provenance.get("processes")) or 1.0
    return Cost(device, processes * sum(seconds.values()), work, _items(run), memory)


def _items(run: Run) -> int:
    if isinstance(run, Training):
        examples = run.metrics.get("examples") or {}
        return int(_number(examples.get("train")) * _number(run.metrics.get("epochs")))
    return int(_number(run.metrics.get("n")))


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0


def total(results: StudyResults) -> str:
    """Return the hours of all runs in a sentence; empty if no time is known."""
    runs: list[Finished[Any]] = [*results.trainings, *results.evaluations, *results.probes]
    found = [one for one in map(cost, _different(runs)) if one is not None]
    hours: dict[str, float] = {}
    for one in found:
        hours[one.device] = hours.get(one.device, 0.0) + one.seconds / HOUR
    named = join([f"{_hours(value)} {device}-hours" for device, value in hours.items()]) if hours else ""
    return f"{quantity(len(found), 'run')} took {named} together." if named else ""


def tables(results: StudyResults) -> list[tuple[str, Table]]:
    """Return a table of costs for each model, with its title: one row per condition."""
    found = []
    for model in results.record.models:
        rows = []
        for condition in results.record.conditions:
            place = (model.name, condition.name)
            parts = [[one for one in kind if (one.of.model, one.of.condition) == place]
                     for kind in (results.trainings, results.evaluations)]  # fmt: skip
            cells = [*_cells(parts[0]), *_cells(parts[1])]
            if any(cell.text for cell in cells):
                rows.append((condition.title, tuple(cells)))
        head = (
            "trained on",
            "trainings",
            "time",
            "examples/s",
            "memory",
            "evaluations",
            "time",
            "questions/s",
            "memory",
        )
        if rows:
            found.append((model.title, Table(model.title, "", head, tuple(rows))))
    return found


def _cells(runs: Sequence[Finished[Any]]) -> list[TableCell]:
    costs = [one for one in map(cost, _different(runs)) if one is not None]
    if not costs:
        return [TableCell("")] * 4
    work, items = sum(one.work for one in costs), sum(one.items for one in costs if one.work)
    memory = max(one.memory for one in costs)
    devices = "/".join(dict.fromkeys(one.device for one in costs))
    return [
        TableCell(count(len(costs))),
        TableCell(f"{_hours(sum(one.seconds for one in costs) / HOUR)} {devices}-h"),
        TableCell(f"{items / work:.3g}" if work else ""),
        TableCell(f"{memory / 1024:.1f} GiB" if memory else ""),
    ]


def _hours(value: float) -> str:
    return count(round(value)) if value >= 100 else f"{value:.2g}"


def _different(runs: Iterable[Finished[Any]]) -> list[Evaluation | Training]:
    """Return the runs, each once: several conditions may share one."""
    return list({one.of.folder: one.run for one in runs}.values())
