"""Figures of a run, typed: ``metrics.json`` of an evaluation and of a training run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ninefold.runs.records import Record

SCORER_VERSION = 2
"""Changes whenever the same predictions would be scored otherwise; it is no part of a run's id."""


@dataclass(frozen=True, kw_only=True)
class EvaluationMetrics(Record):
    """Figures of an evaluation. Accuracies are fractions, and None where there is nothing to divide by."""

    OPTIONAL = frozenset({"by_region", "by_cell", "n_by_cell", "votes", "answer_by_cell"})

    scorer: int
    """Version of the scorer (see `SCORER_VERSION`)."""
    n: int
    """Examples."""
    accuracy: float
    """Right answers among all."""
    ci95: Sequence[float]
    """Ends of the accuracy's interval."""
    interval: str
    """How the interval is made, and which uncertainty it shows."""
    invalid: int
    """Answers without a label."""
    invalid_by_class: Mapping[str, int]
    """The same by reason."""
    valid_accuracy: float | None
    """Right answers among those with a label."""
    by_region: Mapping[str, Mapping[str, Any]] | None = None
    """``n``, ``accuracy`` and ``ci95`` by the region of the target; this and what follows where positions are known."""
    by_cell: Sequence[Sequence[float | None]] | None = None
    """Accuracy by cell, a list a row of the grid."""
    n_by_cell: Sequence[Sequence[int]] | None = None
    """Examples by cell."""
    votes: Sequence[Sequence[str | None]] | None = None
    """The most frequent label by cell."""
    answer_by_cell: Sequence[Sequence[str | None]] | None = None
    """The right answer by cell, where all its examples have the same."""
    confusion: Mapping[str, Mapping[str, int]]
    """For each right answer how often each label, or reason for none, was given."""


@dataclass(frozen=True, kw_only=True)
class TrainingMetrics(Record):
    """Figures of a training run."""

    best_epoch: int
    """The epoch with the lowest validation loss, whose weights are kept."""
    best_step: int
    """Optimizer steps until then."""
    train_loss: float
    """Mean loss of that epoch's training examples."""
    validation_loss: float
    """Mean loss of the validation examples after it."""
    epochs: int
    """Epochs in all."""
    steps: int
    """Optimizer steps in all."""
    stopped_early: bool
    """Whether the validation loss had stopped falling."""
    examples: Mapping[str, int]
    """Examples of each split."""
    adapted: str
    """What is trained, in one line."""
    adapted_modules: Sequence[str]
    """Names of the modules that LoRA adapts, or of the weights that are trained."""
