"""Figures beyond the paper that a study asks for by name: collapse, clip, forgetting and mixtures."""

import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ninefold.analysis import seeds
from ninefold.analysis.statistics import clusters
from ninefold.report.figures import dots, series
from ninefold.report.study.paper_figures import Drawings, titled
from ninefold.report.study.results import INVALID, StudyResults
from ninefold.report.study.values import value
from ninefold.runs.study import BASE, StudiedCondition, StudiedModel

MOST_BESIDE = 2
"""Largest number of tests with their invalid answers beside each; those of more stand below."""

MODES: Mapping[str, str] = dict(zip(INVALID, ("#000000", "#d55e00", "#e69f00", "#56b4e9", "#cc79a7"), strict=True))
"""The color of each kind of invalid answer."""


def further_figures(results: StudyResults) -> Drawings:
    """Return the figures that a study names, or has a group of conditions for, as far as there are runs."""
    found: Drawings = {}
    for name, (group, drawn) in _FIGURES.items():
        if name in results.record.figures or results.group(group):
            conditions = results.group(group) or [one for one in results.record.conditions if one.name != BASE]
            draw = drawn(results, conditions)
            if draw:
                found[name] = draw
    return found


_Drawn = Callable[[], Figure] | None


def collapse(results: StudyResults, conditions: Sequence[StudiedCondition]) -> _Drawn:
    """Return the figure of what decides the collapse: differences to the control, beside the kinds of invalid answers.

    The first condition is the control.
    """
    models = _models(results, conditions)
    if not models:
        return None
    title = f"Change against “{conditions[0].title}”, with 95 % intervals over seeds and questions; every dot is a seed"

    def draw() -> Figure:
        blocks = []
        for model in models:
            tests, rows = _tests(results, model, conditions), [one.title for one in conditions]
            changes = [
                dots.Dots(results.tests[test].title, _changes(results, model, conditions, test), is_change=True)
                for test in tests
            ]
            invalid = [
                dots.Bars(
                    f"{results.tests[test].title}: invalid",
                    tuple(_invalid(results, model, one.name, test) for one in conditions),
                    MODES,
                )
                for test in tests
            ]
            if len(tests) > MOST_BESIDE:
                blocks += [_block(model, rows, changes), _block(model, rows, invalid)]
            else:
                blocks.append(_block(model, rows, [one for pair in zip(changes, invalid, strict=True) for one in pair]))
        return dots.figure(titled(results, title, models), blocks)

    return draw


def clip(results: StudyResults, conditions: Sequence[StudiedCondition]) -> _Drawn:
    """Return the figure of why CLIP does not transfer: accuracy on every test, by condition."""
    models = _models(results, conditions)
    if not models:
        return None
    title = "Accuracy by what is trained, with 95 % intervals; dotted: the base; every dot is a seed"

    def draw() -> Figure:
        blocks = []
        for model in models:
            columns = [
                dots.Dots(
                    results.tests[test].title,
                    tuple(_accuracy(results, model, one.name, test) for one in conditions),
                    line=results.base(model.name, test),
                )
                for test in _tests(results, model, conditions)
            ]
            blocks.append(_block(model, [one.title for one in conditions], columns))
        return dots.figure(titled(results, title, models), blocks)

    return draw


def forgetting(results: StudyResults, conditions: Sequence[StudiedCondition]) -> _Drawn:
    """Return the figure of what fine-tuning forgets: every test before and after, by condition."""
    models = _models(results, conditions)
    if not models:
        return None
    title = "Accuracy before (open) and after fine-tuning (filled), with 95 % intervals; every dot is a seed"

    def draw() -> Figure:
        blocks = []
        for model in models:
            tests = _tests(results, model, conditions)
            columns = [
                dots.Dots(one.title, tuple(_accuracy(results, model, one.name, test, from_base=True) for test in tests))
                for one in conditions
            ]
            blocks.append(_block(model, [results.tests[test].title for test in tests], columns))
        return dots.figure(titled(results, title, models), blocks)

    return draw


