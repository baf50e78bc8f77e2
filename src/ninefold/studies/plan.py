"""The plan of a study: every task once, in order, and the record of which run belongs to which condition.

Tasks are content-addressed: two conditions that ask for the same training share it, and a study that is extended finds
what it has made before. The key of a task hashes what changes its outcome; the run's own id, which also hashes the rows
of the data and the weights of the model, is checked when it is carried out.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ninefold import store
from ninefold.captions.spec import CaptionsSpec
from ninefold.data.make import inputs_of
from ninefold.data.sources.catalog import source_of
from ninefold.evaluation.probing.spec import ProbeSpec
from ninefold.evaluation.spec import EvaluateSpec
from ninefold.models.endpoint import address
from ninefold.models.families import find, nano_bases
from ninefold.models.family import QUESTION_AND_OPTION
from ninefold.models.registry import REGISTERED
from ninefold.models.spec import ModelSpec
from ninefold.runs.study import BASE, RUNS, StudiedCondition, StudiedModel, StudiedRun, StudiedTest, StudyRecord
from ninefold.studies.description import DESCRIPTIONS, PAIRS, Condition, Photos, Study, StudyModel, Test
from ninefold.studies.tasks import Task
from ninefold.training.spec import TrainSpec

DIGITS = 8
"""Digits of a key in the name of a folder."""

SPEED_ONLY = {"trust_data", "micro_batch", "recompute", "features", "features_folder", "checkpoint_steps"}
"""Options of a training that change its speed and not its outcome."""


@dataclass(frozen=True)
class Plan:
    """The tasks of a study."""

    study: Study
    """The study."""
    out: Path
    """Its folder."""
    tasks: tuple[Task, ...]
    """Every task once; what a task needs stands before it."""
    record: StudyRecord
    """The record of conditions and runs."""

    @cached_property
    def by_key(self) -> Mapping[str, Task]:
        """Return the tasks by key."""
        return {task.key: task for task in self.tasks}

    @cached_property
    def shared(self) -> int:
        """Return how many runs need not be made because another condition has the same."""
        return len(self.record.runs) - len({run.folder for run in self.record.runs})


@dataclass(frozen=True)
class _Data:
    """A data set that runs read."""

    folder: Path
    key: str
    needs: tuple[str, ...]


def plan(study: Study, out: Path) -> Plan:
    """Return the plan of a study whose results go to a folder.

    Raises:
        NinefoldError: If an option, a source or a model of the study cannot be used; `check.faults` finds all of them.
    """
    return _Planner(study, out).plan()


def model_name(model: StudyModel) -> str:
    """Return the name of a model in paths."""
    return _slug(model.name or model.model.name.rstrip("/").rpartition("/")[2].partition("#")[0] or model.title)


def files_of(spec: Any) -> list[Path]:
    """Return the files and folders that the specification of a source, or of captions, names."""
    if not isinstance(spec, CaptionsSpec):
        return inputs_of(source_of(spec))
    captions = spec.captions
    folders = () if captions.images is None else (captions.images,)
    others = (spec.prompt, spec.filter_prompt, spec.checks.reference_words)
    return [*captions.files, *folders, *captions.exclude, *(path for path in others if path is not None)]


class _Planner:
    """The tasks planned so far, by key."""

    def __init__(self, study: Study, out: Path) -> None:
        self.study = study
        self.out = out
        self.tasks: dict[str, Task] = {}
        self.runs: list[StudiedRun] = []
        self.tests = {test.name: self.data(test.source, f"test-{test.name}", test.title) for test in study.tests}

    def plan(self) -> Plan:
        trained = {
            condition.name: [
                self.data(source, f"train-{condition.name}{'' if number == 0 else f'-{number + 1}'}", condition.title)
                for number, source in enumerate(condition.sources)
            ]
            for condition in self.study.conditions
        }
        for model in self.study.models:
            self.measure(model, BASE, None, None)
            for condition in self.study.conditions:
                if model.conditions is None or condition.name in model.conditions:
                    for seed in self.study.seeds:
                        training = self.train(model, condition, seed, trained[condition.name])
                        self.measure(model, condition.name, seed, training)
        return Plan(self.study, self.out, tuple(self.tasks.values()), self.record())

    def data(self, source: Any, name: str, title: str) -> _Data:
        """Return the data set of a source, with the tasks that make it."""
        if isinstance(source, Path):
            return _Data(source.resolve(), store.content_id(str(source.resolve())), ())
        needs: tuple[str, ...] = ()
        spec = source
        if isinstance(source, Photos) and source.source == DESCRIPTIONS:
            pairs = self.data(Photos(source.world, source=PAIRS), "pairs", title)
            spec, needs = source.spec(pairs.folder), (pairs.key,)
        elif isinstance(source, Photos):
            world = self.add("images/nano-world", source.world, asdict(source.world), f"images of {title}")
            spec, needs = source.spec(world.folder), (world.key,)
        key_of_files = needs[0] if needs else [str(path.resolve()) for path in files_of(spec)]
        if isinstance(spec, CaptionsSpec):
            moved = replace(spec, captions=replace(spec.captions, files=(), images=None))
            content = [PAIRS, json.loads(json.dumps(asdict(moved), default=str)), key_of_files]
        else:
            made = source_of(spec)
            content = [made.name, made.settings(), getattr(spec, "embed", True), key_of_files]
        task = self.add(f"data/{name}", spec, content, f"questions of {title}", needs)
        return _Data(task.folder, task.key, (task.key,))

    def train(self, model: StudyModel, condition: Condition, seed: int, sets: Sequence[_Data]) -> Task:
        """Return the task of a training, and record it as a run of its condition."""
        spec = train_spec(model, condition, seed, tuple(data.folder for data in sets))
        settings = {field.name: getattr(spec, field.name) for field in fields(spec) if field.name not in SPEED_ONLY}
        settings |= {"model": _model_key(spec.model), "data": [data.key for data in sets]}
        where = f"{RUNS}/{model_name(model)}"
        name = f"{model.title}, {condition.title}, seed {seed}: training"
        needs = tuple(key for data in sets for key in data.needs)
        task = self.add(f"{where}/{condition.name}-seed-{seed}", spec, settings, name, needs)
        self.keep("training", model, task, condition=condition.name, seed=seed, test=None)
        return task

    def measure(self, model: StudyModel, condition: str, seed: int | None, training: Task | None) -> None:
        """Plan the evaluations and probes of a base or a tuned model."""
        title = next((each.title for each in self.study.conditions if each.name == condition), "base")
        of_seed = "" if seed is None else f", seed {seed}"
        stem = condition if seed is None else f"{condition}-seed-{seed}"
        tuned = model.model if training is None else tuned_spec(training)
        content = [_model_key(model.model), None if training is None else training.key]
        of_model = () if training is None else (training.key,)
        who, where = f"{model.title}, {title}{of_seed}", f"{RUNS}/{model_name(model)}/{stem}"
        for test in self.study.tests:
            if test.conditions is not None and condition not in test.conditions:
                continue
            data = self.tests[test.name]
            spec = evaluate_spec(tuned, test, data.folder)
            asked = [*content, "evaluation", data.key, dict(test.options)]
            task = self.add(
                f"{where}-on-{test.name}", spec, asked, f"{who}: test on {test.title}", (*data.needs, *of_model)
            )
            self.keep("evaluation", model, task, condition=condition, seed=seed, test=test.name)
        for probe in self.study.probes:
            if condition in probe.conditions and has_layers(model.model):
                data = self.tests[probe.test]
                probed, asked = ProbeSpec(tuned, data.folder), [*content, "probe", data.key]
                name = f"{who}: probes on {probe.test}"
                task = self.add(f"{where}-probes-{probe.test}", probed, asked, name, (*data.needs, *of_model))
                self.keep("probe", model, task, condition=condition, seed=seed, test=probe.test)

    def add(self, path: str, work: Any, content: Any, words: str, needs: tuple[str, ...] = ()) -> Task:
        """Return the task with this content, planned before or now; its folder is a path with the key's digits."""
        key = store.content_id([type(work).__name__, content])
        if key not in self.tasks:
            folder = self.out / f"{path}-{key[:DIGITS]}"
            self.tasks[key] = Task(key, words, folder, work, tuple(dict.fromkeys(needs)))
        return self.tasks[key]

    def keep(self, kind: Any, model: StudyModel, task: Task, **which: Any) -> None:
        """Record that a task is the run of a condition, a seed and a test."""
        folder = task.folder.relative_to(self.out).as_posix()
        self.runs.append(StudiedRun(kind, model_name(model), folder=folder, **which))

    def record(self) -> StudyRecord:
        """Return the record of the study; the sizes of training sets are added when they are made."""
        study = self.study
        return StudyRecord(
            study.name,
            study.title,
            tuple(
                StudiedModel(model_name(each), each.title, _is_nano(each.model), each.caution) for each in study.models
            ),
            (
                StudiedCondition(BASE, "Base"),
                *(StudiedCondition(each.name, each.title, each.group) for each in study.conditions),
            ),
            tuple(study.seeds),
            tuple(
                StudiedTest(each.name, each.title, store_path(self.tests[each.name].folder, self.out))
                for each in study.tests
            ),
            tuple(self.runs),
            tuple(study.figures),
        )


