"""The performer of one task: what a study's process, one of its workers, or a machine of a cluster does."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, cast

from ninefold.captions.spec import CaptionsSpec
from ninefold.data.make import is_newer, make_once
from ninefold.data.sources.catalog import source_of
from ninefold.data.sources.protocol import files_below
from ninefold.errors import NinefoldError, RunError, first_line, is_full, system_error
from ninefold.evaluation.evaluate import evaluate
from ninefold.evaluation.probing.spec import ProbeSpec
from ninefold.evaluation.spec import EvaluateSpec
from ninefold.models.registry import FITTED
from ninefold.models.resident import Resident
from ninefold.nano import photos
from ninefold.nano.spec import WorldSpec
from ninefold.runs import layout
from ninefold.runs.records import Status
from ninefold.studies.plan import files_of
from ninefold.studies.tasks import Task
from ninefold.training.begin import begin
from ninefold.training.spec import TrainSpec

if TYPE_CHECKING:
    from ninefold.models.protocol import Model, Trainable


@dataclass(frozen=True)
class Outcome:
    """What came of a task."""

    reason: str | None = None
    """Why it failed, in one line; None if it is done."""
    fatal: bool = False
    """Whether every other task would fail too: the disk is full."""


def perform(task: Task, resident: Resident, *, progress: bool = True) -> None:
    """Carry out a task; one that is done is found so, and one that was interrupted goes on.

    Args:
        task: The task.
        resident: The open model, which stays open for the next task.
        progress: Whether to show progress bars.

    Raises:
        NinefoldError: If it cannot be carried out.
    """
    folder = task.folder
    match task.work:
        case WorldSpec() as spec:
            photos.make(spec, folder, progress=progress)
        case TrainSpec() as spec:
            with _model(task, resident) as model:
                begin(spec, folder, model=cast("Trainable | None", model))
        case EvaluateSpec() as spec:
            with _model(task, resident) as model:
                evaluate(spec, folder, model=model, progress=progress)
        case ProbeSpec() as spec:
            from ninefold.evaluation.probing.probe import probe

            with _model(task, resident) as model:
                probe(spec, folder, model=model, progress=progress)
        case CaptionsSpec() as spec:
            if not is_newer(folder, chain(files_of(spec), files_below(spec.captions.images))):
                from ninefold.captions.run import run

                run(spec, folder, progress=progress)
        case spec:
            make_once(source_of(spec), folder, progress=progress)


def _model(task: Task, resident: Resident) -> "AbstractContextManager[Model | None]":
    """Return a context with the open model of a run; None if it is done, or trained by a fit function of its own."""
    fits_itself = task.kind == "training" and task.work.model.name in FITTED
    return nullcontext() if is_done(task) or fits_itself else resident.model(task.work.model)


def attempt(task: Task, resident: Resident, *, progress: bool = True) -> Outcome:
    """Carry out a task, and return what came of it; an error of any kind is a reason, so that others go on."""
    try:
        perform(task, resident, progress=progress)
    except Exception as error:
        if is_full(error):
            return Outcome(system_error(error), fatal=True)
        if isinstance(error, NinefoldError):
            return Outcome(str(error))
        return Outcome(system_error(error) or f"unexpected {type(error).__name__}: {first_line(error)}")
    return Outcome()


def is_done(task: Task) -> bool:
    """Whether the folder of a task says that it is finished; carrying it out checks that it is this very task's."""
    if task.is_data:
        return (task.folder / ("annotations.json" if task.kind == "images" else "manifest.json")).exists()
    try:
        return (task.folder / layout.SPEC).exists() and Status.read(task.folder).state == "done"
    except RunError:
        return False  # Carrying it out tells what is wrong.
