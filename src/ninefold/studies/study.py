"""A study: frozen descriptions of data sets, evaluations, trainings and pages, in order."""

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
    """Settings of the images."""


@dataclass(frozen=True)
class DataSet:
    """A data set to make."""

    folder: Path
    """Folder to write."""
    spec: Any
    """Specification of its source."""


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
    """Model and questions."""


@dataclass(frozen=True)
class Training:
    """A training run."""

    folder: Path
    """Run folder."""
    spec: TrainSpec
    """Model, data sets and settings."""


@dataclass(frozen=True)
class Page:
    """A report of the finished runs among its runs; it lists the others as still to come."""

    path: Path
    """HTML file to write."""
    runs: tuple[Path, ...]
    """Run folders."""


Task = Images | DataSet | Verification | Evaluation | Training | Page
"""One task of a study."""


@dataclass(frozen=True)
class Step:
    """Tasks under one name, with one total time."""

    name: str
    """Description in a few words."""
    tasks: tuple[Task, ...]
    """Tasks, in order."""
