"""The estimate of a study before it runs: its tasks, what is shared, hours and disk from measured speeds."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ninefold.analysis.power import Comparison, smallest_difference
from ninefold.data.format.dataset import Dataset
from ninefold.data.sources.catalog import source_of
from ninefold.data.sources.coco.general import GeneralSpec
from ninefold.data.sources.coco.relations import RelationsSpec
from ninefold.data.sources.coco.source import CocoSpec
from ninefold.errors import NinefoldError
from ninefold.evaluation.spec import EvaluateSpec
from ninefold.models.families import find
from ninefold.models.registry import REGISTERED
from ninefold.nano.spec import WorldSpec
from ninefold.studies.description import Photos, Study
from ninefold.studies.perform import is_done
from ninefold.studies.plan import Plan, plan
from ninefold.studies.speeds import BYTES, PHOTO_QUESTIONS, SPEEDS, Speed
from ninefold.studies.tasks import Task
from ninefold.training.spec import TrainSpec
from ninefold.web.wording import quantity

GIB = 2**30

_OF_PHOTOS = (CocoSpec, GeneralSpec, RelationsSpec)
"""Specifications of sources whose questions are counted only when they are made, unless they state a number."""

QUESTIONS_OF_A_PHOTO = 2.08
"""Questions of a photo of COCO (8,548 on 4,109 photos of val2017)."""


@dataclass(frozen=True)
class Cost:
    """The cost of one task, as far as it is known."""

    seconds: float | None
    """Time on the machine whose speed was measured; None if no speed is known, or no number of examples."""
    bytes: float
    """Size on disk when it is done."""


def text(study: Study, out: Path) -> str:
    """Return the estimate of a study whose results go to a folder, in lines.

    Raises:
        NinefoldError: If an option or a source of the study cannot be used.
    """
    return "\n".join(_lines(plan(study, out)))


def cost(task: Task, planned: Plan) -> Cost:
    """Return the cost of a task."""
    work = task.work
    if isinstance(work, TrainSpec):
        rows = [_rows(path, work.train_split, planned) for path in work.data]
        held = [_rows(path, work.validation_split, planned) for path in work.data]
        known = None if None in rows or None in held else (_limited(rows, work.limit), _limited(held, work.limit))
        speed = _speed(work.model.name)
        if known is None or speed is None:
            return Cost(None, _adapter(work, speed))
        trained = (work.epoch_examples or known[0]) if work.weights else known[0]
        seconds = work.epochs * (trained / speed.trained + known[1] / speed.evaluated)
        return Cost(seconds, _adapter(work, speed))
    if isinstance(work, EvaluateSpec):
        count, speed = _rows(work.folder, work.split or "test", planned), _speed(_base(task, planned))
        if count is None:
            return Cost(None, 0.0)
        asked = _limited([count], work.limit)
        return Cost(None if speed is None else asked / speed.evaluated, asked * BYTES["answer"])
    if isinstance(work, WorldSpec):
        return Cost(0.0, work.pictures * BYTES["photo"])
    counts = [count for _, count in _sizes(task, planned) if count is not None]
    embedded = getattr(work, "embed", True)
    return Cost(0.0, sum(counts) * BYTES["photo" if isinstance(work, _OF_PHOTOS) and embedded else "scene"])


def _lines(planned: Plan) -> Iterator[str]:
    study = planned.study
    yield f"{study.name}: {study.title}"
    parts = {"model": study.models, "training set": study.conditions, "seed": study.seeds, "test": study.tests}
    yield ", ".join(quantity(len(items), name) for name, items in parts.items())
    kinds = Counter(task.kind for task in planned.tasks)
    done = Counter(task.kind for task in planned.tasks if is_done(task))
    words = {"images": "image folder", "data": "data set"}
    for kind in ("images", "data", "training", "evaluation", "probe"):
        if kinds[kind]:
            yield f"  {quantity(kinds[kind], words.get(kind, kind))}" + (f", {done[kind]} done" if done[kind] else "")
    if planned.shared:
        yield f"  {quantity(planned.shared, 'run')} more, shared with the above"
    costs = {task.key: cost(task, planned) for task in planned.tasks if not is_done(task)}
    yield from _time(planned, costs)
    size = sum(each.bytes for each in costs.values()) / GIB
    yield from _detectable(planned)
    full = any(isinstance(task.work, TrainSpec) and task.work.method == "full" for task in planned.tasks)
    uncounted = "photos that stay in place" + (", and whole checkpoints of full fine-tuning" if full else "")
    yield f"disk: about {size:.1f} GiB, {uncounted} not counted"


def _detectable(planned: Plan) -> Iterator[str]:
    """Yield the smallest difference to the base that each test detects, and what is assumed."""
    seeds, tests, assumed = len(planned.study.seeds), {test.name: test for test in planned.study.tests}, ""
    for each in planned.record.tests:
        count = _rows((planned.out / each.data), "test", planned)
        if count is None:
            yield f"{each.title}: smallest detectable difference unknown until its questions are counted"
            continue
        items = _limited([count], tests[each.name].options.get("limit"))
        source = tests[each.name].source
        photos = source.world.pictures if isinstance(source, Photos) else None
        if isinstance(source, CocoSpec):
            photos = round(items / QUESTIONS_OF_A_PHOTO)
        found = smallest_difference(Comparison(items, photos and min(photos, items), seeds))
        points = (
            "unknown (three seeds or more are needed)"
            if found.difference is None
            else f"{100 * found.difference:.1f} points"
        )
        yield f"{each.title}: {items:,} questions, smallest detectable difference to the base {points}"
        assumed = found.assumed
    if assumed:
        yield f"  (assumed: {assumed})"


def _time(planned: Plan, costs: dict[str, Cost]) -> Iterator[str]:
    """Yield the time of each model's tasks, on the machine on which its speed was measured."""
    for model in planned.study.models:
        name = model.model.name
        mine = [
            costs[task.key]
            for task in planned.tasks
            if task.model and _base(task, planned) == name and task.key in costs
        ]
        speed = _speed(name)
        if speed is None:
            yield f"{model.title}: {quantity(len(mine), 'task')}; its speed was not measured"
            continue
        known = [each.seconds for each in mine if each.seconds is not None]
        more = f", and {quantity(len(mine) - len(known), 'task')} of unknown size" if len(known) < len(mine) else ""
        yield f"{model.title}: {sum(known) / 3600:.1f} hours{more} on {speed.machine} ({speed.source})"


