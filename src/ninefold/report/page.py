"""The page: runs in, one self-contained HTML file and a folder of figures out."""

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure

from ninefold.report import certificates, comparison, headline, image_inputs, tables, wording
from ninefold.report.figures import curves, files, intervals, maps, palette
from ninefold.report.gallery import Gallery, gallery
from ninefold.report.test_sets import Evaluation, Run, TestSet, Training, group, read_runs
from ninefold.store import write_text
from ninefold.version import __version__

GALLERY = 243
"""Examples a set shows at most: three a cell."""

PICTURES = 600
"""Examples all sets show at most: what keeps a page within a few megabytes."""


@dataclass(frozen=True, slots=True)
class SetSection:
    """One set of the report, ready to draw."""

    anchor: str
    """Its name in links and file names."""
    name: str
    """What the set is called."""
    questions: int
    """How many questions it asks."""
    uncertainty: str
    """What its intervals mean."""
    scale: intervals.Scale
    """All accuracies."""
    headline: tuple[comparison.Change, ...]
    """What fine-tuning changed, where one model was tuned once."""
    has_change: bool
    """Whether base and tuned are compared."""
    grid: int | None
    """Cells along each side of its maps, where it has any."""
    accuracy: tuple[maps.Panel, ...]
    """Maps of accuracy, and of its change."""
    votes: tuple[maps.Panel, ...]
    """Maps of majority votes."""
    numbers: tuple[tables.Table, ...]
    """Accuracy, regions and invalid answers."""
    confusions: tuple[tables.Table, ...]
    """What is taken for what, one a run."""
    gallery: Gallery
    """Examples."""


@dataclass(frozen=True, slots=True)
class Record:
    """How one run came about."""

    title: str
    """Kind and folder."""
    command: str
    """What was typed."""
    facts: Mapping[str, Any]
    """Its specification, versions, machine and times."""


def report(runs: Sequence[Path], out: Path) -> None:
    """Write a report on run folders, and a folder of its figures as PDF and PNG beside it.

    Args:
        runs: Folders that train and evaluate wrote, in any order. Base and tuned evaluations of the same examples are
            compared item by item.
        out: The HTML file; figures go to ``<stem>-figures/`` beside it.

    Raises:
        RunError: If a folder is no finished, scored run.
    """
    evaluations, trainings = read_runs(runs)
    sets = group(evaluations)
    anchors = wording.slugs([test_set.name for test_set in sets])
    limit = min(GALLERY, PICTURES // max(len(sets), 1))
    parts = [_part(test_set, anchor, limit) for test_set, anchor in zip(sets, anchors, strict=True)]
    losses = [curve for run in trainings if (curve := curves.losses(run.folder.name, run.history))]
    folder = out.with_name(f"{out.stem}-figures")
    for stem, drawing in _figures(parts, losses).items():
        files.save(drawing, folder / stem)
    everything: list[Run] = [*evaluations, *trainings]
    proofs = certificates.proofs(everything)
    page = _environment().get_template("page.html.j2")
    script = _template("page.js")
    write_text(
        out,
        page.render(
            version=__version__,
            style=Markup(_template("style.css")),
            script=Markup(script),
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
            sentences=headline.sentences(sets),
            nano=sorted({run.model for run in everything if run.is_nano}),
            parts=parts,
            sights=image_inputs.tables(everything),
            curves=losses,
            proofs=proofs,
            limits=list(dict.fromkeys(limit for proof in proofs for limit in proof.limits)),
            records=[_record(run) for run in everything],
            figures=folder.name,
            label_colors=palette.LABEL_COLORS,
            accuracy_ramp=[palette.accuracy_color(step / 20) for step in range(21)],
            difference_ramp=[palette.difference_color(step / 20) for step in range(-20, 21)],
        ),
    )


def _part(test_set: TestSet, anchor: str, limit: int) -> SetSection:
    changes = tuple(comparison.change(*pair) for pair in test_set.pairs)
    return SetSection(
        anchor=anchor,
        name=test_set.name,
        questions=test_set.questions,
        uncertainty=f"Intervals: {test_set.columns[0].run.metrics['interval']}.",
        scale=_scale(test_set),
        headline=changes if len(changes) == 1 else (),
        has_change=bool(changes),
        grid=test_set.grid,
        accuracy=_accuracy_maps(test_set) if test_set.grid else (),
        votes=_vote_maps(test_set) if test_set.grid else (),
        numbers=tables.numbers(test_set),
        confusions=tuple(tables.confusion(column) for column in test_set.columns),
        gallery=gallery(test_set, limit),
    )


def _accuracy_maps(test_set: TestSet) -> tuple[maps.Panel, ...]:
    panels, bases = [], {tuned.name: base for base, tuned in test_set.pairs}
    for column in test_set.columns:
        accuracies, counts = (column.run.metrics[key] for key in ("by_cell", "n_by_cell"))
        panels.append(maps.accuracy_map(column.name, accuracies, counts))
        if base := bases.get(column.name):
            title = "change" if len(bases) == 1 else f"change, {column.name}"
            sure = comparison.sure_cells(base, column).tolist()
            panels.append(maps.difference_map(title, base.run.metrics["by_cell"], accuracies, counts, sure))
    return tuple(panels)


def _vote_maps(test_set: TestSet) -> tuple[maps.Panel, ...]:
    return tuple(
        maps.vote_map(column.name, column.run.metrics["votes"], column.run.metrics["n_by_cell"])
        for column in test_set.columns
    )


def _scale(test_set: TestSet) -> intervals.Scale:
    marks = []
    for column in test_set.columns:
        metrics = column.run.metrics
        low, high = metrics["ci95"]
        marks.append(intervals.Mark(column.name, metrics["accuracy"], low, high, column.run.is_base))
    options = test_set.columns[0].run.scores["options"].map(len)
    chance = float((1 / options).mean()) if (options > 0).all() else None
    return intervals.Scale(test_set.name, tuple(marks), chance)


def _figures(parts: Sequence[SetSection], losses: Sequence[curves.Curve]) -> dict[str, Figure]:
    drawings = {}
    if parts:
        drawings["accuracy"] = intervals.figure([part.scale for part in parts])
    for part in (part for part in parts if part.grid):
        drawings[f"{part.anchor}-accuracy-maps"] = maps.figure(f"Accuracy by place on {part.name}", part.accuracy)
        drawings[f"{part.anchor}-vote-maps"] = maps.figure(f"Most common answer by place on {part.name}", part.votes)
    for anchor, curve in zip(wording.slugs([curve.title for curve in losses]), losses, strict=True):
        drawings[f"training-{anchor}"] = curves.figure(curve)
    return drawings


def _record(run: Run) -> Record:
    kind = "Evaluation" if isinstance(run, Evaluation) else "Training"
    told = dict(run.provenance)
    command = str(told.pop("command", ""))
    result = {"result": run.metrics} if isinstance(run, Training) else {}
    pictures = {"image processor": run.sees["settings"]} if run.sees else {}
    return Record(f"{kind}: {run.folder.name}", command, {"specification": run.spec, **pictures, **result, **told})


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("ninefold.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., Any]] = {
        "percent": wording.percent,
        "points": wording.points,
        "span": wording.span,
        "count": wording.count,
        "p_value": wording.p_value,
        "offset": maps.offset,
        "ink_on": palette.ink_on,
    }
    environment.filters.update(filters)
    return environment


def _template(name: str) -> str:
    return (Path(__file__).parent / "templates" / name).read_text(encoding="utf-8")
