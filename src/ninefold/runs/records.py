"""Records of a run folder: status, specification, metrics and provenance, typed, with their JSON."""

import os
import platform
import shlex
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from ninefold import store
from ninefold.runs import layout
from ninefold.runs.record import Record, read_part
from ninefold.runs.shape import Origin
from ninefold.version import __version__

State = Literal["planned", "running", "interrupted", "done", "failed"]
"""The state of a run; after `kill -9` it is still "running", but no process holds its lock."""

PACKAGES = ("torch", "transformers", "peft", "datasets", "numpy", "pillow", "pyarrow")
"""Packages whose versions a run records."""


def now() -> str:
    """Return the time in UTC, to the second, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def command_line() -> str:
    """Return the command that started this process, as a shell takes it."""
    program = Path(sys.argv[0])
    name = f"python -m {program.parent.name}" if program.name == "__main__.py" else shlex.quote(program.name)
    return " ".join([name, *map(shlex.quote, sys.argv[1:])])


@dataclass(frozen=True)
class Status(Record):
    """The state of a run: ``status.json``."""

    OPTIONAL = frozenset({"begun", "ended", "reason", "process", "host"})

    state: State
    """Planned, running, interrupted by the user, done or failed."""
    begun: str | None = None
    """Time at which the last attempt began."""
    ended: str | None = None
    """Time at which it was done, interrupted, or failed."""
    reason: str | None = None
    """Reason of a failure, in one line."""
    process: int | None = None
    """Id of the process that works on it, or did."""
    host: str | None = None
    """Host name of that process."""

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Return the status of a run folder; runs of earlier versions have ``done.json`` or no file."""
        if (folder / layout.STATUS).exists():
            return cls.load(folder / layout.STATUS)
        return cls("done" if (folder / layout.DONE).exists() else "planned")

    @classmethod
    def running(cls) -> Self:
        """Return the status of a run that this process starts now."""
        return cls("running", begun=now(), process=os.getpid(), host=socket.gethostname())

    def write(self, folder: Path) -> None:
        """Write ``status.json``."""
        store.write_json(folder / layout.STATUS, self.to_json())


def _gpu() -> dict[str, str]:
    """Return the name of the GPU that this process uses, if it computes with torch on one."""
    torch = sys.modules.get("torch")
    return {"gpu": torch.cuda.get_device_name()} if torch and torch.cuda.is_initialized() else {}


SPREAD = "spread over the answers"
"""How the rows of a limit are chosen (see `ninefold.design.spread`)."""

WHOLE_IMAGES = "training: whole images; validation: spread over the answers"
"""How they are chosen for conversations (see `ninefold.design.whole_groups`)."""


@dataclass(frozen=True)
class EvaluatedData(Record):
    """The examples that an evaluation asks."""

    OPTIONAL = frozenset({"rows", "benchmark"})

    name: str
    """Name of the data set's folder."""
    split: str
    """Name of the split."""
    fingerprint: str
    """Identity of the split's rows."""
    limit: int | None = None
    """Number of examples; None for all."""
    clustering: str = "group"
    """Unit of intervals: "census" or "group" (see `ninefold.types.Clustering`)."""
    labels: Sequence[str] = ()
    """All answers in canonical order; empty if each row has its own."""
    rows: str | None = None
    """How they are chosen; None for all, and for the first ones, as in runs of earlier versions."""
    benchmark: Mapping[str, str | int] | None = None
    """Of a public benchmark: its ``name`` and ``title``, the ``source`` that computes its figures, the form of its
    ``prompt``, and what was found in its files (see `ninefold.data.sources.protocol.Source.found`)."""


@dataclass(frozen=True)
class EvaluationSpec(Record):
    """Everything that changes the outcome of an evaluation: ``spec.json``."""

    kind: ClassVar[str] = "evaluation"
    OPTIONAL = frozenset({"orders", "relabeling"})

    model: Mapping[str, Any]
    """Identity of the model (see `ninefold.models.identity`)."""
    data: EvaluatedData
    """The examples to ask."""
    scoring: str = "generate"
    """Method of answering: the model generates text, or ranks the options."""
    max_new_tokens: int = 15
    """Largest number of tokens of a generated answer."""
    orders: str | None = None
    """"all" if each question is asked in every order of its options; None for the order of its prompt."""
    relabeling: Sequence[int] | None = None
    """With all orders, the permutation of the labels that they are made with (see `ninefold.design.relabeling`)."""

    def to_json(self) -> dict[str, Any]:
        """Return the record in JSON types."""
        return {"kind": self.kind, **super().to_json()}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Self:
        """Return the record from a JSON object."""
        return super().from_json({**found, "data": EvaluatedData.from_json(found["data"])})


