"""Figures 1 to 13 of Rizzoli et al. 2025 from a study's runs; a figure without any run is left out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ninefold.analysis.seeds import summary
from ninefold.report.figures import maps, series
from ninefold.report.figures.labels import symbols
from ninefold.report.study import samples
from ninefold.report.study.cautions import cautions
from ninefold.report.study.published import CLIP, LLAVA_NEXT, MOLMO, ONEVISION, QWEN
from ninefold.report.study.results import StudyResults
from ninefold.runs.study import BASE, StudiedModel
from ninefold.space import LABELS
from ninefold.web.wording import slugs

Drawings = dict[str, Callable[[], Figure]]
"""Figures by the stem of their files; each is drawn when it is called."""

SYNTHETIC, COCO = "synthetic", "coco"
"""The paper's two tests; the first is also the name of the condition that its figures show."""

SUBSET = "coco-subset"
"""The condition of Figure 5B."""

PAGE, COLUMN = 7.0, 3.5
"""Widths of a journal's page and column, in inches."""

_MAPS = {QWEN: 4, LLAVA_NEXT: 7, ONEVISION: 8, MOLMO: 9, CLIP: 10}
_PROBES = {QWEN: 6, LLAVA_NEXT: 11, ONEVISION: 12, MOLMO: 13}
"""Numbers of the figures of one model."""

BLUE, ORANGE = 0, 4
"""Numbers of two styles in `palette.LINES`: before and after training."""


def paper_figures(results: StudyResults) -> Drawings:
    """Return all figures of the paper for which there are runs or data sets."""
    found: Drawings = {}
    if sets := samples.sampled(results):
        found["figure-1"] = partial(samples.figure, "Images and questions of each data set", sets)
    found |= _base_maps(results) | _scaling(results)
    for model, slug in zip(results.models, slugs([model.title for model in results.models]), strict=True):
        found |= _model(results, model, slug)
    return found | _transfer(results)


def _base_maps(results: StudyResults) -> Drawings:
    """Return Figure 2: maps of the bases on synthetic images, accuracy (A) and majority votes (B)."""
    bases = [model for model in results.models if results.select(model.name, BASE, SYNTHETIC)]
    accuracy = [panel for model in bases if (panel := _accuracy(results, model, BASE, SYNTHETIC, model.title))]
    if not accuracy:
        return {}
    test = _test(results, SYNTHETIC)
    title = titled(results, f"Accuracy of each base by cell on {test}", bases)
    return {
        "figure-2a": partial(maps.figure, title, accuracy, width=_width(accuracy)),
        "figure-2b": partial(_draw_votes, results, f"Majority vote of each base by cell on {test}", BASE, SYNTHETIC),
    }


def _width(panels: Sequence[maps.Panel]) -> float:
    """Return the width of a figure of maps: a page for three in a row, less for fewer, all with maps of one size."""
    return COLUMN if len(panels) == 1 else PAGE * min(len(panels), 3) / 3


def _scaling(results: StudyResults) -> Drawings:
    """Return Figure 3: accuracy by number of training examples, on synthetic images (a) and on COCO (b)."""
    found: Drawings = {}
    for letter, test in (("a", SYNTHETIC), ("b", COCO)):
        lines = [line for model in results.models if (line := curve(results, model, test))]
        if lines:
            drawn = [model for model in results.models if model.title in {line.name for line in lines}]
            chart = series.Chart(_test(results, test), "training examples", "accuracy in %", tuple(lines), is_log=True)
            title = titled(results, "Accuracy by size of the training set, mean ± standard deviation over seeds", drawn)
            found[f"figure-3{letter}"] = partial(series.figure, title, [chart])
    return found


def curve(results: StudyResults, model: StudiedModel, test: str) -> series.Series | None:
    """Return the scaling curve of a model, ready to draw; None without runs."""
    found = results.scaling(model.name, test)
    if found is None:
        return None
    sizes = [(point.size, point.accuracy) for point in found.points if point.size]
    points = tuple(series.Point(size, one.mean, one.sd, one.values if one.sd else ()) for size, one in sizes)
    return series.Series(model.title, points, results.base(model.name, test))


def _model(results: StudyResults, model: StudiedModel, slug: str) -> Drawings:
    """Return the figures of one model: maps before and after (4, 7 to 10), and probes (6, 11 to 13)."""
    found: Drawings = {}
    if any(results.accuracy_map(model.name, SYNTHETIC, test) for test in (SYNTHETIC, COCO)):
        title = titled(results, f"{model.title}: accuracy by cell before and after fine-tuning", [model])
        panels = _before_and_after(results, model)
        found[f"figure-{_number(model, _MAPS, 4)}-{slug}"] = partial(maps.figure, title, panels, 2, width=COLUMN)
    charts = [chart for test in (SYNTHETIC, COCO) if (chart := _probes(results, model, test))]
    if charts:
        title = titled(results, f"{model.title}: linear probes by layer", [model])
        found[f"figure-{_number(model, _PROBES, 6)}-{slug}"] = partial(series.figure, title, charts)
    return found


