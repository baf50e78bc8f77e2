"""The runs of a report: read from their folders, named, and paired by the examples they answered."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from ninefold.errors import RunError
from ninefold.runs import layout, lineage
from ninefold.runs.folder import read_spec
from ninefold.runs.found import RUN, instead
from ninefold.runs.metrics import SCORER_VERSION, EvaluationMetrics
from ninefold.runs.outcome import outcome
from ninefold.runs.record import read_part
from ninefold.runs.records import Provenance, Status
from ninefold.runs.shape import BenchmarkFigures, Epoch, ImageInputs
from ninefold.runs.tables import read_scores
from ninefold.store import canonical_json, read_json


@dataclass(frozen=True)
class Run:
    """A finished run folder."""

    folder: Path
    """Path of the folder."""
    spec: dict[str, Any]
    """The content of its ``spec.json``."""
    metrics: dict[str, Any]
    """The content of its ``metrics.json``."""
    provenance: dict[str, Any]
    """The content of its ``provenance.json``; empty if there is none."""
    image_inputs: dict[str, Any] | None
    """Sizes, tiles and tokens of its images (see `ninefold.models.image_inputs`); None if unknown."""

    @property
    def model(self) -> str:
        """Return the name of the base model."""
        return str(self.spec["model"]["name"])

    @property
    def is_nano(self) -> bool:
        """Return whether the model is a nano base, or was tuned from one: a demonstration."""
        return bool(self.spec["model"].get("nano"))

    @property
    def data_folders(self) -> list[Path]:
        """Return the folders of its data sets at the time of the run; training may use several."""
        named = self.provenance.get("data") or []
        return [Path(folder) for folder in ([named] if isinstance(named, str) else named)]


@dataclass(frozen=True)
class Training(Run):
    """A training run."""

    history: list[dict[str, Any]]
    """Losses, one entry per measurement: epoch, step, train_loss, validation_loss, learning_rate; empty without any."""


@dataclass(frozen=True)
class Evaluation(Run):
    """An evaluation run."""

    @property
    def base_model(self) -> lineage.Identity:
        """Return the identity of the model before tuning; a base's own identity."""
        return lineage.subject(self.spec["model"], self.provenance)

    @property
    def model(self) -> str:
        """Return the name of the base model."""
        return str(self.base_model["name"])

    @property
    def is_base(self) -> bool:
        """Return whether the model was not tuned."""
        return lineage.parent(self.spec["model"], self.provenance) is None

    @property
    def tuned_by(self) -> Path | None:
        """Return the training run, or adapter folder, that tuned the model."""
        named = self.provenance.get("adapter") or self.provenance.get("training")
        return Path(named) if named else None

    @property
    def benchmark(self) -> BenchmarkFigures | None:
        """Return the figures of the public benchmark that was asked; None for other data sets."""
        return self.metrics.get("benchmark")

    @property
    def set_key(self) -> str:
        """Return the key of the examples: runs with the same key can be compared example by example."""
        data = self.spec["data"]
        rows = [data.get(name) for name in ("fingerprint", "split", "limit", "rows")]
        return canonical_json([*rows, self.spec.get("orders")])

    @property
    def subject(self) -> str:
        """Return the name of the base model, with the method of scoring if it is not the default."""
        return f"{self.model} by choice" if self.spec.get("scoring") == "choice" else self.model

    @property
    def subject_key(self) -> str:
        """Return the key that runs of a base and of models tuned from it share."""
        model = {key: value for key, value in self.base_model.items() if key != "adapter"}
        return canonical_json(outcome({**self.spec, "model": model}))

    @cached_property
    def labels(self) -> list[str]:
        """Return all answers in the question's canonical order; in order of appearance if each row has its own."""
        return self.labels_in(self.scores)

    def labels_in(self, scores: pd.DataFrame) -> list[str]:
        """Return all answers of a score table of this run, in the order of `labels`."""
        known = self.spec["data"].get("labels") or ()
        valid = scores["label"][scores["kind"] == "label"]
        return list(dict.fromkeys([*known, *scores["answer"].unique(), *valid.unique()]))

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Return the score table, one row per example, indexed by the example's id."""
        return read_scores(self.folder).set_index("id", drop=False)


@dataclass(frozen=True)
class Result:
    """An evaluation under its name in a report."""

    name: str
    """Name that is unique within its set: "base", "tuned", or a longer one if there are several."""
    run: Evaluation
    """The evaluation."""
    base: Evaluation | None
    """The same model before tuning, on the same examples, if in the report; None for a base."""


@dataclass(frozen=True)
class TestSet:
    """The examples of one data set, and all runs that answered them."""

    name: str
    """Name of the set, unique in the report."""
    results: tuple[Result, ...]
    """Runs by model, each base before its tuned models."""

    @property
    def pairs(self) -> list[tuple[Result, Result]]:
        """Return every tuned run with its base."""
        by_run = {id(result.run): result for result in self.results}
        return [(by_run[id(result.base)], result) for result in self.results if result.base is not None]

    @property
    def grid(self) -> int | None:
        """Return the number of cells along each side of its maps; None if the set has no positions."""
        return len(self.results[0].run.metrics["by_cell"]) if "by_cell" in self.results[0].run.metrics else None

    @property
    def labels(self) -> list[str]:
        """Return all answers, in canonical order."""
        return self.results[0].run.labels

    @property
    def questions(self) -> int:
        """Return the number of questions."""
        return int(self.results[0].run.metrics["n"])


