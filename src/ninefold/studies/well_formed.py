"""The form of a study: whether its parts have their types, names are unique and fit into paths, and all named is there.

A description is a user's Python: anything may stand anywhere in it.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from ninefold.runs.shape import hints_of, misfit
from ninefold.runs.study import BASE
from ninefold.studies.description import Study
from ninefold.studies.plan import model_name
from ninefold.training.spec import LARGEST_SEED

LONGEST = 60
"""Largest number of letters of a name: a folder's name holds two of them, and file systems allow 255."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")


def mistyped(study: Study) -> list[str]:
    """Return the values in a description that are not of their type; while there are some, all else is unknown."""
    return list(dict.fromkeys(_mistyped(study)))


def misnamed(study: Study) -> list[str]:
    """Return the faults of names, titles and seeds of a study whose values have their types."""
    return list(dict.fromkeys(_misnamed(study)))


def _mistyped(part: Any, where: str = "") -> Iterator[str]:
    """Yield the values in a description that are not of their field's type."""
    hints = hints_of(part.__class__)
    for field in fields(part):
        value, name = getattr(part, field.name), f"{where}{field.name}"
        wrong = misfit(value, hints[field.name], name)
        if wrong is None:
            continue
        inner = value[int(wrong[len(name) + 1 : -1])] if wrong.startswith(f"{name}[") and wrong.endswith("]") else value
        yield f"{wrong}: {inner!r:.60} is no {type_name(hints[field.name])}"
    for name in ("models", "conditions", "tests", "probes"):
        parts = getattr(part, name, ()) if isinstance(part, Study) else ()
        for at, each in enumerate(parts if isinstance(parts, tuple) else ()):
            if is_dataclass(each):
                yield from _mistyped(each, f"{name}[{at}].")


def type_name(hint: Any) -> str:
    """Return a type as it is written, without the modules of its parts."""
    return re.sub(r"\b(?:\w+\.)+", "", hint.__name__ if isinstance(hint, type) else str(hint))


def _misnamed(study: Study) -> Iterator[str]:
    """Yield the faults of names and numbers."""
    for part, items in (("model", study.models), ("test", study.tests), ("seed", study.seeds)):
        if not items:
            yield f"has no {part}"
    conditions = [BASE, *(each.name for each in study.conditions)]
    tests = [each.name for each in study.tests]
    names = {"model": [model_name(each) for each in study.models], "condition": conditions, "test": tests}
    titles = {
        "model": [each.title for each in study.models],
        "condition": [each.title for each in study.conditions],
        "test": [each.title for each in study.tests],
    }
    for part, given in (*names.items(), *titles.items(), ("seed", study.seeds)):
        yield from (f"{part} {value}: named twice" for value, times in Counter(given).items() if times > 1)
    for part, given in (("study", [study.name]), *names.items()):
        for name in given:
            if not _NAME.fullmatch(name) or len(name) > LONGEST:
                made = f"letters, digits, '-' and '.', at most {LONGEST} of them"
                yield f"{part} {name!r:.80}: a name is made of {made}"
    for part, title in (("study", study.title), *((part, title) for part, given in titles.items() for title in given)):
        if not title.strip() or not title.isprintable():
            yield f"{part} title {title!r:.80}: one line of text is needed, without control characters"
    yield from _out_of_range(study, conditions, tests)
    yield from _same_work(study)


def _out_of_range(study: Study, conditions: Iterable[str], tests: Iterable[str]) -> Iterator[str]:
    """Yield the seeds that no library takes, and the names of conditions and tests that there are not."""
    for seed in study.seeds:
        if not 0 <= seed <= LARGEST_SEED:
            yield f"seed {seed}: seeds are whole numbers from 0 to {LARGEST_SEED}"
    for model in study.models:
        yield from _unknown(f"model {model.title}", "condition", model.conditions, conditions)
    for test in study.tests:
        yield from _unknown(f"test {test.name}", "condition", test.conditions, conditions)
    for probe in study.probes:
        yield from _unknown("probe", "test", (probe.test,), tests)
        yield from _unknown("probe", "condition", probe.conditions, conditions)


def _same_work(study: Study) -> Iterator[str]:
    """Yield the conditions that are the same training under two names, and the tests that are the same questions."""
    for part, items in (("condition", study.conditions), ("test", study.tests)):
        seen: dict[str, str] = {}
        for each in items:
            content = repr((getattr(each, "sources", None) or getattr(each, "source", None), dict(each.options)))
            if getattr(each, "group", "") == "" and content in seen:
                yield f"{part} {each.name}: is the same as {seen[content]}"
            seen.setdefault(content, each.name)


def _unknown(where: str, part: str, named: Iterable[str] | None, known: Iterable[str]) -> Iterator[str]:
    known = set(known)
    yield from (f"{where}: there is no {part} {name!r}" for name in named or () if name not in known)