@dataclass(frozen=True)
class TrainedData(Record):
    """A data set for training."""

    name: str
    """Name of its folder."""
    train: Sequence[str]
    """Name and fingerprint of the training split."""
    validation: Sequence[str]
    """Name and fingerprint of the validation split, which chooses the best epoch."""


@dataclass(frozen=True)
class LoraSettings(Record):
    """LoRA's settings."""

    pattern: str
    """Regular expression of the adapted modules' names."""
    rank: int
    """Rank of the matrices."""
    alpha: int
    """Scale of the update, before division by the rank."""
    dropout: float
    """Dropout probability of the adapter's input."""
    init: str
    """Initialization of the matrices."""
    bias: str = "none"
    """The trained biases, in PEFT's terms: "none", "all" or "lora_only"."""


@dataclass(frozen=True, kw_only=True)
class TrainingSpec(Record):
    """Everything that changes the outcome of a training run: ``spec.json``."""

    kind: ClassVar[str] = "training"
    OPTIONAL = frozenset({"rows", "mixture", "conversation_tokens", "dropout", "warmup_steps"})

    model: Mapping[str, Any]
    """Identity of the model that training begins from, the parent of the tuned model."""
    data: Sequence[TrainedData]
    """The data sets, in order."""
    mixture: Sequence[int] | None = None
    """Number of training examples of each data set in an epoch; None for all."""
    limit: int | None
    """Number of rows of each split; None for all."""
    rows: str | None = None
    """How they are chosen; None for all, and for the first ones, as in runs of earlier versions."""
    conversation_tokens: int | None = None
    """Largest number of tokens of a conversation about one image; None for one question an example."""
    seed: int
    """Seed of LoRA's initialization and of the order of the data."""
    scope: str
    """The trained part of the model: vision and language, or language alone."""
    lora: LoraSettings | None
    """Settings of LoRA; None for full fine-tuning."""
    dropout: float | None = None
    """Probability of the model's own dropout in full fine-tuning; None for its checkpoint's, and with LoRA."""
    optimizer: str = "adamw"
    """Name of the optimizer."""
    learning_rate: float
    """Peak learning rate."""
    schedule: str
    """Schedule of the learning rate."""
    warmup: float
    """Fraction of all steps over which the learning rate rises from zero."""
    warmup_steps: int | None = None
    """Number of these steps, instead of a fraction."""
    weight_decay: float
    """Weight decay of the optimizer."""
    clip: float
    """Maximum norm of the gradient; 0 for no clipping."""
    batch: int
    """Examples per optimizer step."""
    epochs: int
    """Maximum number of epochs."""
    patience: int
    """Epochs without a better validation loss after which training stops."""

    def to_json(self) -> dict[str, Any]:
        """Return the record in JSON types."""
        return {"kind": self.kind, **super().to_json()}


@dataclass(frozen=True)
class Provenance(Record):
    """Origin of a result: ``provenance.json``, which may differ between machines that reach the same result."""

    facts: Mapping[str, Any] = field(default_factory=dict)
    """Facts of one kind of run: paths of its data, the model's name as given, its device, seconds."""
    command: str = ""
    """The command line."""
    finished: str | None = None
    """Time at which it was done."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Versions of Python and of packages."""
    machine: Mapping[str, Any] = field(default_factory=dict)
    """Operating system, processor and number of cores."""

    @classmethod
    def of_this_process(cls, **facts: object) -> Self:
        """Return the provenance of the current process."""
        return cls(
            facts,
            command_line(),
            now(),
            # ninefold can run without being installed; the others cannot.
            {
                "python": platform.python_version(),
                "ninefold": __version__,
                **{name: metadata.version(name) for name in PACKAGES},
            },
            {"system": platform.platform(), "processor": platform.machine(), "cores": os.cpu_count(), **_gpu()},
        )

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Return the provenance of a run folder; empty if it has none."""
        path = folder / layout.PROVENANCE
        if not path.exists():
            return cls()
        read_part(path, Origin)
        return cls.load(path)

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Self:
        """Return the record from a JSON object; keys without a field of their own become facts."""
        known = {each.name for each in fields(cls)} - {"facts"}
        own = {key: value for key, value in found.items() if key in known}
        return cls({key: value for key, value in found.items() if key not in known}, **own)

    def to_json(self) -> dict[str, Any]:
        """Return the record in JSON types, the facts first."""
        values = super().to_json()
        return {**values.pop("facts"), **values}

    def write(self, folder: Path) -> None:
        """Write ``provenance.json``."""
        store.write_json(folder / layout.PROVENANCE, self.to_json())