def read_runs(folders: Iterable[Path]) -> tuple[list[Evaluation], list[Training]]:
    """Read run folders; the same run given twice counts once.

    Raises:
        RunError: If a folder is missing, not a run, unfinished, or not scored.
    """
    evaluations: dict[str, Evaluation] = {}
    trainings: dict[str, Training] = {}
    for folder in folders:
        run = read_run(Path(folder))
        key = canonical_json(outcome(run.spec))
        if isinstance(run, Training):
            trainings.setdefault(key, run)
        elif isinstance(run, Evaluation):
            evaluations.setdefault(key, run)
    if not evaluations and not trainings:
        raise RunError("no run to report; name at least one folder that train or evaluate wrote")
    return list(evaluations.values()), list(trainings.values())


def group(evaluations: Sequence[Evaluation], titles: Mapping[str, str] = MappingProxyType({})) -> list[TestSet]:
    """Group the runs that answered the same examples, and pair each tuned run with its base.

    Args:
        evaluations: The runs.
        titles: Names of data sets to show, by the name of their folder.
    """
    sets: dict[str, list[Evaluation]] = {}
    for run in evaluations:
        sets.setdefault(run.set_key, []).append(run)
    names = _unique([set_name(runs[0], titles) for runs in sets.values()])
    return [TestSet(name, _results(runs)) for name, runs in zip(names, sets.values(), strict=True)]


def _results(runs: Sequence[Evaluation]) -> tuple[Result, ...]:
    subjects: dict[str, list[Evaluation]] = {}
    for run in runs:
        subjects.setdefault(run.subject_key, []).append(run)
    ordered: list[tuple[str, Evaluation, Evaluation | None]] = []
    for family in subjects.values():
        tuned = [run for run in family if not run.is_base]
        base = next((run for run in family if run.is_base), None)
        prefix = f"{family[0].subject} " if len(subjects) > 1 else ""
        if base:
            ordered.append((f"{prefix}base", base, None))
        ordered += [(prefix + _tuned_name(run, len(tuned)), run, base) for run in tuned]
    names = _unique([name for name, _, _ in ordered])
    return tuple(Result(name, run, base) for name, (_, run, base) in zip(names, ordered, strict=True))


def _tuned_name(run: Evaluation, siblings: int) -> str:
    return "tuned" if siblings == 1 else f"tuned, {(run.tuned_by or run.folder).name}"


def set_name(run: Evaluation, titles: Mapping[str, str]) -> str:
    """Return the name of the examples of an evaluation; ``titles`` has other names of data sets, by their folder's."""
    data = run.spec["data"]
    name = str(data.get("name") or "data")
    name = run.benchmark["title"] if run.benchmark else titles.get(name, name)
    if data.get("split") not in (None, "test"):
        name += f" ({data['split']})"
    asked = run.metrics["n"]
    if run.spec.get("orders"):
        asked = run.metrics["orders"]["items"]
        name += f", in all {run.metrics['orders']['orders']} orders of options"
    return name if data.get("limit") is None else f"{'' if data.get('rows') else 'first '}{asked} of {name}"


def _unique(names: Sequence[str]) -> list[str]:
    return [
        name if names.count(name) == 1 else f"{name} #{names[: index + 1].count(name)}"
        for index, name in enumerate(names)
    ]


def read_run(folder: Path) -> Run:
    """Return the finished run of a folder, an evaluation or a training.

    Raises:
        RunError: If it is missing, not a run, unfinished, or not scored.
    """
    if not (folder / layout.SPEC).exists():
        raise RunError(instead(folder, RUN, "name a folder that train or evaluate wrote"))
    status = Status.read(folder)
    if status.state != "done":
        why = f" ({status.reason})" if status.state == "failed" else ""
        raise RunError(f"{folder}: this run is not finished{why}; repeat its command with the same --out to finish it")
    spec, provenance = read_spec(folder), Provenance.read(folder).to_json()
    if spec.get("kind") == "probe":
        raise RunError(
            f"{folder}: is a probe, which only the report of a study draws; leave it out, or read its {layout.PROBES}"
        )
    lineage.identity_in(folder)
    sees = read_part(folder / layout.SEES, ImageInputs) if (folder / layout.SEES).exists() else None
    has_history = (folder / layout.HISTORY).exists()
    if has_history or spec.get("kind") == "training":
        metrics = read_json(folder / layout.METRICS)
        history = read_part(folder / layout.HISTORY, Sequence[Epoch], list) if has_history else []
        return Training(folder, spec, metrics, provenance, sees, history)
    if not (folder / layout.SCORES).exists() or not (folder / layout.METRICS).exists():
        raise RunError(f"{folder}: predictions without scores; run: ninefold score {folder}")
    metrics = read_json(folder / layout.METRICS)
    if metrics.get("scorer") != SCORER_VERSION:
        raise RunError(f"{folder}: was scored by another version of ninefold; run: ninefold score {folder}")
    EvaluationMetrics.load(folder / layout.METRICS)
    if not isinstance(spec.get("data"), dict):
        raise RunError(f"{folder / layout.SPEC}: names no data; run the command of this run again elsewhere")
    return Evaluation(folder, spec, metrics, provenance, sees)