def _rows(folder: Path, split: str, planned: Plan) -> int | None:
    """Return the number of examples of a split of a data set, made or planned; None if it is not known."""
    if (folder / "manifest.json").exists():
        return Dataset.open(folder).splits.get(split)
    task = next((task for task in planned.tasks if task.folder == folder), None)
    return None if task is None else dict(_sizes(task, planned)).get(split)


def _sizes(task: Task, planned: Plan) -> list[tuple[str, int | None]]:
    """Return the splits of a planned data set with the number of their examples; None where it is not known."""
    if isinstance(task.work, _OF_PHOTOS):
        return _photo_sizes(task.work, [planned.by_key[key] for key in task.needs])
    return _counted(task.work)


@lru_cache
def _counted(spec: Any) -> list[tuple[str, int | None]]:
    """Return the splits of a source with the number of their examples; a design is enumerated for that, once."""
    try:
        return [(name, split.total) for name, split in source_of(spec).splits().items()]
    except NinefoldError:
        return []


def _photo_sizes(spec: CocoSpec | GeneralSpec | RelationsSpec, needs: list[Task]) -> list[tuple[str, int | None]]:
    """Return the sizes of the questions about photos, which are counted only when they are made."""
    worlds = [need.work.pictures for need in needs if isinstance(need.work, WorldSpec)]
    whole = round(worlds[0] * PHOTO_QUESTIONS["nano"]) if worlds else PHOTO_QUESTIONS.get(spec.annotations.name)
    if spec.split == "test":
        return [("test", spec.subset or whole)]  # type: ignore[list-item]
    if spec.subset is not None:
        return [("train", spec.subset), ("validation", spec.subset // 4)]
    shares = {"train": 0.8, "validation": 0.2}
    return [(name, None if whole is None else round(share * whole)) for name, share in shares.items()]


def _limited(counts: list[int | None], limit: int | None) -> int:
    known = [count for count in counts if count is not None]
    return sum(known) if limit is None else sum(min(count, limit) for count in known)


def _base(task: Task, planned: Plan) -> str:
    """Return the name of the model that a task begins with; a checkpoint of full fine-tuning is not there yet."""
    training = next((planned.by_key[key] for key in task.needs if planned.by_key[key].kind == "training"), task)
    return str(training.work.model.name)


def _adapter(work: TrainSpec, speed: Speed | None) -> float:
    """Return the size in bytes of what a training leaves; 0 if it is not known."""
    return 0.0 if speed is None or work.method == "full" else speed.adapter


def _speed(name: str) -> Speed | None:
    """Return the measured speed of a model; None if there is none."""
    if name in REGISTERED or name.startswith("openai:"):
        return None
    checkpoint = find(name)
    return SPEEDS.get("nano" if checkpoint.nano else checkpoint.family.name)
