"""The runner of studies: carries out what is not done yet, goes on past failures, and lists them at the end."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path

from ninefold import console, store
from ninefold.errors import RunError
from ninefold.runs.lock import held
from ninefold.runs.study import STUDY, StudyRecord
from ninefold.studies import folder, leaks
from ninefold.studies.check import check
from ninefold.studies.description import Study
from ninefold.studies.interruption import noted
from ninefold.studies.perform import is_done
from ninefold.studies.plan import Plan, plan
from ninefold.studies.tasks import Task
from ninefold.studies.workers import Here, Place, Workers
from ninefold.training.mixture import training_size
from ninefold.training.spec import TrainSpec


@dataclass(frozen=True)
class Failure:
    """A task that failed."""

    name: str
    """What it does, in words."""
    reason: str
    """Why it failed, in one line."""


@dataclass
class Result:
    """What came of a study."""

    done: list[Task] = field(default_factory=list)
    """Tasks that are finished."""
    failed: dict[str, Failure] = field(default_factory=dict)
    """Tasks that failed, or need one that did, by key."""

    @property
    def total(self) -> int:
        """Number of tasks."""
        return len(self.done) + len(self.failed)


def run(
    study: Study,
    out: Path,
    *,
    jobs: int = 1,
    cluster: str | None = None,
    on_end: Callable[[Task], None] = lambda task: None,
) -> Result:
    """Carry out a study in a folder; after any interruption the same call goes on.

    The data sets come first; a training set that shares images or scenes with a test is refused before anything is
    trained. Then models are trained, evaluated and probed, each as soon as what it needs is there.

    Args:
        study: The study.
        out: The folder.
        jobs: Number of tasks carried out side by side on this machine.
        cluster: Address of a Ray cluster whose machines carry them out instead, or "auto" for this machine's.
        on_end: A function that is called when a task has ended well.

    Returns:
        What is done, and what failed for which reason.

    Raises:
        RunError: If the study has faults, which are all named; if the folder holds something else, or another process
            works on it; or if the disk is full.
        DataError: If a training set overlaps a test.
    """
    _check_place(jobs, cluster)
    check(study)
    out = out.resolve()
    with _working(out, study):
        planned = plan(study, out)
        _record(out, _with_known_sizes(planned.record, out))
        opened = _place(jobs, cluster, out)
        try:
            result = Result()
            _carry_out([task for task in planned.tasks if task.is_data], planned, opened, result, on_end)
            found = leaks.of(planned)
            _record(out, leaks.recorded(_with_sizes(planned, result), planned, found))
            if study.overlap == "refuse":
                leaks.refuse(found)
            _carry_out([task for task in planned.tasks if not task.is_data], planned, opened, result, on_end)
        finally:
            opened.close()
    return result


def _check_place(jobs: int, cluster: str | None) -> None:
    if jobs < 1:
        raise RunError(f"--jobs {jobs}: must be at least 1")
    if cluster is not None and jobs != 1:
        raise RunError(f"--jobs {jobs}: a cluster decides how many run side by side; leave it out")


def _place(jobs: int, cluster: str | None, out: Path) -> Place:
    if cluster is None:
        return Here() if jobs == 1 else Workers(jobs, out / folder.LOGS)
    from ninefold.studies.cluster import Cluster

    return Cluster(cluster)


def _working(out: Path, study: Study) -> AbstractContextManager[None]:
    folder.begin(out, study.name)
    lock = out / folder.LOCK
    return held(lock, lambda: RunError(f"{out}: another process works on this study; wait until it has finished"))


def _carry_out(
    tasks: Sequence[Task], planned: Plan, place: Place, result: Result, on_end: Callable[[Task], None]
) -> None:
    """Carry out tasks in order, each as soon as what it needs is done."""
    done = {task.key for task in result.done}
    waiting = {task.key: task for task in tasks}
    running: set[str] = set()
    with noted() as check_interruption, console.progress(shown=not isinstance(place, Here)) as bar:
        # What was done before takes no time, and must not count for the speed.
        before = {task.key for task in tasks if is_done(task)}
        shown = bar.add_task(planned.study.name, total=len(tasks), completed=len(before))
        while waiting or running:
            check_interruption()
            for task in _ready(waiting, done):
                if not place.free:
                    break
                del waiting[task.key]
                if isinstance(place, Here) and not is_done(task):
                    console.milestone(f"{len(tasks) - len(waiting)} of {len(tasks)}: {task.name}")
                place.begin(task)
                running.add(task.key)
            _fail_dependents(waiting, planned, result)
            bar.update(shown, completed=len(tasks) - len((waiting.keys() | running) - before))
            if not running:
                continue
            for task, outcome in place.ended():
                running.discard(task.key)
                if outcome.reason is None:
                    done.add(task.key)
                    result.done.append(task)
                    on_end(task)
                    continue
                result.failed[task.key] = Failure(task.name, outcome.reason)
                console.warn(f"failed: {task.name}: {outcome.reason}")
                if outcome.fatal:
                    raise RunError(f"{task.folder}: {outcome.reason}")


def _ready(waiting: Mapping[str, Task], done: set[str]) -> Iterable[Task]:
    """Return the tasks whose needs are met, in order."""
    return [task for task in waiting.values() if all(key in done for key in task.needs)]


def _fail_dependents(waiting: dict[str, Task], planned: Plan, result: Result) -> None:
    """Count the tasks as failed that need a failed one."""
    for task in list(waiting.values()):
        missing = next((key for key in task.needs if key in result.failed), None)
        if missing is not None:
            del waiting[task.key]
            result.failed[task.key] = Failure(task.name, f"needs what failed: {planned.by_key[missing].name}")


def _record(out: Path, record: StudyRecord) -> None:
    """Write the study's record, unless it stands there already."""
    content = record.to_json()
    path = out / STUDY
    if not path.exists() or store.read_json(path) != content:
        store.write_json(path, content)


def _with_known_sizes(record: StudyRecord, out: Path) -> StudyRecord:
    """Return the record with the sizes of training sets, and leaks, of the same plan's record, if there is one."""
    if not (out / STUDY).exists():
        return record
    known = StudyRecord.read(out)
    sizes_left_out = tuple(replace(each, rows=None) for each in known.conditions)
    same = replace(known, conditions=sizes_left_out, leaks=None).to_json() == record.to_json()
    return known if same else record


def _with_sizes(planned: Plan, result: Result) -> StudyRecord:
    """Return the record with the real number of training examples of every condition."""
    made = {task.key for task in result.done}
    sizes: dict[str, int] = {}
    for task in planned.tasks:
        if isinstance(task.work, TrainSpec) and all(key in made for key in task.needs):
            sizes[task.folder.name] = training_size(task.work)
    rows = {run.condition: sizes.get(Path(run.folder).name) for run in planned.record.runs if run.kind == "training"}
    conditions = tuple(replace(each, rows=rows.get(each.name)) for each in planned.record.conditions)
    return replace(planned.record, conditions=conditions)
