"""The check of a study before anything runs: all of its faults at once."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from ninefold import console
from ninefold.data.format.dataset import Dataset
from ninefold.data.make import inputs_of
from ninefold.data.sources.catalog import source_of
from ninefold.errors import NinefoldError, RunError, printable
from ninefold.models import identity
from ninefold.models.load import check_trainable
from ninefold.models.registry import REGISTERED
from ninefold.models.spec import ModelSpec
from ninefold.runs.study import BASE
from ninefold.studies.description import Photos, Study
from ninefold.studies.plan import evaluate_spec, model_name, train_spec

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")


def check(study: Study) -> None:
    """Refuse a study that cannot be carried out; each of its faults is told in a line of its own.

    Raises:
        RunError: If it has faults; the message holds the only one, or how many there are.
    """
    found = list(faults(study))
    if len(found) == 1:
        raise RunError(f"study {study.name}: {found[0]}; nothing was run")
    for fault in found:
        console.warn(f"study {study.name}: {printable(fault)}")
    if found:
        raise RunError(f"study {study.name}: the {len(found)} faults above; nothing was run")


def faults(study: Study) -> list[str]:
    """Return all faults of a study, in one line each."""
    return list(dict.fromkeys(_faults(study)))


def _faults(study: Study) -> Iterator[str]:
    yield from _structure(study)
    for test in study.tests:
        yield from _said(f"test {test.name}", partial(_check_source, test.source))
        yield from _said(f"test {test.name}", partial(evaluate_spec, ModelSpec("nano"), test, Path("data")))
    for condition in study.conditions:
        if not condition.sources:
            yield f"condition {condition.name}: names no source of examples"
        for source in condition.sources:
            yield from _said(f"condition {condition.name}", partial(_check_source, source))
    for model in study.models:
        yield from _said(f"model {model.title}", partial(_check_model, model.model))
        trained = [each for each in study.conditions if model.conditions is None or each.name in model.conditions]
        if trained:
            yield from _said(f"model {model.title}", partial(check_trainable, model.model.name))
        for condition in trained:
            data = tuple(Path(f"data-{number}") for number in range(len(condition.sources))) or (Path("data"),)
            where = f"condition {condition.name}"
            yield from _said(where, partial(train_spec, model, condition, 0, data))


def _structure(study: Study) -> Iterator[str]:
    """Yield the faults of names and numbers."""
    for part, items in (("model", study.models), ("test", study.tests), ("seed", study.seeds)):
        if not items:
            yield f"has no {part}"
    conditions = [BASE, *(each.name for each in study.conditions)]
    tests = [each.name for each in study.tests]
    names: dict[str, list[str]] = {
        "model": [model_name(each) for each in study.models],
        "condition": conditions,
        "test": tests,
    }
    for part, given in names.items():
        yield from (f"{part} {name}: named twice" for name, times in Counter(given).items() if times > 1)
    yield from (f"seed {seed}: named twice" for seed, times in Counter(study.seeds).items() if times > 1)
    for part, given in names.items():
        yield from (f"{part} {name!r}: a name is made of letters, digits, '-' and '.'" for name in _misnamed(given))
    for seed in study.seeds:
        if type(seed) is not int or seed < 0:
            yield f"seed {seed!r}: seeds are whole numbers of 0 or more"
    for model in study.models:
        yield from _unknown(f"model {model.title}", "condition", model.conditions, conditions)
    for test in study.tests:
        yield from _unknown(f"test {test.name}", "condition", test.conditions, conditions)
    for probe in study.probes:
        yield from _unknown("probe", "test", (probe.test,), tests)
        yield from _unknown("probe", "condition", probe.conditions, conditions)
    yield from _same_work(study)


def _same_work(study: Study) -> Iterator[str]:
    """Yield the conditions that are the same training under two names, and the tests that are the same questions."""
    for part, items in (("condition", study.conditions), ("test", study.tests)):
        seen: dict[str, str] = {}
        for each in items:
            content = repr((getattr(each, "sources", None) or getattr(each, "source", None), dict(each.options)))
            if getattr(each, "group", "") == "" and content in seen:
                yield f"{part} {each.name}: is the same as {seen[content]}"
            seen.setdefault(content, each.name)


def _misnamed(names: Iterable[str]) -> Iterator[str]:
    return (name for name in names if not _NAME.fullmatch(name))


def _unknown(where: str, part: str, named: Iterable[str] | None, known: Iterable[str]) -> Iterator[str]:
    known = set(known)
    yield from (f"{where}: there is no {part} {name!r}" for name in named or () if name not in known)


def _check_source(source: Any) -> None:
    """Refuse a source whose files are not there."""
    if isinstance(source, Path):
        Dataset.open(source)
        return
    if isinstance(source, Photos):
        source_of(source.spec(Path()))
        return
    made = source_of(source)
    if missing := [path for path in inputs_of(made) if not path.exists()]:
        raise RunError(f"{missing[0]}: no such file or folder; the study reads it")


def _check_model(model: Any) -> None:
    if model.name not in REGISTERED:
        identity.resolve(model)


def _said(where: str, work: Callable[[], object]) -> Iterator[str]:
    """Yield what is wrong with a part of a study, if its check raises an error."""
    try:
        work()
    except NinefoldError as error:
        yield f"{where}: {error}"
    except (TypeError, ValueError, AttributeError) as error:
        # A description is a user's Python: an option may not exist, a value be of any type.
        yield f"{where}: {type(error).__name__}: {error}"