def mixtures(results: StudyResults, conditions: Sequence[StudiedCondition]) -> _Drawn:
    """Return the figure of mixtures: accuracy on every test by the share of photos in training.

    Conditions are named after their share in percent, such as "mixture-25".
    """
    shares = {one: share for one in conditions if (share := _share(one.name)) is not None}
    models = _models(results, list(shares))
    if not models:
        return None
    title = "Accuracy by share of photos in training, mean ± standard deviation over seeds; dotted: the base"

    def draw() -> Figure:
        charts = []
        for model in models:
            lines = []
            for test in _tests(results, model, list(shares)):
                points = []
                for one, share in sorted(shares.items(), key=lambda pair: pair[1]):
                    values = list(results.accuracies(model.name, one.name, test).values())
                    if values:
                        found = seeds.summary(values)
                        points.append(series.Point(share, found.mean, found.sd, found.values))
                lines.append(series.Series(results.tests[test].title, tuple(points), results.base(model.name, test)))
            charts.append(series.Chart(model.title, "photos in training, in %", "accuracy in %", tuple(lines)))
        return series.figure(titled(results, title, models), charts)

    return draw


_FIGURES: Mapping[str, tuple[str, Callable[[StudyResults, Sequence[StudiedCondition]], _Drawn]]] = {
    "collapse": ("collapse", collapse),
    "clip": ("clip", clip),
    "forgetting": ("forgetting", forgetting),
    "mixtures": ("mixture", mixtures),
}
"""Group of conditions and drawing of each figure."""


def _models(results: StudyResults, conditions: Sequence[StudiedCondition]) -> list[StudiedModel]:
    """Return the models with a finished evaluation under one of these conditions."""
    return [model for model in results.models if _tests(results, model, conditions)]


def _tests(results: StudyResults, model: StudiedModel, conditions: Sequence[StudiedCondition]) -> list[str]:
    return [test for test in results.tests if any(results.select(model.name, one.name, test) for one in conditions)]


def _block(model: StudiedModel, rows: Sequence[str], columns: Sequence[dots.Dots | dots.Bars]) -> dots.Block:
    return dots.Block(model.title, tuple(rows), tuple(columns))


def _accuracy(
    results: StudyResults, model: StudiedModel, condition: str, test: str, *, from_base: bool = False
) -> dots.Dot | None:
    found = value(results, model, condition, test)
    if found.ours is None:
        return None
    low, high = (None if bound is None else min(max(bound, 0.0), 1.0) for bound in (found.low, found.high))
    return dots.Dot(found.ours.mean, low, high, found.ours.values, found.base if from_base else None)


def _changes(
    results: StudyResults, model: StudiedModel, conditions: Sequence[StudiedCondition], test: str
) -> tuple[dots.Dot | None, ...]:
    """Return the change of each condition against the first one, which shows its seeds alone."""
    control = conditions[0].name
    before = results.accuracies(model.name, control, test).values()
    if not before:
        return (None,) * len(conditions)
    middle = float(np.mean(list(before)))
    answered = _answers(results, model, control, test)
    clustering = results.select(model.name, control, test)[0].run.spec["data"].get("clustering", "group")
    found: list[dots.Dot | None] = [dots.Dot(0.0, values=tuple(one - middle for one in before))]
    for condition in conditions[1:]:
        after = tuple(one - middle for one in results.accuracies(model.name, condition.name, test).values())
        if not after:
            found.append(None)
            continue
        answers = _answers(results, model, condition.name, test).reindex(answered.index).dropna()
        same = answered.loc[answers.index]
        change = seeds.mean_difference(_correct(same), _correct(answers), clusters(same, clustering))
        found.append(dots.Dot(change.value, change.low, change.high, after))
    return tuple(found)


def _answers(results: StudyResults, model: StudiedModel, condition: str, test: str) -> pd.DataFrame:
    """Return right or wrong by example and seed, one row per example, by id, with its group; one column per seed."""
    tables = [results.scores(one.run).set_index("id") for one in results.select(model.name, condition, test)]
    columns = {f"seed {number}": table["correct"] for number, table in enumerate(tables)}
    return pd.DataFrame({"group": tables[0]["group"], **columns}).dropna()


def _correct(answers: pd.DataFrame) -> NDArray[np.bool_]:
    """Return right or wrong, shape (seeds, examples)."""
    return np.asarray(answers.drop(columns="group"), bool).T


def _invalid(results: StudyResults, model: StudiedModel, condition: str, test: str) -> dict[str, float] | None:
    """Return the share of each kind of invalid answer, over all seeds."""
    table = results.table
    rows = table[(table["model"] == model.name) & (table["condition"] == condition) & (table["test"] == test)]
    return None if rows.empty else {kind: float(rows[kind].sum() / rows["n"].sum()) for kind in MODES}


def _share(name: str) -> float | None:
    """Return the share in percent that a name ends with: "mixture-25", or "mixture-0.25"."""
    found = re.search(r"\d+(\.\d+)?$", name)
    if found is None:
        return None
    return float(found[0]) * (100 if found[1] else 1)
