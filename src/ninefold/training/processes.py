"""The processes of a training run: those started by ``accelerate launch``, or this one alone."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from accelerate import PartialState

from ninefold import console
from ninefold.models.compute.prefetch import Workers, batch_per_core, core_count, torch_threads
from ninefold.training.memory import MemoryPlan
from ninefold.training.settings import cpu_forced


def processes() -> PartialState:
    """Return this process among all of the training; they run on GPUs if there are any."""
    return PartialState(cpu=cpu_forced() or not torch.cuda.is_available())


def say(message: str) -> None:
    """Inform the user about progress, once for all processes."""
    if processes().is_main_process:
        console.say(message)


def milestone(message: str) -> None:
    """Inform the user about a part of long work, once for all processes; always shown."""
    if processes().is_main_process:
        console.milestone(message)


def warn(message: str) -> None:
    """Warn the user about something that differs from the plan, once for all processes."""
    if processes().is_main_process:
        console.warn(message)


def tracked(description: str, total: int) -> Callable[[Iterable[Any]], Iterable[Any]]:
    """Return a function that shows a progress bar over its items, once for all processes."""
    shown = processes().is_main_process
    return partial(console.track, description=description, total=total, shown=shown, transient=True)


@contextmanager
def shared_cores(network: Any, plan: MemoryPlan) -> Iterator[Workers | None]:
    """Share the cores of a CPU: in a single process among the workers that are yielded, else among all processes.

    Torch's own threads wait for each other at every operation, which takes many times longer while other programs run.
    """
    state, cores = processes(), core_count()
    if state.device.type != "cpu":
        yield None
    elif state.num_processes > 1:
        with torch_threads(max(1, cores // int(os.environ.get("LOCAL_WORLD_SIZE", state.num_processes)))):
            yield None
    else:
        count = min(plan.concurrent, cores)
        own = 1 if batch_per_core(network) else cores // count
        # The optimizer's own results must not depend on the number of cores either.
        with Workers(count, cores=own) as workers, torch_threads(own):
            yield workers
