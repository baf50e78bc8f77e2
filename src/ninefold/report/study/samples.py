"""Figure 1 of Rizzoli et al. 2025: images of each data set of a study, with their questions and right answers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from ninefold import images
from ninefold.data.format.dataset import Dataset
from ninefold.errors import NinefoldError
from ninefold.report.figures import text
from ninefold.report.study.results import StudyResults
from ninefold.types import ImageSource

EXAMPLES = 2
"""Number of examples of each data set."""

SIDE = 240
"""Longest side of an image, in pixels."""


@dataclass(frozen=True, slots=True)
class Sample:
    """An example, ready to draw."""

    image: NDArray[np.uint8]
    """Its image, shape (height, width, 3)."""
    question: str
    """The question alone."""
    answer: str
    """The right answer."""


@dataclass(frozen=True, slots=True)
class SampledSet:
    """A data set of a study, and a few of its examples."""

    title: str
    """Name and use of the set."""
    samples: tuple[Sample, ...]
    """The examples, spread over the answers."""


def sampled(results: StudyResults) -> list[SampledSet]:
    """Return the data sets that are there, tests first; subsets of a training set for a scaling curve are left out."""
    titles: dict[tuple[Path, str], list[str]] = {}
    for title, folder, split in _folders(results):
        titles.setdefault((folder, split), []).append(title)
    found = []
    for (folder, split), (first, *others) in titles.items():
        try:
            data = Dataset.open(folder)
            examples = data.sequence(data.choose_split(split), EXAMPLES)
            samples = tuple(Sample(_small(one.image), one.question, one.answer) for one in examples)
        except NinefoldError:
            continue  # A data set may have been moved or removed; its runs remain.
        more = f" and {len(others)} more" if others else ""
        found.append(SampledSet(f"{first}{more}", samples))
    return found


def figure(title: str, sets: Sequence[SampledSet], *, width: float = 7.0) -> Figure:
    """Draw the examples of each set side by side, three sets in a row."""
    columns = min(3, len(sets))
    lines = [sets[start : start + columns] for start in range(0, len(sets), columns)]
    width = width * columns / 3
    part = width / columns
    heights = [max(_height(one, part) for one in line) for line in lines]
    drawing = Figure(figsize=(width, sum(heights) + 0.4), layout="constrained")
    drawing.suptitle(text.wrapped(title, width, 8.5), fontsize=8.5, parse_math=False)
    places = drawing.subfigures(len(lines), columns, squeeze=False, height_ratios=heights).ravel()
    for place, one in zip(places, sets, strict=False):
        place.suptitle(text.wrapped(one.title, part, 7.5), fontsize=7.5, weight="bold", parse_math=False)
        axes = place.subplots(1, EXAMPLES, squeeze=False)[0]
        for axis in axes:
            axis.set_axis_off()
            axis.set_anchor("N")
        for axis, sample in zip(axes, one.samples, strict=False):
            _draw(axis, sample, part / EXAMPLES)
    return drawing


LINE = 0.125
"""Height of a line of text, in inches."""


def _height(one: SampledSet, width: float) -> float:
    """Return the height of a set in inches: its title, its tallest image, and the text below that."""
    lines = text.wrapped(one.title, width, 7.5).count("\n") + 1
    each = width / EXAMPLES
    tallest = max(
        (
            (each - 0.1) * sample.image.shape[0] / sample.image.shape[1] + LINE * (_under(sample, each).count("\n") + 1)
            for sample in one.samples
        ),
        default=0.0,
    )
    return LINE * lines + tallest + 0.25


def _under(sample: Sample, width: float) -> str:
    return f"{text.wrapped(sample.question, width, 6.5)}\n→ {sample.answer}"


def _draw(axis: Axes, sample: Sample, width: float) -> None:
    axis.imshow(sample.image, interpolation="nearest")
    axis.text(
        0.5, -0.04, _under(sample, width), transform=axis.transAxes, fontsize=6.5, ha="center", va="top",
        parse_math=False,
    )  # fmt: skip


def _folders(results: StudyResults) -> Iterator[tuple[str, Path, str]]:
    """Yield title, folder and split of each data set of each test and condition."""
    for test in results.record.tests:
        yield f"Test: {test.title}", results.folder / test.data, "test"
    seen = set()
    for one in results.trainings:
        condition = results.conditions.get(one.of.condition)
        if condition is None or condition.group == "scaling" or condition.name in seen:
            continue
        seen.add(condition.name)
        folders = one.run.data_folders
        for number, folder in enumerate(folders, start=1):
            part = f", {number} of {len(folders)}" if len(folders) > 1 else ""
            # A study that was moved still holds its data sets.
            here = results.folder / "data" / folder.name
            yield f"Training: {condition.title}{part}", here if here.is_dir() else folder, "train"


def _small(image: ImageSource) -> NDArray[np.uint8]:
    picture = images.open_pil(image)
    picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return np.asarray(picture)
