"""The tasks of a study: images and data sets to make, models to train, to evaluate and to probe, each in one folder."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ninefold.evaluation.probing.spec import ProbeSpec
from ninefold.evaluation.spec import EvaluateSpec
from ninefold.models.spec import ModelSpec
from ninefold.nano.spec import WorldSpec
from ninefold.training.spec import TrainSpec

Work = Any
"""What a task does: the specification of images (`WorldSpec`), of a source, a training, an evaluation or a probe."""


@dataclass(frozen=True)
class Task:
    """One piece of work: what it writes is complete or absent, and is found again under the same key."""

    key: str
    """Hash of everything that changes the outcome."""
    name: str
    """What it does, in words."""
    folder: Path
    """Folder that it writes; its name ends with the key's first digits."""
    work: Work
    """What is done."""
    needs: tuple[str, ...] = ()
    """Keys of the tasks whose results it reads."""

    @property
    def model(self) -> ModelSpec | None:
        """Return the model without its adapter, by which tasks that share an open base are told; None for data."""
        spec: ModelSpec | None = getattr(self.work, "model", None)
        return None if spec is None else replace(spec, adapter=None)

    @property
    def is_data(self) -> bool:
        """Whether it makes images or a data set."""
        return self.model is None

    @property
    def kind(self) -> str:
        """Return the kind in one word."""
        match self.work:
            case WorldSpec():
                return "images"
            case TrainSpec():
                return "training"
            case EvaluateSpec():
                return "evaluation"
            case ProbeSpec():
                return "probe"
        return "data"
