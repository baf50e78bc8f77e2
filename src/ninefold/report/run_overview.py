"""The overview of a report of single runs: models and what they were trained on, by sets of examples.

Runs whose trainings differ in the seed alone are one condition.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from ninefold.errors import RunError
from ninefold.report.overview import Cell, Overview, Row, in_order, measure
from ninefold.report.test_sets import Evaluation, TestSet, Training
from ninefold.runs import lineage
from ninefold.runs.folder import read_spec
from ninefold.runs.outcome import outcome, run_id
from ninefold.store import canonical_json

BASE = "base"
"""Title of the condition without training."""


@dataclass
class Condition:
    """A model and what it was trained on, with its runs of all seeds: a row of the overview."""

    key: str
    """Key of the base model, which models tuned from it share."""
    model: str
    """Title of the model."""
    title: str
    """What it was trained on."""
    is_base: bool
    """Whether the model was not tuned."""
    examples: int | None
    """Number of training examples; None if there are none, or if it is not known."""
    runs: dict[str, list[tuple[int | None, Evaluation, Evaluation | None]]] = field(default_factory=dict)
    """Seed, run and base of each run, by name of the set."""


def conditions(sets: Sequence[TestSet], trainings: Sequence[Training]) -> list[Condition]:
    """Return the models and what they were trained on, each base before its tuned models.

    Args:
        sets: The sets with their runs.
        trainings: The training runs of the report; those of other tuned models are looked for where they were.
    """
    examples = {run.spec["id"]: (run.metrics.get("examples") or {}).get("train") for run in trainings}
    found: dict[tuple[str, str], Condition] = {}
    for test_set in sets:
        for result in test_set.results:
            key, seed, new = _condition(result.run, result.name, examples)
            condition = found.setdefault((new.key, key), new)
            condition.runs.setdefault(test_set.name, []).append((seed, result.run, result.base))
    models = list(dict.fromkeys(model for model, _ in found))
    return _told_apart(sorted(found.values(), key=lambda one: (models.index(one.key), not one.is_base)))


def overview(found: Sequence[Condition], sets: Sequence[TestSet], anchors: Sequence[str]) -> Overview | None:
    """Return the overview of the runs of a report; None for a single model that was tuned once or not at all.

    Args:
        found: The models and what they were trained on.
        sets: The sets with their runs.
        anchors: Names of the sets in links.
    """
    if len(found) < 3 and len({one.key for one in found}) < 2:
        return None
    return Overview(tuple(test_set.name for test_set in sets), tuple(_row(one, sets, anchors) for one in found))


def _model(run: Evaluation) -> str:
    """Return the key that runs of one base model share on all sets, of models tuned from it too."""
    model = {key: value for key, value in run.base_model.items() if key != "adapter"}
    return canonical_json([outcome({"model": model}), run.spec.get("scoring")])


def _condition(run: Evaluation, name: str, examples: Mapping[str, Any]) -> tuple[str, int | None, Condition]:
    """Return the key of a run's condition, its seed, and a new condition for it."""
    model = _model(run)
    if run.is_base:
        return BASE, None, Condition(model, run.subject, BASE, True, None)
    spec = _training_spec(run.tuned_by)
    if spec is None:
        return str(run.tuned_by or run.folder), None, Condition(model, run.subject, name, False, None)
    sets = [str(one.get("name")) for one in spec.get("data") or () if isinstance(one, Mapping)]
    title = " and ".join(sets) or name
    key = run_id({name: value for name, value in spec.items() if name != "seed"})
    seed = spec.get("seed")
    known = examples.get(spec["id"])
    return key, seed if isinstance(seed, int) else None, Condition(model, run.subject, title, False, known)


def _training_spec(tuned_by: Path | None) -> dict[str, Any] | None:
    """Return the specification of the training that tuned a model, if it is still where it was."""
    run = None if tuned_by is None else lineage.training_run(tuned_by)
    try:
        return None if run is None else read_spec(run)
    except RunError:
        return None


def _row(condition: Condition, sets: Sequence[TestSet], anchors: Sequence[str]) -> Row:
    cells = tuple(
        _cell(condition.runs.get(test_set.name, []), f"set-{anchor}")
        for test_set, anchor in zip(sets, anchors, strict=True)
    )
    return Row(condition.model, condition.title, condition.is_base, condition.examples, cells)


def _cell(runs: Sequence[tuple[int | None, Evaluation, Evaluation | None]], anchor: str) -> Cell:
    if not runs:
        return Cell("", None, "not evaluated")
    _, first, base = runs[0]
    tables = [(seed, _like(run, first)) for seed, run, _ in runs]
    before = None if base is None else _like(base, first)
    return Cell(anchor, measure(tables, before, first.spec["data"].get("clustering", "group")))


def _like(run: Evaluation, first: Evaluation) -> pd.DataFrame:
    """Return the score table of a run, in the order of that of another run on the same examples."""
    table = in_order(run.scores, first.scores)
    if table is None:
        raise RunError(
            f"{run.folder}: its scores are of other examples than those of {first.folder};"
            f" run: ninefold score {run.folder} {first.folder}"
        )
    return table


def _told_apart(found: Sequence[Condition]) -> list[Condition]:
    """Return the conditions with a number behind titles that several of a model share."""
    titles = [(one.model, one.title) for one in found]
    return [
        replace(one, title=f"{one.title} #{titles[: at + 1].count(title)}") if titles.count(title) > 1 else one
        for at, (one, title) in enumerate(zip(found, titles, strict=True))
    ]
