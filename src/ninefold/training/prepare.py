"""What a training run is given: its processes, its examples, and their pictures or features."""

import os
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import torch
from accelerate import PartialState
from rich.console import Console
from rich.progress import track

from ninefold.data.format.dataset import Dataset
from ninefold.errors import ModelError
from ninefold.models import saying
from ninefold.models.protocol import Trainable
from ninefold.models.vision_features.features import Featured, featured
from ninefold.training.dataset import Answers, Learner
from ninefold.training.spec import TrainSpec
from ninefold.types import Example


def processes() -> PartialState:
    """Return this process among those that `accelerate launch` started, or alone; on GPUs where there are any."""
    forced = os.environ.get("ACCELERATE_USE_CPU", "false").lower() in ("1", "true")
    return PartialState(cpu=forced or not torch.cuda.is_available())


def say(words: str) -> None:
    """Tell the user, once however many processes there are."""
    if processes().is_main_process:
        saying.say(words)


def prepare(spec: TrainSpec, model: Trainable, begun_with: bool | None) -> list[Answers]:
    """Return what is learned and what is checked, their pictures prepared.

    Args:
        spec: Names the data.
        model: What is trained, ready for it.
        begun_with: Whether the run was begun with features; ``None`` where it begins now.
    """
    splits = (spec.train_split, spec.validation_split)
    found = [
        [example for folder in spec.data for example in Dataset.open(folder).read(split, limit=spec.limit)]
        for split in splits
    ]
    learner = _learner(spec, model, [example for examples in found for example in examples], begun_with)
    if isinstance(learner, Featured):
        for split, examples in zip(splits, found, strict=True):
            learner.prepare(examples, _watched(f"features of {split}", len({example.image for example in examples})))
    return [
        Answers(examples, learner, watched=_watched(f"pictures of {split}", len(examples)))
        for split, examples in zip(splits, found, strict=True)
    ]


def _learner(spec: TrainSpec, model: Trainable, examples: list[Example], begun_with: bool | None) -> Learner:
    """Return the model, given features where they can be used and are wanted."""
    # With vision in the scope they are not tried: that would take a forward pass to find what is known.
    hopeless = spec.lora_scope != "language" and spec.targets is None
    if spec.features == "off" or begun_with is False or (spec.features == "auto" and hopeless):
        return model
    try:
        # Several processes have to go through a network's own forward, which takes no features of a dual encoder.
        if model.family.kind == "dual" and processes().num_processes > 1:
            raise ModelError(f"{model.name}: takes features in a single process only")
        return featured(model, examples, folder=spec.features_folder)
    except ModelError as error:
        if spec.features == "on" or begun_with:
            raise
        say(f"pixels rather than features: {error}")
    return model


def _watched(what: str, total: int) -> Callable[[Iterable[Any]], Iterable[Any]]:
    console = Console(stderr=True)
    hidden = not (console.is_terminal and processes().is_main_process)
    return partial(track, description=what, total=total, console=console, transient=True, disable=hidden)