def train_spec(model: StudyModel, condition: Condition, seed: int, data: tuple[Path, ...]) -> TrainSpec:
    """Return the specification of a training.

    Raises:
        NinefoldError: If an option is unknown or out of range.
    """
    return TrainSpec(model=model.model, data=data, seed=seed, **{**model.options, **condition.options})


def tuned_spec(training: Task) -> ModelSpec:
    """Return the model that a training makes: an adapter on its base or, of full fine-tuning, a checkpoint."""
    spec: TrainSpec = training.work
    if spec.method == "full" and spec.model.name not in REGISTERED:
        return replace(spec.model, name=str(training.folder))
    return replace(spec.model, adapter=training.folder)


def has_layers(spec: ModelSpec) -> bool:
    """Whether a model has a language model whose layers can be probed; dual encoders and servers have none."""
    if spec.name in REGISTERED or address.is_elsewhere(spec.name):
        return False
    return find(spec.name).family.kind != "dual"


def evaluate_spec(model: ModelSpec, test: Test, data: Path) -> EvaluateSpec:
    """Return the specification of an evaluation.

    Raises:
        NinefoldError: If an option is unknown or out of range.
    """
    return EvaluateSpec(model=model, data=data, **test.options)


def store_path(path: Path, out: Path) -> str:
    """Return a path relative to the study folder if it is in it, or as it is."""
    return (path.relative_to(out) if path.is_relative_to(out) else path).as_posix()


def _model_key(spec: ModelSpec) -> list[Any]:
    # What changes answers; device and short cuts do not. Only dual encoders have a form of texts to choose.
    form = [] if spec.texts == QUESTION_AND_OPTION else [spec.texts]
    return [spec.name, spec.dtype, spec.trust_remote_code, *form]


def _is_nano(spec: ModelSpec) -> bool:
    if spec.name in REGISTERED:
        # Such as a linear head on a nano base.
        return any(spec.name.startswith(f"{base}-") for base in nano_bases())
    return not address.is_elsewhere(spec.name) and find(spec.name).nano


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.") or "unnamed"
