"""The study folder: names of its files, and its record ``study.json``: conditions, and the folder of every run."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from ninefold.errors import RunError
from ninefold.runs.record import Record

STUDY = "study.json"
"""File name of the record."""
REPORT = "report.html"
"""File name of the report's page."""
TABLES = "tables"
"""Folder of the report's tables."""
FIGURES = "figures"
"""Folder of the report's figures."""
RUNS = "runs"
"""Folder of the runs, one folder in it for each model."""
BASE = "base"
"""Name of the condition without training."""


@dataclass(frozen=True)
class StudiedModel(Record):
    """A model of a study."""

    name: str
    """Name in paths and options, such as "qwen2-vl"; unique."""
    title: str
    """Name in tables, such as "Qwen2-VL": that of the paper, if it is one of the paper's models."""
    nano: bool = False
    """Whether it is a nano base, whose scores say nothing about any real model."""
    caution: str = ""
    """What a reader of its scores must know, as a sentence; empty for nothing."""


@dataclass(frozen=True)
class StudiedCondition(Record):
    """A condition of a study: what models are trained on. The first one is `BASE`, without training."""

    name: str
    """Name in paths and options, such as "distractors-3"; unique."""
    title: str
    """Name in tables, such as "+ 3 distractors"."""
    group: str = ""
    """Group of conditions that a figure compares, such as "scaling" or "collapse"; empty for none."""
    rows: int | None = None
    """Number of training examples, as made; None for the base, and before the data are made."""


@dataclass(frozen=True)
class StudiedTest(Record):
    """A test of a study."""

    name: str
    """Name in paths and options, such as "coco"; unique."""
    title: str
    """Name in tables, such as "COCO"."""
    data: str
    """Folder of the data set, relative to the study folder if it is in it."""


@dataclass(frozen=True)
class StudiedRun(Record):
    """A run of a study. One run folder may serve several conditions."""

    kind: Literal["training", "evaluation", "probe"]
    """Kind of the run."""
    model: str
    """Name of the model."""
    condition: str
    """Name of the condition; `BASE` without training."""
    seed: int | None
    """Seed of the training; None for the base."""
    test: str | None
    """Name of the test; None for a training."""
    folder: str
    """Run folder, relative to the study folder."""


@dataclass(frozen=True)
class StudiedLeak(Record):
    """A training set that shares images, rows or scenes with a test, in a study that allows it."""

    condition: str
    """Name of the condition that is trained on it."""
    test: str
    """Name of the test."""
    data: str
    """Folder of the training set, relative to the study folder if it is in it."""
    images: int
    """Number of images that both hold."""
    test_images: int
    """Number of images of the test."""
    scenes: int
    """Number of scenes that both hold."""
    rows_of_shared_images: int
    """Rows of the test whose image is in the training set."""
    rows: int
    """Rows of the test whose image and question stand in the training set word for word."""
    test_rows: int
    """Number of rows of the test."""


@dataclass(frozen=True)
class StudyRecord(Record):
    """A study: its models, conditions, seeds and tests, and all of its runs, whether they exist yet or not."""

    name: str
    """Name of the recipe or function."""
    title: str
    """One line: what it asks."""
    models: Sequence[StudiedModel]
    """Models, in order."""
    conditions: Sequence[StudiedCondition]
    """Conditions, in order; `BASE` first."""
    seeds: Sequence[int]
    """Seeds of every training."""
    tests: Sequence[StudiedTest]
    """Tests, in order."""
    runs: Sequence[StudiedRun]
    """All runs."""
    figures: Sequence[str] = ()
    """Names of further figures that its report draws, such as "collapse"."""
    leaks: Sequence[StudiedLeak] | None = None
    """What training sets share with tests; None before the data are made, and if nothing is shared."""

    OPTIONAL = frozenset({"leaks"})

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Self:
        """Return the record from a JSON object."""
        parts: Mapping[str, type[Record]] = {
            "models": StudiedModel,
            "conditions": StudiedCondition,
            "tests": StudiedTest,
            "runs": StudiedRun,
        }
        read = {key: tuple(part.from_json(one) for one in found.get(key, ())) for key, part in parts.items()}
        if found.get("leaks") is not None:
            read["leaks"] = tuple(StudiedLeak.from_json(one) for one in found["leaks"])
        return super().from_json({**found, **read})

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Return the record of a study folder.

        Raises:
            RunError: If the folder is not one of a study, or its record is broken.
        """
        if not folder.exists():
            raise RunError(f"{folder}: no such study folder; `ninefold study run RECIPE --out {folder}` begins one")
        if not (folder / STUDY).exists():
            raise RunError(f"{folder}: holds no study; `ninefold study run RECIPE --out {folder}` begins one")
        record = cls.load(folder / STUDY)
        wrong = next(record._faults(), None)
        if wrong is not None:
            raise RunError(
                f"{folder / STUDY}: {wrong}; it was edited: repeat `ninefold study run`, which writes it again"
            )
        return record

    def _faults(self) -> Iterator[str]:
        """Yield what ninefold never writes: names that nothing has, and folders of runs outside of the study's."""
        models, conditions, tests = (
            {each.name for each in part} for part in (self.models, self.conditions, self.tests)
        )
        for run in self.runs:
            path = Path(run.folder)
            if path.is_absolute() or path.parts[:1] != (RUNS,) or ".." in path.parts or "\0" in run.folder:
                yield f"run {run.folder!r:.80} is not in {RUNS}/"
            for part, name, known in (("model", run.model, models), ("condition", run.condition, conditions)):
                if name not in known:
                    yield f"run {run.folder}: there is no {part} {name!r}"
            if run.test not in ({None} if run.kind == "training" else tests):
                yield f"run {run.folder}: there is no test {run.test!r}"

    def select(self, kind: str, **wanted: object) -> Iterator[StudiedRun]:
        """Yield the runs of a kind with these values, for example ``select("evaluation", test="coco")``, in order."""
        for run in self.runs:
            if run.kind == kind and all(getattr(run, name) == value for name, value in wanted.items()):
                yield run
