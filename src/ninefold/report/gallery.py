"""The gallery: examples with image, question, right answer and each run's answer, by cell or right answer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ninefold.console import track
from ninefold.errors import NinefoldError
from ninefold.report import side_by_side
from ninefold.report.shown import TEXT, ShownAnswer, ShownExample
from ninefold.report.test_sets import Evaluation, TestSet
from ninefold.runs.tables import ITEM
from ninefold.seeding import rng
from ninefold.space import Cell, label_of_cell
from ninefold.web.thumbnails import Pictures
from ninefold.web.wording import excerpt

FIRST = 12
"""Number of examples that a set shows at once."""

MOST_GROUPS = 24
"""Largest number of right answers that have a group each, in sets without cells; more share one group."""


@dataclass(frozen=True, slots=True)
class Group:
    """The examples of one cell or, in sets without cells, of one right answer."""

    anchor: str
    """Its name in links."""
    name: str
    """The cell in words, or the right answer."""
    total: int
    """Number of its examples."""
    right: tuple[tuple[str, int], ...]
    """Name of each run, with the number of its right answers."""
    examples: tuple[ShownExample, ...]
    """The examples on the page, wrong ones first."""


@dataclass(frozen=True, slots=True)
class Gallery:
    """The examples of one set."""

    groups: tuple[Group, ...]
    """All groups, in order of the cells or of the labels."""
    side_by_side: tuple[ShownExample, ...]
    """Examples that the runs answer differently, and those asked for."""
    first: tuple[ShownExample, ...]
    """A few examples of many groups, wrong ones first."""
    shown: int
    """Number of examples on the page."""
    total: int
    """Number of examples of the set."""
    missing: str | None
    """Reason for missing images, if any are missing."""


def cell_anchor(cell: Cell, anchor: str) -> str:
    """Return the name in links of the examples of a cell; ``anchor`` names the set."""
    return f"examples-{anchor}-cell-{cell.row}-{cell.col}"


def gallery(test_set: TestSet, anchor: str, limit: int, pictures: Pictures, asked: Sequence[str] = ()) -> Gallery:
    """Group the examples of a set, at most ``limit``, and add their images to the page's pictures.

    Groups take turns, and each gives its most interesting example left: one that a later run (tuned after base) answers
    wrong comes first.

    Args:
        test_set: The set and its runs.
        anchor: Its name in links.
        limit: Largest number of examples.
        pictures: The page's pictures.
        asked: Ids of examples that are shown side by side, whatever the answers.
    """
    table = _ranked(test_set)
    groups = _keys(test_set, table)
    turn = table.groupby(groups).cumcount().sort_values(kind="stable")
    chosen = table.loc[turn.index[:limit]].sort_values("rank", ascending=False, kind="stable")
    beside = side_by_side.chosen(test_set, asked)
    added = [name for name in beside if name not in chosen.index]
    every = pd.concat([chosen, table.loc[added]])
    named = ITEM if "orders" in test_set.results[0].run.metrics else "id"
    indices, missing = _pictures(test_set.results[0].run, set(every[named]), pictures)
    scores = [(result.name, result.run.scores.loc[every["id"]].to_dict("records")) for result in test_set.results]
    shown = {
        row["id"]: _shown(test_set, row, [(name, rows[at]) for name, rows in scores], indices.get(row[named]))
        for at, row in enumerate(every.to_dict("records"))
    }
    first = chosen.loc[turn.index[: min(FIRST, limit)]].sort_values("rank", ascending=False, kind="stable")
    return Gallery(
        tuple(_groups(test_set, anchor, groups, {name: shown[name] for name in chosen["id"]})),
        tuple(shown[name] for name in beside),
        tuple(shown[name] for name in first["id"]),
        len(chosen),
        len(table),
        missing,
    )


def _ranked(test_set: TestSet) -> pd.DataFrame:
    """Return the score table with a ``rank``, worst first; a fixed shuffle breaks ties, to mix similar neighbors."""
    table = test_set.results[0].run.scores
    table = table.iloc[rng(0, "gallery").permutation(len(table))].copy()
    table["rank"] = 0
    for index, result in enumerate(test_set.results):
        wrong = ~result.run.scores["correct"].reindex(table.index).astype(bool)
        table["rank"] += wrong * 2**index
    return table.sort_values("rank", ascending=False, kind="stable")


def _keys(test_set: TestSet, table: pd.DataFrame) -> "pd.Series[int]":
    """Return the number of each example's group."""
    if test_set.grid:
        return table["cell_row"].astype(int) * test_set.grid + table["cell_col"].astype(int)
    if len(test_set.labels) > MOST_GROUPS:
        return pd.Series(0, table.index)
    return table["answer"].map({label: index for index, label in enumerate(test_set.labels)})


def _groups(
    test_set: TestSet, anchor: str, keys: "pd.Series[int]", shown: Mapping[str, ShownExample]
) -> Iterable[Group]:
    grid = test_set.grid
    for key, members in sorted(keys.groupby(keys).groups.items()):
        if grid:
            cell = Cell(*divmod(int(key), grid))
            link, name = cell_anchor(cell, anchor), f"row {cell.row + 1}, column {cell.col + 1}"
            name += f" ({label_of_cell(cell, grid)})"
        else:
            link = f"examples-{anchor}-group-{key}"
            name = excerpt(test_set.labels[int(key)], TEXT) if len(test_set.labels) <= MOST_GROUPS else "all answers"
        right = tuple((one.name, int(one.run.scores.loc[members, "correct"].sum())) for one in test_set.results)
        found = set(members)
        yield Group(link, name, len(members), right, tuple(each for id_, each in shown.items() if id_ in found))


def _shown(
    test_set: TestSet, row: Mapping[str, Any], answers: Sequence[tuple[str, Mapping[str, Any]]], picture: int | None
) -> ShownExample:
    grid = test_set.grid
    cell = Cell(row["cell_row"], row["cell_col"]) if grid else None
    return ShownExample(
        row["id"],
        excerpt(row["question"], TEXT),
        excerpt(row["answer"], TEXT),
        cell,
        tuple(ShownAnswer.of(name, one) for name, one in answers),
        picture,
        _frame(row, cell, grid) if cell and grid else None,
    )


def _frame(row: Mapping[str, Any], cell: Cell, grid: int) -> tuple[float, float, float, float]:
    if row.get("box_x") is None:
        return 100 * cell.col / grid, 100 * cell.row / grid, 100 / grid, 100 / grid
    across, down = 100 / row["image_width"], 100 / row["image_height"]
    return row["box_x"] * across, row["box_y"] * down, row["box_w"] * across, row["box_h"] * down


def _pictures(run: Evaluation, ids: set[str], pictures: Pictures) -> tuple[dict[str, int], str | None]:
    """Return the index of each example's picture, and the reason if any is missing."""
    indices: dict[str, int] = {}
    missing = None
    try:
        found = side_by_side.of_run(run, ids)
        for _, example in zip(track(range(len(ids)), "pictures of the report", transient=True), found, strict=False):
            try:
                indices[example.id] = pictures.add(example.image)
            except NinefoldError as error:
                missing = str(error)
    except NinefoldError as error:
        return indices, str(error)
    return indices, missing
