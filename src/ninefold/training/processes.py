"""The processes of a training run: those started by ``accelerate launch``, or this one alone."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import torch
from accelerate import PartialState

from ninefold import console
from ninefold.training.settings import cpu_forced


def processes() -> PartialState:
    """Return this process among all of the training; they run on GPUs if there are any."""
    return PartialState(cpu=cpu_forced() or not torch.cuda.is_available())


def say(message: str) -> None:
    """Inform the user about progress, once for all processes."""
    if processes().is_main_process:
        console.say(message)


def warn(message: str) -> None:
    """Warn the user about something that differs from the plan, once for all processes."""
    if processes().is_main_process:
        console.warn(message)


def tracked(description: str, total: int) -> Callable[[Iterable[Any]], Iterable[Any]]:
    """Return a function that shows a progress bar over its items, once for all processes."""
    shown = processes().is_main_process
    return partial(console.track, description=description, total=total, shown=shown, transient=True)
