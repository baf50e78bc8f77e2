"""The runs of a study: those that are done, read from their folders, and the list of the others, with the reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import pandas as pd

from ninefold.errors import NinefoldError, RunError
from ninefold.report.study.belonging import Belonging
from ninefold.report.test_sets import Evaluation, Run, Training, read_run
from ninefold.runs import layout
from ninefold.runs.folder import read_spec
from ninefold.runs.probing import COLUMNS, ProbeMetrics, read_probes
from ninefold.runs.records import Provenance, Status
from ninefold.runs.study import StudiedRun, StudyRecord
from ninefold.runs.tables import read_scores


@dataclass(frozen=True)
class Probing(Run):
    """A probe run."""

    accuracies: pd.DataFrame
    """One row per layer and fold: ``layer``, ``fold`` and ``accuracy``."""


_KINDS: Mapping[str, type[Run]] = {"evaluation": Evaluation, "training": Training, "probe": Probing}

_AnyRun = TypeVar("_AnyRun", Evaluation, Training, Probing)


@dataclass(frozen=True)
class Finished(Generic[_AnyRun]):
    """A finished run of a study."""

    of: StudiedRun
    """Its place in the study: model, condition, seed, test."""
    run: _AnyRun
    """The run; runs with several places in a study share it."""


@dataclass(frozen=True)
class Absent:
    """A run of a study that is not done, or cannot be read."""

    of: StudiedRun
    """Its place in the study."""
    state: str
    """"planned", "running", "interrupted", "failed", or "unreadable"."""
    reason: str
    """Reason of a failure, in one line; empty if it is just not done yet."""


class Runs(NamedTuple):
    """All runs of a study, in the record's order."""

    evaluations: Sequence[Finished[Evaluation]]
    """Finished evaluations."""
    trainings: Sequence[Finished[Training]]
    """Finished trainings."""
    probes: Sequence[Finished[Probing]]
    """Finished probes."""
    absent: Sequence[Absent]
    """All others."""


class _Missing(NamedTuple):
    """The state of a folder without a finished run, and its reason."""

    state: str
    reason: str


def read_runs(folder: Path, record: StudyRecord) -> Runs:
    """Read the runs of a study; a run that cannot be read is absent, and spoils no other."""
    read = {name: _read(folder / name) for name in dict.fromkeys(run.folder for run in record.runs)}
    found: dict[str, list[Finished[Any]]] = {kind: [] for kind in _KINDS}
    absent = []
    belonging = Belonging(folder, record)
    for of in record.runs:
        run = read[of.folder]
        if isinstance(run, Run) and not isinstance(run, _KINDS[of.kind]):
            run = _Missing("unreadable", f"{folder / of.folder}: holds a run of another kind")
        if isinstance(run, Run) and (fault := belonging.fault(of, run)) is not None:
            run = _Missing("unreadable", fault)
        if isinstance(run, _Missing):
            absent.append(Absent(of, *run))
        else:
            found[of.kind].append(Finished(of, run))
    return Runs(found["evaluation"], found["training"], found["probe"], absent)


def by_place(
    runs: Sequence[Finished[_AnyRun]],
) -> dict[tuple[str, str, str | None], list[Finished[_AnyRun]]]:
    """Return runs by model, condition and test, those of each in order of their seeds."""
    found: dict[tuple[str, str, str | None], list[Finished[_AnyRun]]] = {}
    for one in sorted(runs, key=lambda one: -1 if one.of.seed is None else one.of.seed):
        found.setdefault((one.of.model, one.of.condition, one.of.test), []).append(one)
    return found


def _read(folder: Path) -> Run | _Missing:
    """Return the run of a folder, or why there is none."""
    try:
        status = Status.read(folder)
        if status.state != "done":
            return _Missing(status.state, status.reason or "")
        return _probing(folder) if (folder / layout.PROBES).is_file() else _scored(read_run(folder))
    except (NinefoldError, OSError) as error:
        return _Missing("unreadable", str(error))


def _scored(run: Run) -> Run:
    """Return a run whose metrics are those of its score table, of which one column is read.

    Raises:
        RunError: If they are not, because one of the two was edited.
    """
    if isinstance(run, Evaluation):
        correct = read_scores(run.folder, ("correct",))["correct"]
        right, told = int(correct.sum()), run.metrics["accuracy"] * run.metrics["n"]
        if len(correct) != run.metrics["n"] or abs(right - told) > 0.5:
            raise RunError(
                f"{run.folder}: {layout.METRICS} has an accuracy of {run.metrics['accuracy']}, {layout.SCORES} "
                f"{right} right of {len(correct)}; one was edited: make both again with `ninefold score {run.folder}`"
            )
    return run


def _probing(folder: Path) -> Probing:
    metrics = ProbeMetrics.load(folder / layout.METRICS).to_json()
    table = pd.DataFrame(read_probes(folder), columns=list(COLUMNS))
    return Probing(folder, read_spec(folder), metrics, Provenance.read(folder).to_json(), None, table)
