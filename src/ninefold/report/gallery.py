"""Examples to look at: picture, question, truth, and what each run said; wrong answers first, every cell present."""

import base64
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from PIL import Image

from ninefold import images
from ninefold.data.format.dataset import Dataset
from ninefold.errors import NinefoldError
from ninefold.report.test_sets import Evaluation, TestSet
from ninefold.seeding import rng
from ninefold.space import Cell
from ninefold.types import Example

SIDE = 160
"""Longest side of a thumbnail, in pixels."""


@dataclass(frozen=True, slots=True)
class Response:
    """What one run said."""

    name: str
    """The run."""
    text: str
    """Its exact words."""
    is_right: bool
    """Whether they count as right."""
    kind: str
    """"label", or why no label could be read."""


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One example, ready to show."""

    id: str
    """The example's id."""
    question: str
    """The question alone."""
    truth: str
    """The right answer."""
    cell: Cell | None
    """Where the thing is, where the set says so."""
    answers: tuple[Response, ...]
    """One a run."""
    picture: str | None
    """A thumbnail as a data URI, where the data set is at hand."""
    frame: tuple[float, float, float, float] | None
    """Left, top, width and height of the thing's box, or else of its cell, as percentages of the picture."""


@dataclass(frozen=True, slots=True)
class Gallery:
    """The examples of one set."""

    exhibits: tuple[Exhibit, ...]
    """Wrong ones first."""
    total: int
    """How many examples the set has."""
    missing: str | None
    """Why pictures are missing, where some are."""


def gallery(test_set: TestSet, limit: int) -> Gallery:
    """Choose up to ``limit`` examples of a set and fetch their pictures.

    Cells take turns, and each gives the example most worth seeing of those it has left: the later the run that is wrong
    about it (tuned after base), the more. Sets without cells take turns by answer.
    """
    table = _ranked(test_set)
    turn = table.groupby(["cell_row", "cell_col"] if test_set.grid else "answer").cumcount()
    chosen = table.loc[turn.sort_values(kind="stable").index[:limit]]
    chosen = chosen.sort_values("rank", ascending=False, kind="stable")
    pictures, missing = _thumbnails(test_set.columns[0].run, set(chosen["id"]))
    exhibits = tuple(_exhibit(test_set, row, pictures) for row in chosen.to_dict("records"))
    return Gallery(exhibits, len(table), missing)


def _ranked(test_set: TestSet) -> pd.DataFrame:
    """Return the score table with a ``rank``, worst first; a fixed shuffle breaks ties, lest neighbors crowd it."""
    table = test_set.columns[0].run.scores
    table = table.iloc[rng(0, "gallery").permutation(len(table))].copy()
    table["rank"] = 0
    for place, column in enumerate(test_set.columns):
        wrong = ~column.run.scores["correct"].reindex(table.index).astype(bool)
        table["rank"] += wrong * 2**place
    return table.sort_values("rank", ascending=False, kind="stable")


def _exhibit(test_set: TestSet, row: Mapping[str, Any], pictures: Mapping[str, str]) -> Exhibit:
    answers = []
    for column in test_set.columns:
        said = column.run.scores.loc[row["id"]]
        answers.append(Response(column.name, said["text"], bool(said["correct"]), said["kind"]))
    grid = test_set.grid
    cell = Cell(row["cell_row"], row["cell_col"]) if grid else None
    frame = _frame(row, cell, grid) if cell and grid else None
    return Exhibit(row["id"], row["question"], row["answer"], cell, tuple(answers), pictures.get(row["id"]), frame)


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
    pictures: dict[str, str] = {}
    missing = None
    left = set(ids)
    for example in examples:
        if example.id in left:
            left.remove(example.id)
            try:
                pictures[example.id] = thumbnail(images.open_pil(example.image))
            except NinefoldError as error:
                missing = str(error)
        if not left:
            break
    return pictures, missing


def thumbnail(picture: Image.Image) -> str:
    """Return a small copy of a picture as a data URI."""
    small = picture.convert("RGB")
    small.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=75, method=4)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