def _number(model: StudiedModel, numbers: Mapping[str, int], other: int) -> int:
    """Return the number of the paper's figure of a model, or of a nano base of its family; ``other`` for others."""
    name = slugs([model.title])[0].removeprefix("nano-")
    family = next((title for title in numbers if f"{name}-".startswith(f"{slugs([title])[0]}-")), None)
    return numbers[family] if family else other


def _before_and_after(results: StudyResults, model: StudiedModel) -> list[maps.Panel]:
    panels = []
    for test in (SYNTHETIC, COCO):
        pair = []
        for word, condition in (("before", BASE), ("after", SYNTHETIC)):
            runs = len(results.select(model.name, condition, test))
            seeds = f" (mean of {runs} seeds)" if runs > 1 else ""
            pair.append(_accuracy(results, model, condition, test, f"{_test(results, test)}, {word}{seeds}"))
        if any(pair):
            missing = maps.Panel("accuracy", f"{_test(results, test)}: not done yet", "", (), 9)
            panels += [replace(panel, note="") if panel else missing for panel in pair]
    return panels


def _accuracy(results: StudyResults, model: StudiedModel, condition: str, test: str, title: str) -> maps.Panel | None:
    found = results.accuracy_map(model.name, condition, test)
    if found is None:
        return None
    cells = [[None if np.isnan(cell) else float(cell) for cell in row] for row in found.accuracy]
    return maps.accuracy_map(title, cells, found.n.tolist())


def _transfer(results: StudyResults) -> Drawings:
    """Return Figure 5: majority votes on COCO, tuned on synthetic images (A) and on the subset of COCO (B)."""
    found: Drawings = {}
    for letter, condition in (("a", SYNTHETIC), ("b", SUBSET)):
        if any(results.accuracy_map(model.name, condition, COCO) for model in results.models):
            tuned = results.conditions[condition].title
            title = f"Majority vote by cell on {_test(results, COCO)}, tuned on {tuned}, all seeds together"
            found[f"figure-5{letter}"] = partial(_draw_votes, results, title, condition, COCO)
    return found


def _draw_votes(results: StudyResults, title: str, condition: str, test: str) -> Figure:
    """Draw the majority votes of all models; score tables are read now."""
    signs = symbols([*LABELS, *(label for label in results.labels(test) if label not in LABELS)])
    found = [(model, results.vote_map(model.name, condition, test)) for model in results.models]
    panels = [maps.vote_map(model.title, one.votes, one.n, one.answers, signs) for model, one in found if one]
    return maps.figure(titled(results, title, [model for model, one in found if one]), panels, width=_width(panels))


def _probes(results: StudyResults, model: StudiedModel, test: str) -> series.Chart | None:
    """Return the probes of a model before (blue) and after (orange); bars are the deviation over fine-tuning runs."""
    lines, level = [], None
    for condition in results.conditions.values():
        runs = [one.run for one in results.probed(model.name, condition.name, test)]
        if not runs:
            continue
        means = pd.DataFrame([run.accuracies.groupby("layer")["accuracy"].mean() for run in runs])
        by_layer = {float(layer): summary(means[layer].dropna().tolist()) for layer in means.columns}
        points = tuple(series.Point(layer, found.mean, found.sd) for layer, found in by_layer.items())
        after = {SYNTHETIC: "after fine-tuning", BASE: "before"}.get(condition.name, f"tuned on {condition.title}")
        lines.append(series.Series(after, points, style={BASE: BLUE, SYNTHETIC: ORANGE}.get(condition.name)))
        level = (float(runs[0].metrics["most_frequent"]), "most frequent answer")
    if not lines:
        return None
    return series.Chart(
        _test(results, test), "layer of the language model", "accuracy in %", tuple(lines), spread="bars", level=level
    )


def _test(results: StudyResults, name: str) -> str:
    return results.tests[name].title if name in results.tests else name


def titled(results: StudyResults, title: str, models: Sequence[StudiedModel] | None = None) -> str:
    """Return the title of a figure, which says what a reader must know about its models."""
    return (
        " ".join([f"{title}.", *found]) if (found := cautions(results.models if models is None else models)) else title
    )
