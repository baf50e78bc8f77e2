"""Resolving an evaluation: all that changes its outcome, known before its model is opened.

Nothing heavy is imported here, so that a finished run is found in a fraction of a second.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ninefold.data.format.dataset import Dataset
from ninefold.errors import DataError, ModelError
from ninefold.evaluation.spec import EvaluateSpec
from ninefold.models import identity
from ninefold.models.families import find
from ninefold.models.protocol import Model
from ninefold.models.spec import ModelSpec
from ninefold.runs import layout, lineage
from ninefold.runs.folder import run_id
from ninefold.runs.records import EvaluatedData, EvaluationSpec


@dataclass(frozen=True)
class Questions:
    """The examples that an evaluation asks."""

    data: Dataset
    """Their data set."""
    split: str
    """Their split."""
    limit: int | None
    """Only the first so many; None where all of them are asked."""

    @classmethod
    def of(cls, spec: EvaluateSpec) -> "Questions":
        """Return the examples that a specification names.

        Raises:
            DataError: If the data set, or the split, cannot be used.
        """
        data = Dataset.open(spec.data)
        split = data.choose_split(spec.split)
        if spec.limit is not None and spec.limit < 1:
            raise DataError(f"--limit {spec.limit}: at least one example must be asked")
        # A limit past the end limits nothing, and is the same run as none.
        limited = spec.limit is not None and spec.limit < data.splits[split]
        return cls(data, split, spec.limit if limited else None)

    @property
    def total(self) -> int:
        """How many there are."""
        return self.limit or self.data.splits[self.split]

    @property
    def record(self) -> EvaluatedData:
        """What the run's ``spec.json`` says of them."""
        data = self.data
        return EvaluatedData(
            data.name, self.split, data.fingerprint(self.split), self.limit, data.clustering, data.labels
        )


def resolve(
    spec: EvaluateSpec, model: Model | None = None, questions: Questions | None = None
) -> EvaluationSpec | None:
    """Return all of an evaluation that changes its outcome.

    Args:
        spec: What to evaluate.
        model: The model that ``spec`` names, where it is open already.
        questions: The examples that it names, where they are known already.

    Returns:
        What ``spec.json`` of the run holds; its hash is the run's id. None where only the opened model tells what it is
        (see `ninefold.models.identity.resolve`).

    Raises:
        DataError: If the data set, or the split, cannot be used.
        ModelError: If there is no such model or adapter.
    """
    questions = questions or Questions.of(spec)
    found = identity.resolve(spec.model) if model is None else {"name": model.name, **model.identity}
    if found is None:
        return None
    return EvaluationSpec(found, questions.record, spec.scoring, spec.max_new_tokens)


def resolve_id(spec: EvaluateSpec) -> str | None:
    """Return the id of an evaluation's run; None where only the opened model tells (see `resolve`)."""
    found = resolve(spec)
    return None if found is None else run_id(found.to_json())


def resolve_lineage(spec: EvaluateSpec) -> Mapping[str, Any]:
    """Return what a tuned model comes from: its training run, and the identity of its parent; None where not known.

    Of an adapter the parent is the base it is on, which ``spec.json`` has already.

    Raises:
        ModelError: If the parent that is named is no model or run, or the model has an adapter, whose base is known.
    """
    model = spec.model
    if model.adapter is not None:
        if spec.parent is not None:
            raise ModelError(f"--parent {spec.parent}: the parent of an adapter is the model it is on; leave it out")
        return _told(model.adapter, None)
    # A registered model, a server's and one on the hub are no folders, and neither is made by `ninefold train`.
    made = Path(find(model.name).path) if Path(model.name).exists() else None
    if spec.parent is not None:
        return _told(made, _named(spec.parent, model))
    return _told(made, None if made is None else lineage.base_of(made))


def _named(parent: str, model: ModelSpec) -> lineage.Identity:
    """Return the identity of a parent that is named by a run of it, or as a model."""
    if (Path(parent) / layout.SPEC).is_file():
        return lineage.identity_in(Path(parent))
    found = identity.resolve(replace(model, name=parent))
    if found is None:
        raise ModelError(f"--parent {parent}: not known before it is opened; evaluate it, and name the run of that")
    return found


def _told(made: Path | None, parent: lineage.Identity | None) -> Mapping[str, Any]:
    run = None if made is None else lineage.training_run(made.resolve())
    return {"parent": parent, "training": None if run is None else str(run)}
