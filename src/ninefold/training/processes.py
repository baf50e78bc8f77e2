"""The processes that train together: those that ``accelerate launch`` started, or this one alone."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import torch
from accelerate import PartialState

from ninefold import console
from ninefold.training.settings import cpu_forced


def processes() -> PartialState:
    """Return this process among all that train together; they run on GPUs where there are any."""
    return PartialState(cpu=cpu_forced() or not torch.cuda.is_available())


def say(message: str) -> None:
    """Tell the user what is going on, once for all processes."""
    if processes().is_main_process:
        console.say(message)


def warn(message: str) -> None:
    """Tell the user what differs from what was planned, once for all processes."""
    if processes().is_main_process:
        console.warn(message)


def tracked(description: str, total: int) -> Callable[[Iterable[Any]], Iterable[Any]]:
    """Return a function that shows a progress bar, once for all processes, while its items are taken."""
    shown = processes().is_main_process
    return partial(console.track, description=description, total=total, shown=shown, transient=True)
