"""Records of a probe run: its specification, its metrics, and the table ``probes.csv``."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self, TypedDict

from ninefold import store
from ninefold.errors import RunError
from ninefold.runs import layout
from ninefold.runs.found import PROBE, instead
from ninefold.runs.record import Record
from ninefold.runs.records import EvaluatedData

CLASSIFIER = "linear support-vector machines, one against one, C = 1, states neither centered nor scaled"
"""The classifier of every probe (Rizzoli et al. 2025, section 5.B)."""

STATES = "float16, each state with a power of two as its scale"
"""The precision in which states are stored and probed (see `ninefold.evaluation.probing.states`)."""

COLUMNS = ("layer", "fold", "accuracy")
"""Columns of ``probes.csv``."""


@dataclass(frozen=True)
class ProbingSpec(Record):
    """Everything that changes the outcome of layer-wise probes: ``spec.json``."""

    kind: ClassVar[str] = "probe"

    model: Mapping[str, Any]
    """Identity of the model (see `ninefold.models.identity`)."""
    data: EvaluatedData
    """The examples; their answers are the classes."""
    folds: int
    """Number of folds."""
    seed: int
    """Seed of the assignment of examples to folds."""
    classifier: str = CLASSIFIER
    """The classifier."""
    states: str = STATES
    """Precision of the states."""

    def to_json(self) -> dict[str, Any]:
        """Return the record in JSON types."""
        return {"kind": self.kind, **super().to_json()}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Self:
        """Return the record from a JSON object."""
        return super().from_json({**found, "data": EvaluatedData.from_json(found["data"])})


class LayerAccuracy(TypedDict):
    """The accuracy of the probes of one layer."""

    layer: int
    """Number of the layer, from 1; the last one is after the final norm."""
    accuracy: float
    """Mean over the folds."""
    sd: float
    """Standard deviation over the folds, that of a population, as in the authors' code."""


@dataclass(frozen=True, kw_only=True)
class ProbeMetrics(Record):
    """Metrics of layer-wise probes: ``metrics.json``. Accuracies are fractions."""

    n: int
    """Number of examples."""
    folds: int
    """Number of folds."""
    stratified: str
    """How examples are assigned to folds, in words."""
    most_frequent: float
    """Fraction of the most frequent answer, which a probe that knows nothing can reach."""
    by_layer: Sequence[LayerAccuracy]
    """Accuracy of each layer, in order."""


class Probed(NamedTuple):
    """The accuracy of one probe: a row of ``probes.csv``."""

    layer: int
    """Number of the layer, from 1; the last one is after the final norm."""
    fold: int
    """Number of the fold that it is tested on, from 1."""
    accuracy: float
    """Right predictions among the examples of that fold."""


def write_probes(run: Path, probed: Sequence[Probed]) -> None:
    """Write ``probes.csv``."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([COLUMNS, *probed])
    store.write_text(run / layout.PROBES, text.getvalue())


def read_probes(run: Path) -> list[Probed]:
    """Return the rows of a run's ``probes.csv``: all folds of the first layer, then those of the next.

    Raises:
        RunError: If there is none, or it is not as ninefold wrote it.
    """
    path = run / layout.PROBES
    if not path.is_file():
        raise RunError(instead(run, PROBE, "name a folder that `ninefold probe` wrote"))
    try:
        header, *rows = csv.reader(path.read_text(encoding="utf-8").splitlines())
        probed = [Probed(int(layer), int(fold), float(accuracy)) for layer, fold, accuracy in rows]
    except (ValueError, csv.Error) as error:
        raise RunError(f"{path}: {_REMEDY}") from error
    folds = max((row.fold for row in probed), default=1)
    expected = [(at // folds + 1, at % folds + 1) for at in range(len(probed))]
    right = [isfinite(row.accuracy) and 0 <= row.accuracy <= 1 for row in probed]
    if tuple(header) != COLUMNS or [row[:2] for row in probed] != expected or not all(right):
        raise RunError(f"{path}: {_REMEDY}")
    return probed


_REMEDY = "is not what ninefold writes; remove it and repeat the `ninefold probe` command of this run"
