"""The gallery: examples with image, question, right answer and each run's answer; wrong ones first, from every cell."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ninefold import images
from ninefold.data.format.dataset import Dataset
from ninefold.errors import NinefoldError
from ninefold.report.test_sets import Evaluation, TestSet
from ninefold.seeding import rng
from ninefold.space import Cell
from ninefold.types import Example
from ninefold.web.thumbnails import thumbnail


@dataclass(frozen=True, slots=True)
class ShownAnswer:
    """The answer of one run."""

    name: str
    """The run's name."""
    text: str
    """The exact text of the answer."""
    is_right: bool
    """Whether it is right."""
    kind: str
    """The outcome of reading it (see `ninefold.types.AnswerKind`)."""


@dataclass(frozen=True, slots=True)
class ShownExample:
    """One example, ready to show."""

    id: str
    """The example's id."""
    question: str
    """The question alone."""
    answer: str
    """The right answer."""
    cell: Cell | None
    """The target's cell, if the set has positions."""
    answers: tuple[ShownAnswer, ...]
    """The answers of the runs."""
    image: str | None
    """A thumbnail as a data URI; None if the data set cannot be read."""
    frame: tuple[float, float, float, float] | None
    """Left, top, width and height of the target's box, or of its cell, as percentages of the image."""


@dataclass(frozen=True, slots=True)
class Gallery:
    """The examples of one set."""

    examples: tuple[ShownExample, ...]
    """The chosen examples, wrong ones first."""
    total: int
    """Number of examples of the set."""
    missing: str | None
    """Reason for missing images, if any are missing."""


def gallery(test_set: TestSet, limit: int) -> Gallery:
    """Choose up to ``limit`` examples of a set and read their images.

    Cells take turns, and each gives its most interesting example left: one that a later run (tuned after base) answers
    wrong comes first. In sets without cells, answers take turns.
    """
    table = _ranked(test_set)
    turn = table.groupby(["cell_row", "cell_col"] if test_set.grid else "answer").cumcount()
    chosen = table.loc[turn.sort_values(kind="stable").index[:limit]]
    chosen = chosen.sort_values("rank", ascending=False, kind="stable")
    thumbnails, missing = _thumbnails(test_set.results[0].run, set(chosen["id"]))
    shown = tuple(_shown(test_set, row, thumbnails) for row in chosen.to_dict("records"))
    return Gallery(shown, len(table), missing)


def _ranked(test_set: TestSet) -> pd.DataFrame:
    """Return the score table with a ``rank``, worst first; a fixed shuffle breaks ties, to mix similar neighbors."""
    table = test_set.results[0].run.scores
    table = table.iloc[rng(0, "gallery").permutation(len(table))].copy()
    table["rank"] = 0
    for index, result in enumerate(test_set.results):
        wrong = ~result.run.scores["correct"].reindex(table.index).astype(bool)
        table["rank"] += wrong * 2**index
    return table.sort_values("rank", ascending=False, kind="stable")


def _shown(test_set: TestSet, row: Mapping[str, Any], thumbnails: Mapping[str, str]) -> ShownExample:
    answers = []
    for result in test_set.results:
        row_scores = result.run.scores.loc[row["id"]]
        answers.append(ShownAnswer(result.name, row_scores["text"], bool(row_scores["correct"]), row_scores["kind"]))
    grid = test_set.grid
    cell = Cell(row["cell_row"], row["cell_col"]) if grid else None
    frame = _frame(row, cell, grid) if cell and grid else None
    image = thumbnails.get(row["id"])
    return ShownExample(row["id"], row["question"], row["answer"], cell, tuple(answers), image, frame)


def _frame(row: Mapping[str, Any], cell: Cell, grid: int) -> tuple[float, float, float, float]:
    if row.get("box_x") is None:
        return 100 * cell.col / grid, 100 * cell.row / grid, 100 / grid, 100 / grid
    across, down = 100 / row["image_width"], 100 / row["image_height"]
    return row["box_x"] * across, row["box_y"] * down, row["box_w"] * across, row["box_h"] * down


def _thumbnails(run: Evaluation, ids: set[str]) -> tuple[dict[str, str], str | None]:
    if not run.data_folders:
        return {}, "the run does not say where its data set is"
    folder, split = run.data_folders[0], str(run.spec["data"]["split"])
    if not folder.is_dir():
        return {}, f"the data set is no longer at {folder}"
    try:
        data = Dataset.open(folder)
        if data.fingerprint(split) != run.spec["data"]["fingerprint"]:
            return {}, f"{folder} now holds another data set"
        return _fetch(data.read(split), ids)
    except NinefoldError as error:
        return {}, str(error)


def _fetch(examples: Iterable[Example], ids: set[str]) -> tuple[dict[str, str], str | None]:
    thumbnails: dict[str, str] = {}
    missing = None
    left = set(ids)
    for example in examples:
        if example.id in left:
            left.remove(example.id)
            try:
                thumbnails[example.id] = thumbnail(images.open_pil(example.image))
            except NinefoldError as error:
                missing = str(error)
        if not left:
            break
    return thumbnails, missing
