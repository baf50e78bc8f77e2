"""A study: data sets, evaluations, trainings and pages as frozen descriptions, in the order they are made."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ninefold.evaluation.spec import EvaluateSpec
from ninefold.nano.spec import WorldSpec
from ninefold.training.spec import TrainSpec


@dataclass(frozen=True)
class Images:
    """Photo-like images of the nano world."""

    folder: Path
    """Folder to write."""
    spec: WorldSpec
    """What to draw."""


@dataclass(frozen=True)
class DataSet:
    """A data set to make."""

    folder: Path
    """Folder to write."""
    spec: Any
    """What it is made from: the specification of a source."""


@dataclass(frozen=True)
class Verification:
    """A data set to check against its certificate."""

    folder: Path
    """The data set."""


@dataclass(frozen=True)
class Evaluation:
    """An evaluation run."""

    folder: Path
    """Run folder."""
    spec: EvaluateSpec
    """The model and the questions."""


@dataclass(frozen=True)
class Training:
    """A training run."""

    folder: Path
    """Run folder."""
    spec: TrainSpec
    """The model, the data sets and the settings."""


@dataclass(frozen=True)
class Page:
    """A report, written from those of its runs that are done; it names the others as still to come."""

    path: Path
    """HTML file to write."""
    runs: tuple[Path, ...]
    """Run folders."""


Task = Images | DataSet | Verification | Evaluation | Training | Page
"""One piece of work of a study."""


@dataclass(frozen=True)
class Step:
    """Tasks under one name, whose time is kept together."""

    name: str
    """What they do, in a few words."""
    tasks: tuple[Task, ...]
    """In order."""
