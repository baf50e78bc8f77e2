"""Typed records of ``metrics.json``, of an evaluation and of a training run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ninefold.runs.record import Record
from ninefold.runs.shape import BenchmarkFigures, Consistency, Region

SCORER_VERSION = 5
"""Version of the scorer, raised when the same predictions would be scored differently; not part of a run's id."""


@dataclass(frozen=True, kw_only=True)
class EvaluationMetrics(Record):
    """Metrics of an evaluation. Accuracies are fractions, or None if there are no examples."""

    OPTIONAL = frozenset(
        {
            "caveat",
            "by_region",
            "by_cell",
            "ci95_by_cell",
            "n_by_cell",
            "votes",
            "answer_by_cell",
            "orders",
            "warnings",
            "benchmark",
        }
    )

    scorer: int
    """Version of the scorer (see `SCORER_VERSION`)."""
    n: int
    """Number of examples."""
    accuracy: float
    """Right answers among all examples."""
    ci95: Sequence[float]
    """Bounds of the accuracy's 95 % interval."""
    interval: str
    """Method of the interval, and the uncertainty it shows."""
    caveat: str | None = None
    """Reason why the accuracy means nothing; None if there is no such reason."""
    invalid: int
    """Number of answers without a label."""
    invalid_by_class: Mapping[str, int]
    """Number of answers without a label, by reason (see `ninefold.types.AnswerKind`)."""
    valid_accuracy: float | None
    """Right answers among the answers with a label."""
    by_region: Mapping[str, Region] | None = None
    """``n``, ``accuracy`` and ``ci95`` by the target's region. It and the next five are None without positions."""
    by_cell: Sequence[Sequence[float | None]] | None = None
    """Accuracy by cell, one list per row of the grid."""
    ci95_by_cell: Sequence[Sequence[Sequence[float] | None]] | None = None
    """Bounds of the 95 % interval of each cell alone."""
    n_by_cell: Sequence[Sequence[int]] | None = None
    """Number of examples by cell."""
    votes: Sequence[Sequence[str | Sequence[str] | None]] | None = None
    """The most frequent label by cell; a list of labels where they tie (see `ninefold.analysis.votes`)."""
    answer_by_cell: Sequence[Sequence[str | None]] | None = None
    """The right answer by cell, if all its examples share one."""
    confusion: Mapping[str, Mapping[str, int]]
    """For each right answer, the count of each label given, or of each reason for none."""
    orders: Consistency | None = None
    """How far answers depend on the order of the options; None unless all orders are asked."""
    benchmark: BenchmarkFigures | None = None
    """The figures of a public benchmark; None for other data sets."""
    warnings: Sequence[str] | None = None
    """One line for each thing that kept answers from being read, such as thoughts that were cut off."""


@dataclass(frozen=True, kw_only=True)
class TrainingMetrics(Record):
    """Metrics of a training run."""

    OPTIONAL = frozenset({"questions"})

    best_epoch: int
    """The epoch with the lowest validation loss, whose weights are kept."""
    best_step: int
    """Optimizer steps until the end of that epoch."""
    train_loss: float
    """Mean loss over that epoch's training examples."""
    validation_loss: float
    """Mean loss over the validation examples after that epoch."""
    epochs: int
    """Total number of epochs."""
    steps: int
    """Total number of optimizer steps."""
    stopped_early: bool
    """Whether training stopped because the validation loss no longer fell."""
    examples: Mapping[str, int]
    """Number of examples by split."""
    questions: int | None = None
    """Number of questions in the training examples, if these are conversations; else each example is one."""
    adapted: str
    """The trained parameters, in one line."""
    adapted_modules: Sequence[str]
    """Names of the modules that LoRA adapts, or of the trained weights."""
