"""The places where tasks are carried out: this process, or several worker processes on this machine."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Protocol

from ninefold import plugins
from ninefold.errors import NinefoldError
from ninefold.models.compute.device import share_gpu
from ninefold.models.resident import Resident
from ninefold.studies.perform import Outcome, attempt
from ninefold.studies.tasks import Task

LIVES = 2
"""Number of times that a task may lose its worker, which something killed, before it counts as failed."""

SECONDS = 10
"""Seconds in which a worker that is stopped must end, before it is killed."""

LOST = "its process was killed, perhaps because memory ran out; run fewer at once (--jobs)"
"""Reason of a task that lost its worker too often."""


_GPU_FILES = Path("/dev")
"""Folder in which Linux has a file for each GPU."""


class Place(Protocol):
    """A place where tasks are carried out."""

    @property
    def free(self) -> bool:
        """Whether another task can begin now."""
        ...

    def begin(self, task: Task) -> None:
        """Begin a task; only if there is room."""
        ...

    def ended(self) -> Sequence[tuple[Task, Outcome]]:
        """Wait until at least one task has ended, and return those that have."""
        ...

    def close(self) -> None:
        """Stop everything that still runs."""
        ...


class Here:
    """This process, which carries out one task at a time."""

    def __init__(self) -> None:
        self._task: Task | None = None
        self._resident = Resident()

    @property
    def free(self) -> bool:
        """Whether another task can begin now."""
        return self._task is None

    def begin(self, task: Task) -> None:
        """Take a task, which is carried out when its end is waited for."""
        self._task = task

    def ended(self) -> Sequence[tuple[Task, Outcome]]:
        """Carry out the task."""
        assert self._task is not None
        task, self._task = self._task, None
        return [(task, attempt(task, self._resident))]

    def close(self) -> None:
        """Release the open model."""
        self._resident.release()


@dataclass
class _Worker:
    """A worker process."""

    process: BaseProcess
    connection: Connection
    task: Task | None = None
    last: Task | None = None


class Workers:
    """Worker processes on this machine that share its cores, its memory and its GPUs.

    Each has its share of the cores for itself, and a GPU that it may share with others. A task goes to a worker that
    has its model open, if there is one. A worker that is killed is replaced, and its task begun again.
    """

    def __init__(self, count: int, logs: Path) -> None:
        """Start the workers.

        Args:
            count: Their number.
            logs: Folder for what each of them prints.
        """
        self._count, self._logs = count, logs
        self._lost: dict[str, int] = {}
        logs.mkdir(parents=True, exist_ok=True)
        self._workers = [self._start(slot) for slot in range(count)]

    @property
    def free(self) -> bool:
        """Whether a worker has nothing to do."""
        return any(worker.task is None for worker in self._workers)

    def begin(self, task: Task) -> None:
        """Give a task to a free worker."""
        idle = [worker for worker in self._workers if worker.task is None]
        knows = [worker for worker in idle if worker.last is not None and worker.last.model == task.model]
        worker = (knows or idle)[0]
        worker.task = worker.last = task
        with suppress(OSError):  # It has just died: its end is seen next.
            worker.connection.send(task)

    def ended(self) -> Sequence[tuple[Task, Outcome]]:
        """Wait until at least one task has ended, and return those that have."""
        found: list[tuple[Task, Outcome]] = []
        while not found:
            busy = {worker.connection: slot for slot, worker in enumerate(self._workers) if worker.task is not None}
            for connection in wait(list(busy)):
                slot = busy[connection]  # type: ignore[index]
                worker = self._workers[slot]
                assert worker.task is not None
                try:
                    outcome = worker.connection.recv()
                except (EOFError, OSError):
                    found += self._replaced(slot)
                    continue
                found.append((worker.task, outcome))
                worker.task = None
        return found

    def close(self) -> None:
        """Stop all workers: one with nothing to do ends by itself when its connection is closed."""
        for worker in self._workers:
            worker.connection.close()
            if worker.task is not None:
                worker.process.terminate()
        for worker in self._workers:
            worker.process.join(SECONDS)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()

    def _replaced(self, slot: int) -> Iterator[tuple[Task, Outcome]]:
        """Replace a dead worker; its task begins again, or is yielded as failed."""
        task = self._workers[slot].task
        assert task is not None
        self._workers[slot].process.join()
        self._workers[slot] = self._start(slot)
        self._lost[task.key] = self._lost.get(task.key, 0) + 1
        if self._lost[task.key] > LIVES:
            yield task, Outcome(LOST)
        else:
            self.begin(task)

    def _start(self, slot: int) -> _Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        arguments = (theirs, slot, self._count, self._logs / f"worker-{slot}.log", tuple(plugins.LOADED))
        process = context.Process(target=_serve, args=arguments, name=f"ninefold-worker-{slot}")
        with _few_threads(max(1, _cores() // self._count)):
            process.start()
        theirs.close()
        return _Worker(process, ours)


def _serve(connection: Connection, slot: int, count: int, log: Path, files: Sequence[Path | str]) -> None:
    """Carry out the tasks that come through a connection until it is closed, or the process that began it has died."""
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, _interrupt)
    share_gpu(_share(slot, count))
    with log.open("a", buffering=1, encoding="utf-8") as file:
        sys.stdout = sys.stderr = file
        threading.Thread(target=_end_with_parent, daemon=True).start()
        missing = _import(files)
        resident = Resident()
        with suppress(EOFError, OSError, KeyboardInterrupt):
            while True:
                task: Task = connection.recv()
                print(task.name, flush=True)
                connection.send(missing or attempt(task, resident, progress=False))


def _interrupt(*_: object) -> None:
    """End the task of this worker as interrupted; Ctrl-C on a terminal is followed by the study's own signal."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def _import(files: Sequence[Path | str]) -> Outcome | None:
    """Import plugins, and return the outcome of every task if one cannot be imported."""
    try:
        for plugin in files:
            plugins.load(plugin)
    except NinefoldError as error:
        return Outcome(str(error))
    return None


def _end_with_parent() -> None:
    """End this process once its parent has died, so that a study begun again finds no run locked."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


def _share(slot: int, count: int) -> int:
    """Take this worker's share of the machine, some cores and a GPU; return how many workers use that GPU."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else []
    if len(cores) >= count:
        each = len(cores) // count
        os.sched_setaffinity(0, cores[slot * each : (slot + 1) * each])
    shown = os.environ.get("CUDA_VISIBLE_DEVICES")
    gpus = shown.split(",") if shown is not None else [path.name[6:] for path in _GPU_FILES.glob("nvidia[0-9]*")]
    if len(gpus) > 1:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpus[slot % len(gpus)]
    return len(range(slot % max(len(gpus), 1), count, max(len(gpus), 1)))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _few_threads(count: int) -> Iterator[None]:
    """Let processes that are started in the block use this many threads, unless the user has set a number."""
    name = "OMP_NUM_THREADS"
    given = os.environ.get(name)
    os.environ.setdefault(name, str(count))
    try:
        yield
    finally:
        if given is None:
            del os.environ[name]
