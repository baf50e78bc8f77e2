"""Maps of the picture, cell by cell: accuracy, its change, and the label most answers name.

A panel is computed once and drawn twice: as SVG by the page's template, and by matplotlib for PDF and PNG.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Rectangle

from ninefold.report.figures import palette
from ninefold.report.wording import count, percent, points
from ninefold.space import REGIONS, Cell, label_of_cell

Grid = Sequence[Sequence[Any]]
"""Rows of cells, from the top; None where no example stands."""

GAP = 0.16
"""Space between two regions, in cells."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One cell of a map, ready to draw."""

    cell: Cell
    """Where it is."""
    fill: str | None
    """Hex color; None where there is nothing to show."""
    ink: str
    """Hex color that can be read on it."""
    text: str
    """The number written on it."""
    label: str | None
    """The label whose arrow is drawn on it."""
    tip: str
    """The cell in words."""
    seen: int
    """How many examples stand in it."""
    is_faint: bool = False
    """Whether what it shows may be chance."""

    @property
    def where(self) -> str:
        """Its place in words."""
        return self.tip.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Panel:
    """One map, ready to draw."""

    kind: Literal["accuracy", "difference", "votes"]
    """What it shows."""
    title: str
    """What stands above it."""
    note: str
    """One sentence on what is seen."""
    tiles: tuple[Tile, ...]
    """Its cells, row by row."""
    size: int
    """Cells along each side."""


def accuracy_map(title: str, accuracies: Grid, counts: Grid) -> Panel:
    """Return the map of the share of right answers in each cell."""

    def draw(cell: Cell) -> tuple[str | None, str, str | None, str]:
        value, seen = _at(accuracies, cell), _at(counts, cell)
        if value is None:
            return None, "", None, "no example"
        return palette.accuracy_color(value), _whole(value), None, f"{percent(value)} of {count(seen)} right"

    values = _known(accuracies)
    sizes = [seen for row in counts for seen in row if seen]
    held = f"{min(sizes)} to {count(max(sizes))}" if min(sizes) < max(sizes) else count(max(sizes))
    note = f"Between {percent(min(values))} and {percent(max(values))} right; {held} questions a cell."
    return _panel("accuracy", title, note, counts, draw)


def difference_map(title: str, base: Grid, tuned: Grid, counts: Grid, sure: Grid) -> Panel:
    """Return the map of how accuracy changed, in percentage points; cells that are not ``sure`` are written faintly."""

    def draw(cell: Cell) -> tuple[str | None, str, str | None, str]:
        before, after = _at(base, cell), _at(tuned, cell)
        if before is None or after is None:
            return None, "", None, "no example"
        change = after - before
        text = points(round(change, 2)).replace("±", "")
        chance = "" if _at(sure, cell) else ", within chance"
        return palette.difference_color(change), text, None, f"from {percent(before)} to {percent(after)}{chance}"

    panel = _panel("difference", title, "", counts, draw)
    tiles = tuple(replace(tile, is_faint=not _at(sure, tile.cell)) for tile in panel.tiles)
    changes = [_at(tuned, tile.cell) - _at(base, tile.cell) for tile in tiles if tile.fill]
    better, worse = sum(change > 0 for change in changes), sum(change < 0 for change in changes)
    beyond = sum(not tile.is_faint for tile in tiles)
    note = f"{better} of {len(changes)} cells better, {worse} worse; {beyond or 'none'} beyond chance (in bold)."
    return replace(panel, note=note, tiles=tiles)


def vote_map(title: str, votes: Grid, counts: Grid) -> Panel:
    """Return the map of the label that most answers name in each cell."""
    size = len(votes)

    def draw(cell: Cell) -> tuple[str | None, str, str | None, str]:
        vote = _at(votes, cell)
        if vote is None:
            return None, "", None, "no vote"
        return palette.LABEL_COLORS.get(vote, palette.MUTED), "", vote, f"most answers say {vote}"

    cells = [(Cell(row, col), vote) for row, line in enumerate(votes) for col, vote in enumerate(line) if vote]
    astray = sum(vote != label_of_cell(cell, size) for cell, vote in cells)
    note = f"{astray or 'None'} of {len(cells)} cells {'names' if astray == 1 else 'name'} another region."
    return _panel("votes", title, note, counts, draw)


def figure(title: str, panels: Sequence[Panel], widest: int = 3) -> Figure:
    """Draw panels, at most ``widest`` in a row, for PDF and PNG."""
    columns = min(widest, len(panels))
    rows = math.ceil(len(panels) / columns)
    drawing = Figure(figsize=(3.1 * columns, 3.4 * rows + 0.3), layout=ConstrainedLayoutEngine(wspace=0.06))
    drawing.suptitle(title, fontsize=12, parse_math=False)
    for number, panel in enumerate(panels, start=1):
        axis = drawing.add_subplot(rows, columns, number)
        axis.set_axis_off()
        _draw(axis, panel)
    return drawing


def _panel(
    kind: Literal["accuracy", "difference", "votes"],
    title: str,
    note: str,
    counts: Grid,
    draw: Callable[[Cell], tuple[str | None, str, str | None, str]],
) -> Panel:
    tiles, size = [], len(counts)
    for cell in (Cell(row, col) for row in range(size) for col in range(size)):
        fill, text, label, tip = draw(cell)
        where = f"row {cell.row + 1}, column {cell.col + 1} ({label_of_cell(cell, size)})"
        tiles.append(
            Tile(cell, fill, palette.ink_on(fill) if fill else "", text, label, f"{where}: {tip}", _at(counts, cell))
        )
    return Panel(kind, title, note, tuple(tiles), size)


def _draw(axis: Axes, panel: Panel) -> None:
    for tile in panel.tiles:
        x, y = offset(tile.cell.col, panel.size), offset(tile.cell.row, panel.size)
        look: dict[str, Any] = {"fc": tile.fill} if tile.fill else {"fc": "none", "ec": palette.MUTED, "hatch": "///"}
        text = palette.LABEL_ARROWS.get(tile.label, "?") if tile.label else tile.text
        size = 11 if tile.label else 7
        weight = "bold" if panel.kind == "difference" and not tile.is_faint else "normal"
        square = axis.add_patch(Rectangle((x, y), 0.96, 0.96, lw=0, **look))
        word = axis.text(x + 0.48, y + 0.48, text, size=size, weight=weight, ha="center", va="center", parse_math=False)
        word.set_color(tile.ink or palette.MUTED)
        for artist in (square, word):
            artist.set_in_layout(False)  # they lie within the frame; measuring each is slow
    side = offset(panel.size - 1, panel.size) + 0.96
    axis.set(xlim=(0, side), ylim=(side, 0), aspect="equal")
    axis.set_title(panel.title, fontsize=10, parse_math=False)
    axis.text(side / 2, side + 0.25, panel.note, fontsize=8, color="#555555", ha="center", va="top", parse_math=False)


def offset(index: int, size: int) -> float:
    """Return where a row or column of cells begins, in cells, with the gaps between regions counted in."""
    return index + GAP * (index * REGIONS // size)


def _at(grid: Grid, cell: Cell) -> Any:
    return grid[cell.row][cell.col]


def _known(grid: Grid) -> list[float]:
    return [value for row in grid for value in row if value is not None]


def _whole(value: float) -> str:
    return str(round(100 * value) if value in (0, 1) else min(max(round(100 * value), 1), 99))
