"""The provenance of a study: what all runs of a kind and model share, and a table of what differs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ninefold.report.study.finished import Absent, Finished
from ninefold.report.study.results import StudyResults
from ninefold.report.test_sets import Run
from ninefold.store import canonical_json
from ninefold.web.wording import excerpt

KINDS = {"training": "Trainings", "evaluation": "Evaluations", "probe": "Probes"}
"""Titles of the kinds of runs."""

LONGEST = 400
"""Largest number of characters shown of a value."""


@dataclass(frozen=True, slots=True)
class RunTable:
    """The facts of the runs of one kind and model."""

    title: str
    """Kind and model."""
    model: str
    """Title of the model."""
    shared: Mapping[str, Any]
    """Facts that all runs share."""
    head: tuple[str, ...]
    """Names of the facts that differ."""
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    """Folder of each run, and its values."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Runs of one model and condition that are missing for the same reason."""

    model: str
    """Title of the model."""
    condition: str
    """Title of the condition."""
    state: str
    """State of the runs."""
    runs: str
    """The runs in words."""
    reason: str
    """Reason; empty if they are just not done yet."""


def run_tables(results: StudyResults) -> list[RunTable]:
    """Return the facts of all finished runs, by kind and model."""
    kinds: Mapping[str, Sequence[Finished[Any]]] = {
        "training": results.trainings,
        "evaluation": results.evaluations,
        "probe": results.probes,
    }
    tables = []
    for kind, runs in kinds.items():
        for model in results.record.models:
            found = {one.of.folder: _flat(_facts(one.run)) for one in runs if one.of.model == model.name}
            if found:
                tables.append(_table(f"{KINDS[kind]} of {model.title}", model.title, found))
    return tables


def machines(results: StudyResults) -> list[str]:
    """Return the hardware of the runs, each machine once, in words."""
    runs: list[Finished[Any]] = [*results.trainings, *results.evaluations, *results.probes]
    return list(dict.fromkeys(_machine(one.run) for one in runs if one.run.provenance.get("machine")))


def _machine(run: Run) -> str:
    machine = run.provenance["machine"]
    device = str(run.provenance.get("device") or "cpu")
    name = machine.get("gpu") or ("" if device.startswith("cpu") else f"a GPU ({device.partition(':')[0]})")
    cores = machine.get("cores")
    cpu = f"{machine.get('processor') or 'CPU'}{f' with {cores} cores' if cores else ''}"
    system = str(machine.get("system") or "").partition("-")[0]
    return ", ".join(part for part in (name, cpu, system) if part)


def gaps(results: StudyResults) -> list[Gap]:
    """Return the runs that are not done, those of one model and condition with the same reason together."""
    models = {model.name: model.title for model in results.record.models}
    conditions = {condition.name: condition.title for condition in results.record.conditions}
    tests = {test.name: test.title for test in results.record.tests}
    found: dict[tuple[str, str, str, str], list[Absent]] = {}
    for one in results.absent:
        found.setdefault((one.of.model, one.of.condition, one.state, one.reason), []).append(one)
    return [
        Gap(models.get(model, model), conditions.get(condition, condition), state, _named(runs, tests), reason)
        for (model, condition, state, reason), runs in sorted(
            found.items(), key=lambda pair: pair[0][2] not in ("failed", "unreadable")
        )
    ]


def _named(runs: Iterable[Absent], tests: Mapping[str, str]) -> str:
    """Return runs in words, such as "evaluation on COCO (seeds 0, 1)"."""
    seeds: dict[str, list[str]] = {}
    for one in runs:
        of = one.of
        what = of.kind if of.test is None else f"{of.kind} on {tests.get(of.test, of.test)}"
        seeds.setdefault(what, []).extend([] if of.seed is None else [str(of.seed)])
    return "; ".join(
        f"{what} ({'seed' if len(found) == 1 else 'seeds'} {', '.join(found)})" if found else what
        for what, found in seeds.items()
    )


def _facts(run: Run) -> dict[str, Any]:
    inputs = {"image processor": run.image_inputs["settings"]} if run.image_inputs else {}
    return {"spec": run.spec, **run.provenance, **inputs}


def _flat(facts: Mapping[str, Any], start: str = "") -> dict[str, Any]:
    """Return nested facts under joined names, such as "machine.cores"."""
    flat: dict[str, Any] = {}
    for key, value in facts.items():
        if isinstance(value, Mapping) and value:
            flat.update(_flat(value, f"{start}{key}."))
        else:
            flat[f"{start}{key}"] = value
    return flat


def _table(title: str, model: str, runs: Mapping[str, Mapping[str, Any]]) -> RunTable:
    names = list(dict.fromkeys(name for facts in runs.values() for name in facts))
    texts = {name: {canonical_json(facts.get(name)) for facts in runs.values()} for name in names}
    shared = {name: next(iter(runs.values())).get(name) for name in names if len(texts[name]) == 1}
    head = tuple(name for name in names if len(texts[name]) > 1)
    rows = tuple((folder, tuple(_text(facts.get(name)) for name in head)) for folder, facts in runs.items())
    return RunTable(title, model, shared, head, rows)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return excerpt(value if isinstance(value, str) else canonical_json(value), LONGEST)
