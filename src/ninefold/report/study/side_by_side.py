"""Questions of each test that the models of a study answer most differently, with the answer of each one.

Score tables are read one after the other: once for what is right, and once more for the texts of the first seeds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ninefold.errors import NinefoldError, RunError
from ninefold.report import side_by_side
from ninefold.report.overview import in_order
from ninefold.report.shown import TEXT, ShownAnswer, ShownExample
from ninefold.report.study.finished import Finished
from ninefold.report.study.results import StudyResults
from ninefold.report.test_sets import Evaluation
from ninefold.runs.study import StudiedTest
from ninefold.runs.tables import ITEM, read_scores
from ninefold.web.thumbnails import Pictures
from ninefold.web.wording import excerpt

QUESTIONS = 6
"""Largest number of questions of each test."""

ANSWERS = 600
"""Largest number of answers on the page, unless these are the answers to one question of each test."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The questions of a test, ready to show."""

    test: str
    """Title of the test."""
    examples: tuple[ShownExample, ...]
    """Its questions with the answers."""
    missing: str
    """Reason for missing images; empty if none is missing."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A model under a condition on a test."""

    name: str
    """Titles of both."""
    runs: tuple[Finished[Evaluation], ...]
    """The runs whose score tables can be read, by seed."""
    right: NDArray[np.float64]
    """The fraction of seeds that answer each question right, shape (questions,)."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A test with all who answered it."""

    test: StudiedTest
    """The test."""
    ids: pd.Index
    """Ids of its questions."""
    places: tuple[_Place, ...]
    """Models and conditions of which a run is done."""


_COLUMNS = ("id", ITEM, "question", "answer", "text", "kind", "label", "correct")
"""Columns of score tables that are shown."""


def shown(results: StudyResults, pictures: Pictures) -> list[Shown]:
    """Return the questions of each test on which models and conditions differ most; none where fewer than two are done.

    Args:
        results: The study.
        pictures: The page's pictures, to which those of the questions are added.
    """
    found = []
    for test in results.record.tests:
        asked = _asked(results, test)
        if len(asked.places) < 2:
            continue
        most = min(QUESTIONS, ANSWERS // (len(asked.places) * len(results.record.tests)))
        chosen = side_by_side.differing([place.right for place in asked.places], max(most, 1))
        if chosen:
            found.append(_shown(results, asked, chosen, pictures))
    return found


def _asked(results: StudyResults, test: StudiedTest) -> _Asked:
    like: pd.DataFrame | None = None
    places = []
    for model in results.models:
        for name, condition in results.conditions.items():
            runs, right = [], []
            for one in results.select(model.name, name, test.name):
                try:
                    table = read_scores(one.run.folder, ("id", "correct")).set_index("id")
                except RunError:
                    continue  # The page lists it among the missing runs.
                like = table if like is None else like
                ordered = in_order(table, like)
                if ordered is not None:
                    runs.append(one)
                    right.append(ordered["correct"].to_numpy(float))
            if runs:
                title = f"{model.title}, {condition.title}" if len(results.models) > 1 else condition.title
                places.append(_Place(title, tuple(runs), np.mean(right, axis=0)))
    return _Asked(test, pd.Index([]) if like is None else like.index, tuple(places))


def _shown(results: StudyResults, asked: _Asked, chosen: Sequence[int], pictures: Pictures) -> Shown:
    answers: list[list[ShownAnswer]] = [[] for _ in chosen]
    tables = []
    for place in asked.places:
        table = read_scores(place.runs[0].run.folder, _COLUMNS).set_index("id", drop=False).loc[asked.ids[chosen]]
        tables.append(table)
        seeds = len(place.runs)
        for each, row, at in zip(answers, table.to_dict("records"), chosen, strict=True):
            note = f"{round(place.right[at] * seeds)} of {seeds} seeds" if seeds > 1 else ""
            each.append(ShownAnswer.of(place.name, row, note))
    first, run = tables[0], asked.places[0].runs[0].run
    items = first[ITEM if "orders" in run.metrics else "id"]
    indices, missing = _pictures(results.folder / asked.test.data, run, set(items), pictures)
    examples = tuple(
        ShownExample(
            row["id"], excerpt(row["question"], TEXT), excerpt(row["answer"], TEXT), None, tuple(each),
            indices.get(item), None,
        )
        for row, each, item in zip(first.to_dict("records"), answers, items, strict=True)
    )  # fmt: skip
    return Shown(asked.test.title, examples, missing)


def _pictures(data: Path, run: Evaluation, ids: set[str], pictures: Pictures) -> tuple[dict[str, int], str]:
    """Return the index of each question's picture, and the reason if any is missing."""
    # A study that was moved still holds its data sets; a benchmark's is in the run.
    folder = next((one for one in (data, *run.data_folders) if one.is_dir()), None)
    indices: dict[str, int] = {}
    if folder is None:
        return indices, f"the data set is no longer at {data}"
    asked = run.spec["data"]
    try:
        for example in side_by_side.wanted(folder, str(asked["split"]), asked["fingerprint"], ids):
            indices[example.id] = pictures.add(example.image)
    except NinefoldError as error:
        return indices, str(error)
    return indices, ""
