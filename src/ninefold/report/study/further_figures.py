"""Figures beyond the paper that a study asks for by name: collapse, clip, forgetting and mixtures."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial

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
from ninefold.web.wording import percent

MOST_BESIDE = 2
"""Largest number of tests with their invalid answers beside each; those of more stand below."""

FEWEST = 0.01
"""Smallest share of invalid answers that is drawn; a figure whose shares are all smaller states the largest."""

FEWEST_SEEDS = 3
"""Smallest number of seeds with an interval over seeds: that of two has one degree of freedom, and says nothing."""

INTERVALS = f"95 % intervals over {FEWEST_SEEDS} seeds or more; every dot is a seed"
"""What a figure of accuracies says about its marks."""

MODES: Mapping[str, str] = dict(zip(INVALID, ("#000000", "#d55e00", "#e69f00", "#56b4e9", "#cc79a7"), strict=True))
"""The color of each kind of invalid answer."""


def further_figures(results: StudyResults) -> Drawings:
    """Return the figures that a study names, or has a group of conditions for, as far as there are runs."""
    found: Drawings = {}
    for name, (group, draw) in _FIGURES.items():
        if name in results.record.figures or results.group(group):
            conditions = results.group(group) or [one for one in results.record.conditions if one.name != BASE]
            models = [model for model in results.models if _tests(results, model, conditions)]
            if models:
                found[name] = partial(draw, results, models, conditions)
    return found


def collapse(results: StudyResults, models: Sequence[StudiedModel], conditions: Sequence[StudiedCondition]) -> Figure:
    """Draw what decides the collapse: changes against the first condition, beside the kinds of invalid answers."""
    invalid = {
        (model.name, test): tuple(
            _invalid(results, model, one.name, test) for one in _planned(results, model, conditions)
        )
        for model in models
        for test in _tests(results, model, conditions)
    }
    largest = max(sum(shares.values()) for rows in invalid.values() for shares in rows if shares)
    blocks = []
    for model in models:
        shown, tests = _planned(results, model, conditions), _tests(results, model, conditions)
        titles, rows = [results.tests[test].title for test in tests], [one.title for one in shown]
        changes: list[dots.Dots | dots.Bars] = [
            dots.Dots(title, _changes(results, model, conditions[0].name, shown, test), is_change=True)
            for test, title in zip(tests, titles, strict=True)
        ]
        bars: list[dots.Dots | dots.Bars] = [
            dots.Bars(f"{title}: invalid", invalid[model.name, test], MODES)
            for test, title in zip(tests, titles, strict=True)
        ]
        if largest < FEWEST:
            blocks.append(_block(model, rows, changes))
        elif len(tests) > MOST_BESIDE:
            blocks += [_block(model, rows, changes), _block(model, rows, bars)]
        else:
            blocks.append(_block(model, rows, [one for pair in zip(changes, bars, strict=True) for one in pair]))
    title = f"Change against “{conditions[0].title}”, with 95 % intervals over seeds and questions; every dot is a seed"
    if largest < FEWEST:
        share = f"at most {percent(largest, 1)} of answers are" if largest else "no answer is"
        title += f"; {share} invalid under any condition"
    return dots.figure(titled(results, title, models), blocks)


def clip(results: StudyResults, models: Sequence[StudiedModel], conditions: Sequence[StudiedCondition]) -> Figure:
    """Draw why CLIP does not transfer: accuracy on every test, by condition."""
    blocks = []
    for model in models:
        shown = _planned(results, model, conditions)
        columns = [
            dots.Dots(
                results.tests[test].title,
                tuple(_accuracy(results, model, one.name, test) for one in shown),
                line=results.base(model.name, test),
            )
            for test in _tests(results, model, conditions)
        ]
        blocks.append(_block(model, [one.title for one in shown], columns))
    title = f"Accuracy by what is trained; dotted: the base; {INTERVALS}"
    return dots.figure(titled(results, title, models), blocks)


def forgetting(results: StudyResults, models: Sequence[StudiedModel], conditions: Sequence[StudiedCondition]) -> Figure:
    """Draw what fine-tuning forgets: every test before and after, by condition."""
    blocks = []
    for model in models:
        tests = _tests(results, model, conditions)
        columns = [
            dots.Dots(one.title, tuple(_accuracy(results, model, one.name, test, from_base=True) for test in tests))
            for one in _planned(results, model, conditions)
        ]
        blocks.append(_block(model, [results.tests[test].title for test in tests], columns))
    title = f"Accuracy before (open) and after fine-tuning (filled); {INTERVALS}"
    return dots.figure(titled(results, title, models), blocks)


def mixtures(results: StudyResults, models: Sequence[StudiedModel], conditions: Sequence[StudiedCondition]) -> Figure:
    """Draw mixtures: accuracy on every test by the share of photos in training.

    Conditions are named after their share in percent, such as "mixture-25"; others are left out.
    """
    shares = sorted((share, one.name) for one in conditions if (share := _share(one.name)) is not None)
    charts = []
    for model in models:
        lines = []
        for test in _tests(results, model, conditions):
            found = [(share, list(results.accuracies(model.name, name, test).values())) for share, name in shares]
            points = [(share, seeds.summary(values)) for share, values in found if values]
            drawn = tuple(series.Point(share, one.mean, one.sd, one.values) for share, one in points)
            lines.append(series.Series(results.tests[test].title, drawn, results.base(model.name, test)))
        charts.append(series.Chart(model.title, "photos in training, in %", "accuracy in %", tuple(lines)))
    title = "Accuracy by share of photos in training, mean ± standard deviation over seeds; dotted: the base"
    return series.figure(titled(results, title, models), charts)


_Draw = Callable[[StudyResults, Sequence[StudiedModel], Sequence[StudiedCondition]], Figure]

_FIGURES: Mapping[str, tuple[str, _Draw]] = {
    "collapse": ("collapse", collapse),
    "clip": ("clip", clip),
    "forgetting": ("forgetting", forgetting),
    "mixtures": ("mixture", mixtures),
}
"""Group of conditions and drawing of each figure."""

NAMES = tuple(_FIGURES)
"""Names of the figures."""


def _planned(
    results: StudyResults, model: StudiedModel, conditions: Sequence[StudiedCondition]
) -> list[StudiedCondition]:
    """Return the conditions under which a model has runs, done or not."""
    planned = {run.condition for run in results.record.runs if run.model == model.name}
    return [one for one in conditions if one.name in planned]


def _tests(results: StudyResults, model: StudiedModel, conditions: Sequence[StudiedCondition]) -> list[str]:
    """Return the tests that a model has finished under one of these conditions."""
    return [test for test in results.tests if any(results.select(model.name, one.name, test) for one in conditions)]


def _block(model: StudiedModel, rows: Sequence[str], columns: Sequence[dots.Dots | dots.Bars]) -> dots.Block:
    return dots.Block(model.title, tuple(rows), tuple(columns))


def _accuracy(
    results: StudyResults, model: StudiedModel, condition: str, test: str, *, from_base: bool = False
) -> dots.Dot | None:
    found = value(results, model, condition, test)
    if found.ours is None:
        return None
    low, high = (found.low, found.high) if len(found.seeds) >= FEWEST_SEEDS else (None, None)
    return dots.Dot(found.ours.mean, low, high, found.ours.values, found.base if from_base else None)


def _changes(
    results: StudyResults, model: StudiedModel, control: str, conditions: Sequence[StudiedCondition], test: str
) -> tuple[dots.Dot | None, ...]:
    """Return the change of each condition against the control, which shows its seeds alone."""
    before = list(results.accuracies(model.name, control, test).values())
    if not before:
        return (None,) * len(conditions)
    answered = _answers(results, model, control, test)
    clustering = results.select(model.name, control, test)[0].run.spec["data"].get("clustering", "group")
    found: list[dots.Dot | None] = []
    for condition in conditions:
        after = list(results.accuracies(model.name, condition.name, test).values())
        values = tuple(one - float(np.mean(before)) for one in after)
        if condition.name == control or not values:
            found.append(dots.Dot(0.0, values=values) if values else None)
            continue
        if min(len(before), len(after)) < FEWEST_SEEDS:
            found.append(dots.Dot(float(np.mean(values)), values=values))
            continue
        answers = _answers(results, model, condition.name, test).reindex(answered.index).dropna()
        same = answered.loc[answers.index]
        change = seeds.mean_difference(_correct(same), _correct(answers), clusters(same, clustering))
        found.append(dots.Dot(change.value, change.low, change.high, values))
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
