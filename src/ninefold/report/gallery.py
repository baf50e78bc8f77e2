"""Examples to look at: picture, question, truth, and what each run said; wrong answers first, every cell present."""

import base64
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd
from PIL import Image

from ninefold import images
from ninefold.data import dataset
from ninefold.errors import NinefoldError
from ninefold.report.runs import Evaluation, TestSet
from ninefold.seeding import rng
from ninefold.space import Cell
from ninefold.types import Example

SIDE = 160
"""Longest side of a thumbnail, in pixels."""


@dataclass(frozen=True, slots=True)
class Answer:
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
    cell: Cell
    """Where the thing is."""
    answers: tuple[Answer, ...]
    """One a run."""
    picture: str | None
    """A thumbnail as a data URI, where the data set is at hand."""
    frame: tuple[float, float, float, float] | None
    """Left, top, width and height of the thing's box, as percentages of the picture."""


@dataclass(frozen=True, slots=True)
class Gallery:
    """The examples of one set."""

    exhibits: tuple[Exhibit, ...]
    """Wrong ones first."""
    total: int
    """How many examples the set has."""
    missing: str | None
    """Why there are no pictures, where there are none."""


def gallery(test_set: TestSet, limit: int) -> Gallery:
    """Choose up to ``limit`` examples of a set and fetch their pictures.

    Each cell gives the example most worth seeing, as far as the limit allows; the rest are filled with wrong answers.
    An example is the more worth seeing the later the run that is wrong about it: tuned before base. Ties are broken by
    a fixed shuffle, so that neighbors in the data set do not crowd out the rest.
    """
    table = _ranked(test_set)
    first_of_cell = ~table.duplicated(["cell_row", "cell_col"])
    chosen = pd.concat([table[first_of_cell], table[~first_of_cell]]).head(limit)
    chosen = chosen.sort_values("rank", ascending=False, kind="stable")
    pictures, missing = _thumbnails(test_set.columns[0].run, set(chosen["id"]))
    exhibits = tuple(_exhibit(test_set, row, pictures) for row in chosen.to_dict("records"))
    return Gallery(exhibits, len(table), missing)


def _ranked(test_set: TestSet) -> pd.DataFrame:
    table = test_set.columns[0].run.scores
    table = table.iloc[rng(0, "gallery").permutation(len(table))].copy()
    table["rank"] = 0
    for place, column in enumerate(test_set.columns):
        wrong = ~column.run.scores["correct"].reindex(table.index).astype(bool)
        table["rank"] += wrong * 2**place
    return table.sort_values("rank", ascending=False, kind="stable")


def _exhibit(test_set: TestSet, row: Mapping[str, object], pictures: Mapping[str, str]) -> Exhibit:
    answers = []
    for column in test_set.columns:
        said = column.run.scores.loc[row["id"]]
        answers.append(Answer(column.name, str(said["text"]), bool(said["correct"]), str(said["kind"])))
    name, cell = str(row["id"]), Cell(int(str(row["cell_row"])), int(str(row["cell_col"])))
    picture = pictures.get(name)
    frame = _frame(row) if picture else None
    return Exhibit(name, str(row["question"]), str(row["answer"]), cell, tuple(answers), picture, frame)


def _frame(row: Mapping[str, object]) -> tuple[float, float, float, float] | None:
    keys = ("box_x", "box_y", "box_w", "box_h", "image_width", "image_height")
    if any(row.get(key) is None for key in keys):
        return None
    x, y, w, h, width, height = (float(str(row[key])) for key in keys)
    return 100 * x / width, 100 * y / height, 100 * w / width, 100 * h / height


def _thumbnails(run: Evaluation, ids: set[str]) -> tuple[dict[str, str], str | None]:
    folder, split = run.data_folder, str(run.spec["data"]["split"])
    if folder is None:
        return {}, "the run does not say where its data set is"
    if not folder.is_dir():
        return {}, f"the data set is no longer at {folder}"
    try:
        if dataset.fingerprint(folder, split) != run.spec["data"]["fingerprint"]:
            return {}, f"{folder} now holds another data set"
        return _fetch(dataset.read(folder, split), ids), None
    except NinefoldError as error:
        return {}, str(error)


def _fetch(examples: Iterable[Example], ids: set[str]) -> dict[str, str]:
    pictures: dict[str, str] = {}
    for example in examples:
        if example.id in ids:
            pictures[example.id] = thumbnail(images.open_pil(example.image))
            if len(pictures) == len(ids):
                break
    return pictures


def thumbnail(picture: Image.Image) -> str:
    """Return a small copy of a picture as a data URI."""
    small = picture.convert("RGB")
    small.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=75, method=4)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
