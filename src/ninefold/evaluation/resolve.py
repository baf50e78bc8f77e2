"""The resolver of evaluations: everything that changes the outcome, known before the model is opened.

No heavy imports here: a finished run is found in a fraction of a second.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ninefold.data.format.dataset import TEST, Dataset
from ninefold.errors import ModelError
from ninefold.evaluation.benchmark import benchmark_of
from ninefold.evaluation.orders import AllOrders
from ninefold.evaluation.spec import EvaluateSpec
from ninefold.models import identity
from ninefold.models.families import find
from ninefold.models.protocol import Model
from ninefold.models.spec import ModelSpec
from ninefold.runs import layout, lineage
from ninefold.runs.outcome import run_id
from ninefold.runs.records import SPREAD, EvaluatedData, EvaluationSpec

CHUNK = 256
"""Number of examples that are asked and saved together, or nearly so."""


@dataclass(frozen=True)
class Questions:
    """The examples that an evaluation asks."""

    data: Dataset
    """The data set."""
    split: str
    """Name of the split."""
    limit: int | None
    """Number of examples of the data set, spread evenly over the answers; None for all."""
    orders: AllOrders | None = None
    """The orders in which each of them is asked; None for that of its prompt."""

    @classmethod
    def of(cls, spec: EvaluateSpec) -> "Questions":
        """Return the examples that a specification names.

        Raises:
            DataError: If the data set, or the split, cannot be used, or not in all orders.
        """
        data = Dataset.open(spec.folder)
        split = data.choose_split(spec.split)
        # A limit beyond the end is the same as no limit, and the same run.
        limited = spec.limit is not None and spec.limit < data.splits[split]
        orders = AllOrders.of(data) if spec.orders == "all" else None
        return cls(data, split, spec.limit if limited else None, orders)

    @property
    def total(self) -> int:
        """Number of examples to ask: one per row and order."""
        return (self.limit or self.data.splits[self.split]) * (1 if self.orders is None else len(self.orders.options))

    @property
    def chunk(self) -> int:
        """Number of examples to ask and save together: all orders of a question are, because they share its image."""
        orders = 1 if self.orders is None else len(self.orders.options)
        return max(1, CHUNK // orders) * orders

    @property
    def record(self) -> EvaluatedData:
        """Their record in the run's ``spec.json``."""
        data = self.data
        benchmark = benchmark_of(data) if self.split == TEST else None
        return EvaluatedData(
            data.name if benchmark is None else benchmark["name"],
            self.split,
            data.fingerprint(self.split),
            self.limit,
            data.clustering if self.orders is None else "group",
            data.labels,
            rows=None if self.limit is None else SPREAD,
            benchmark=benchmark,
        )


def inputs_of(spec: EvaluateSpec) -> list[Path]:
    """Return the files and folders that an evaluation reads."""
    named = (spec.data, spec.benchmark_dir, spec.model.name, spec.model.adapter, spec.parent)
    paths = [Path(name) for name in named if name is not None]
    # A name of a model, or a URL, is no path.
    return [path for path in paths if path.exists()]


def resolve(
    spec: EvaluateSpec, model: Model | None = None, questions: Questions | None = None
) -> EvaluationSpec | None:
    """Return everything that changes the outcome of an evaluation.

    Args:
        spec: The model, the data set and how answers are scored.
        model: The model that ``spec`` names, if it is already open.
        questions: The examples that it names, if already known.

    Returns:
        The content of the run's ``spec.json``; its hash is the run's id. None if the model's identity is known only
        after opening it (see `ninefold.models.identity.resolve`).

    Raises:
        DataError: If the data set, or the split, cannot be used.
        ModelError: If there is no such model or adapter.
    """
    questions = questions or Questions.of(spec)
    found = identity.resolve(spec.model) if model is None else {"name": model.name, **model.identity}
    if found is None:
        return None
    orders = questions.orders
    return EvaluationSpec(
        found,
        questions.record,
        spec.scoring,
        spec.max_new_tokens,
        orders=None if orders is None else "all",
        relabeling=None if orders is None else orders.relabeling,
    )


def resolve_id(spec: EvaluateSpec) -> str | None:
    """Return the id of an evaluation's run; None if it is known only after opening the model (see `resolve`)."""
    found = resolve(spec)
    return None if found is None else run_id(found.to_json())


def resolve_lineage(spec: EvaluateSpec) -> Mapping[str, Any]:
    """Return the lineage of a tuned model: its training run and the identity of its parent; None if unknown.

    The parent of an adapter is its base, which ``spec.json`` already holds.

    Raises:
        ModelError: If the named parent is not a model or a run, or the model has an adapter, whose base is known.
    """
    model = spec.model
    if model.adapter is not None:
        if spec.parent is not None:
            raise ModelError(f"--parent {spec.parent}: the parent of an adapter is the model it is on; leave it out")
        return _lineage(model.adapter, None)
    # Registered models, served ones and those on the hub are not folders made by `ninefold train`.
    made = Path(find(model.name).path) if Path(model.name).exists() else None
    if spec.parent is not None:
        return _lineage(made, _named(spec.parent, model))
    return _lineage(made, None if made is None else lineage.base_of(made))


def _named(parent: str, model: ModelSpec) -> lineage.Identity:
    """Return the identity of a parent, given as a run of it or as a model."""
    if (Path(parent) / layout.SPEC).is_file():
        return lineage.identity_in(Path(parent))
    found = identity.resolve(replace(model, name=parent))
    if found is None:
        raise ModelError(f"--parent {parent}: not known before it is opened; evaluate it, and name the run of that")
    return found


def _lineage(made: Path | None, parent: lineage.Identity | None) -> Mapping[str, Any]:
    run = None if made is None else lineage.training_run(made.resolve())
    return {"parent": parent, "training": None if run is None else str(run)}
