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
from ninefold.errors import RunError
from ninefold.runs import layout
from ninefold.version import __version__

State = Literal["planned", "running", "done", "failed"]
"""How far a run is; one that was killed still says "running", though nobody holds its lock."""

PACKAGES = ("torch", "transformers", "peft", "datasets", "numpy", "pillow", "pyarrow")
"""Packages whose versions a run notes."""


def now() -> str:
    """Return the time in UTC, to the second, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class Record:
    """A frozen dataclass that is an object of JSON; keys it does not know are passed over."""

    OPTIONAL: ClassVar[frozenset[str]] = frozenset()
    """Fields that are left out where they are None."""

    def to_json(self) -> dict[str, Any]:
        """Return the record in JSON's types."""
        told = {each.name: getattr(self, each.name) for each in fields(self)}  # type: ignore[arg-type]
        return {key: _plain(value) for key, value in told.items() if value is not None or key not in self.OPTIONAL}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Self:
        """Return the record of an object of JSON.

        Raises:
            RunError: If it lacks a key that has no default.
        """
        known = {each.name for each in fields(cls)}  # type: ignore[arg-type]
        try:
            return cls(**{key: value for key, value in found.items() if key in known})
        except TypeError as error:
            raise RunError(f"a record of a run lacks something ({error}); run its command again elsewhere") from error


def _plain(value: object) -> Any:
    """Return a value as JSON has it: records as objects, tuples as lists."""
    if isinstance(value, Record):
        return value.to_json()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


@dataclass(frozen=True)
class Status(Record):
    """How far a run is: ``status.json``."""

    OPTIONAL = frozenset({"begun", "ended", "reason", "process", "host"})

    state: State
    """Planned, running, done or failed."""
    begun: str | None = None
    """When the last attempt began."""
    ended: str | None = None
    """When it was done, or failed."""
    reason: str | None = None
    """Why it failed, in one line."""
    process: int | None = None
    """Id of the process that works on it, or did."""
    host: str | None = None
    """The machine of that process."""

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Return the status of a run folder; runs of earlier versions have ``done.json`` or nothing."""
        if (folder / layout.STATUS).exists():
            return cls.from_json(store.read_json(folder / layout.STATUS))
        return cls("done" if (folder / layout.DONE).exists() else "planned")

    @classmethod
    def running(cls) -> Self:
        """Return the status of a run that this process begins to work on."""
        return cls("running", begun=now(), process=os.getpid(), host=socket.gethostname())

    def write(self, folder: Path) -> None:
        """Write ``status.json``."""
        store.write_json(folder / layout.STATUS, self.to_json())


@dataclass(frozen=True)
class EvaluatedData(Record):
    """The examples that an evaluation asks."""

    name: str
    """What the data set's folder is called."""
    split: str
    """The split."""
    fingerprint: str
    """Identity of the split's rows."""
    limit: int | None = None
    """Only the first so many, where that is not all of them."""
    clustering: str = "group"
    """What intervals are computed over: "census" or "group"."""
    labels: Sequence[str] = ()
    """All answers in canonical order; empty where rows have their own."""


@dataclass(frozen=True)
class EvaluationSpec(Record):
    """All that changes the outcome of an evaluation: ``spec.json``."""

    kind: ClassVar[str] = "evaluation"

    model: Mapping[str, Any]
    """Identity of the model (see `ninefold.models.identity`)."""
    data: EvaluatedData
    """What is asked."""
    scoring: str = "generate"
    """Whether the model writes its answer, or ranks the options."""
    max_new_tokens: int = 15
    """Tokens after which a written answer is cut."""

    def to_json(self) -> dict[str, Any]:
        """Return the record in JSON's types."""
        return {"kind": self.kind, **super().to_json()}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Self:
        """Return the record of an object of JSON."""
        return super().from_json({**found, "data": EvaluatedData.from_json(found["data"])})


@dataclass(frozen=True)
class TrainedData(Record):
    """A data set that is trained on."""

    name: str
    """What its folder is called."""
    train: Sequence[str]
    """Name and fingerprint of the split that is learned from."""
    validation: Sequence[str]
    """Name and fingerprint of the split that chooses the best epoch."""


@dataclass(frozen=True)
class LoraSettings(Record):
    """LoRA's settings."""

    pattern: str
    """Regular expression that the names of the adapted modules match."""
    rank: int
    """Rank of its matrices."""
    alpha: int
    """Its scale, before division by the rank."""
    dropout: float
    """Dropout of its input."""
    init: str
    """How its first matrix is initialized."""
    bias: str = "none"
    """Which biases are trained."""


@dataclass(frozen=True, kw_only=True)
class TrainingSpec(Record):
    """All that changes the outcome of a training run: ``spec.json``."""

    kind: ClassVar[str] = "training"

    model: Mapping[str, Any]
    """Identity of the model that training begins from: the parent of what it makes."""
    data: Sequence[TrainedData]
    """The data sets, in order."""
    limit: int | None
    """Only the first so many rows of each split."""
    seed: int
    """Seed of LoRA's first values and of the order of the data."""
    scope: str
    """What is trained: vision and language, or language alone."""
    lora: LoraSettings | None
    """LoRA's settings; None where the weights themselves are trained."""
    optimizer: str = "adamw"
    """The optimizer."""
    learning_rate: float
    """Its highest learning rate."""
    schedule: str
    """How the learning rate moves."""
    warmup: float
    """Fraction of all steps over which it rises from zero."""
    weight_decay: float
    """Of the optimizer."""
    clip: float
    """Largest norm of the gradient; 0 for no limit."""
    batch: int
    """Examples per optimizer step."""
    epochs: int
    """Epochs at most."""
    patience: int
    """Epochs without a better validation loss before it stops."""

    def to_json(self) -> dict[str, Any]:
        """Return the record in JSON's types."""
        return {"kind": self.kind, **super().to_json()}


@dataclass(frozen=True)
class Provenance(Record):
    """What ran and where: ``provenance.json``, all that may differ between machines that reach the same result."""

    facts: Mapping[str, Any] = field(default_factory=dict)
    """What a kind of run tells besides: paths of its data, the model as it was named, its device, seconds."""
    command: str = ""
    """The command line."""
    finished: str | None = None
    """When it was done."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Of Python and of packages."""
    machine: Mapping[str, Any] = field(default_factory=dict)
    """Operating system, processor and number of cores."""

    @classmethod
    def of_this_process(cls, **facts: object) -> Self:
        """Return what ran here and now."""
        return cls(
            facts,
            shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
            now(),
            # ninefold need not be installed to run; the others are.
            {
                "python": platform.python_version(),
                "ninefold": __version__,
                **{name: metadata.version(name) for name in PACKAGES},
            },
            {"system": platform.platform(), "processor": platform.machine(), "cores": os.cpu_count()},
        )

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Return what a run folder tells, which may be nothing."""
        path = folder / layout.PROVENANCE
        return cls.from_json(store.read_json(path)) if path.exists() else cls()

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Self:
        """Return the record of an object of JSON; what has no field of its own is among the facts."""
        known = {each.name for each in fields(cls)} - {"facts"}
        own = {key: value for key, value in found.items() if key in known}
        return cls({key: value for key, value in found.items() if key not in known}, **own)

    def to_json(self) -> dict[str, Any]:
        """Return the record in JSON's types, the facts first."""
        told = super().to_json()
        return {**told.pop("facts"), **told}

    def write(self, folder: Path) -> None:
        """Write ``provenance.json``."""
        store.write_json(folder / layout.PROVENANCE, self.to_json())
