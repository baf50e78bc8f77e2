"""A Ray cluster as the place where tasks are carried out: one Ray task for each, a GPU for each that computes.

The study folder is on storage that all machines see under one path. It is the state: a lost machine, or a driver that
is begun again, costs the work since the last checkpoint.
"""

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ninefold import plugins
from ninefold.cluster import Connection
from ninefold.console import milestone
from ninefold.errors import first_line
from ninefold.models.resident import Resident
from ninefold.studies.perform import Outcome, attempt
from ninefold.studies.tasks import Task

RETRIES = 3
"""Number of times that Ray begins a task again whose process or machine was lost."""

AHEAD = 2
"""Number of tasks given to Ray for each that it can carry out at once: the next one then waits for none."""

_resident = Resident()
"""The open model of this process. Ray ends a process that used a GPU after each task, one without goes on."""


class Cluster:
    """The machines of a Ray cluster."""

    def __init__(self, address: str) -> None:
        """Connect to a cluster.

        Args:
            address: Its address, or "auto" for the one that this machine belongs to.

        Raises:
            RunError: If ray is not installed, or there is no such cluster.
        """
        self._connection = Connection(address)
        self._ray = self._connection.ray
        self._gpus, self._cores = self._connection.resources("GPU"), self._connection.resources("CPU")
        self._running: dict[Any, Task] = {}
        self._remote = self._ray.remote(_carry_out)
        milestone(self._connection.words)

    @property
    def free(self) -> bool:
        """Whether another task is given to Ray now."""
        return len(self._running) < AHEAD * max(self._gpus or self._cores, 1)

    def begin(self, task: Task) -> None:
        """Give a task to Ray, which begins it where its resources are free."""
        gpus = 1 if self._gpus and not task.is_data else 0
        asked = self._remote.options(num_cpus=1, num_gpus=gpus, max_retries=RETRIES, name=task.name)
        self._running[asked.remote(tuple(plugins.LOADED), pickle.dumps(task))] = task

    def ended(self) -> Sequence[tuple[Task, Outcome]]:
        """Wait until at least one task has ended, and return those that have."""
        found = []
        ready, _ = self._ray.wait(list(self._running), num_returns=1)
        for reference in ready:
            try:
                outcome = self._ray.get(reference)
            except self._ray.exceptions.RayError as error:
                outcome = Outcome(f"lost with its process or machine, {RETRIES + 1} times ({first_line(error)})")
            found.append((self._running.pop(reference), outcome))
        return found

    def close(self) -> None:
        """Stop everything that still runs, and leave the cluster."""
        for reference in self._running:
            self._ray.cancel(reference, force=True)
        self._connection.close()


def _carry_out(files: Sequence[Path | str], task: bytes) -> Outcome:
    """Carry out a task on a machine of the cluster, after importing what defines its parts."""
    for plugin in files:
        plugins.load(plugin)
    return attempt(pickle.loads(task), _resident, progress=False)
