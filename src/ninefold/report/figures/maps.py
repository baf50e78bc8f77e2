"""Maps of the image, cell by cell: accuracy, its change, and the most common answer.

A panel is computed once and drawn twice: as SVG by the page's template, and by matplotlib for PDF and PNG.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from textwrap import wrap
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Rectangle

from ninefold.analysis.cells import ChangeMap
from ninefold.analysis.statistics import CONFIDENCE
from ninefold.analysis.votes import leaders
from ninefold.report.figures import palette
from ninefold.report.figures.labels import LabelSymbol
from ninefold.space import LABELS, REGIONS, Cell, label_of_cell
from ninefold.web.wording import MINUS, NARROW_SPACE, count, join, percent, points, quantity, span

Grid = Sequence[Sequence[Any]]
"""Rows of cells, from the top; None for cells with nothing to show."""

Kind = Literal["accuracy", "difference", "votes"]
"""Content of a map."""

GAP = 0.16
"""Space between two regions, in cells."""


@dataclass(frozen=True, slots=True)
class MapCell:
    """One cell of a map, ready to draw."""

    cell: Cell
    """Row and column."""
    fill: str | None
    """Hex color; None if there is nothing to show."""
    ink: str
    """Hex color of readable text on it."""
    text: str
    """Number written on it."""
    symbols: Mapping[str, LabelSymbol]
    """Labels whose symbols are drawn on it: none, one, or several side by side, each on its own color, for a tie."""
    tip: str
    """Description of the cell in words."""
    seen: int
    """Number of its examples."""
    is_faint: bool = False
    """Whether its value is not significant."""

    @property
    def scale(self) -> float:
        """Return the size of its symbols, as a fraction of that of a single one."""
        return min(1, 1.7 / max(len(self.symbols), 1))


@dataclass(frozen=True, slots=True)
class Panel:
    """One map, ready to draw."""

    kind: Kind
    """Content of the map."""
    title: str
    """Title above the map."""
    note: str
    """One sentence about the map; may be empty."""
    cells: tuple[MapCell, ...]
    """Its cells, row by row."""
    size: int
    """Cells along each side."""

    @property
    def gap(self) -> str:
        """Return the meaning of its hatched cells; empty if it has none."""
        asked = {bool(drawn.seen) for drawn in self.cells if drawn.fill is None}
        return " or ".join("no readable answer" if seen else "no question" for seen in sorted(asked))


@dataclass(frozen=True, slots=True)
class _Content:
    """The content of one cell of a map."""

    tip: str
    fill: str | None = None
    text: str = ""
    symbols: Mapping[str, LabelSymbol] = field(default_factory=dict)


def accuracy_map(title: str, accuracies: Grid, counts: Grid, bounds: Grid | None = None) -> Panel:
    """Return the map of accuracy by cell; with the bounds of each cell's interval, its description has them."""

    def content(cell: Cell) -> _Content:
        value, seen = _at(accuracies, cell), _at(counts, cell)
        if value is None:
            return _Content("no question")
        between = f" ({100 * CONFIDENCE:g}{NARROW_SPACE}% interval: {span(_at(bounds, cell), 0)})" if bounds else ""
        tip = f"{percent(value)} of {count(seen)} right{between}"
        return _Content(tip, palette.accuracy_color(value), _whole(value))

    values = [value for row in accuracies for value in row if value is not None]
    sizes = [seen for row in counts for seen in row if seen]
    held = f"{count(min(sizes))} to {count(max(sizes))}" if min(sizes) < max(sizes) else count(max(sizes))
    low, high = percent(min(values)), percent(max(values))
    share = f"Between {low} and {high} right" if low != high else f"{high} right in every cell"
    note = f"{share}; {held} question{'' if held == '1' else 's'} a cell."
    return _panel("accuracy", title, note, counts, content)


def difference_map(title: str, change: ChangeMap) -> Panel:
    """Return the map of the change in accuracy, in percentage points; cells without a significant change are faint."""

    def content(cell: Cell) -> _Content:
        value, before, after, low, high = (
            float(grid[cell]) for grid in (change.value, change.before, change.after, change.low, change.high)
        )
        if math.isnan(value):
            return _Content("no question")
        chance = "" if change.sure[cell] else ", within chance"
        between = f"{points(low)} to {points(high)} points at most, all cells together"
        tip = f"from {percent(before)} to {percent(after)}{chance} ({between})"
        sign = "+" if value > 0 else MINUS if value < 0 else ""
        return _Content(tip, palette.difference_color(value), sign + _whole(abs(value)))

    panel = _panel("difference", title, "", change.n.tolist(), content)
    cells = tuple(replace(drawn, is_faint=not change.sure[drawn.cell]) for drawn in panel.cells)
    there = change.value[change.n > 0]
    better, worse, beyond = (int(each.sum()) for each in (there > 0, there < 0, change.sure))
    note = f"{better} of {len(there)} cells better, {worse} worse; {beyond or 'none'} beyond chance (in bold)."
    return replace(panel, note=note, cells=cells)


def vote_map(title: str, votes: Grid, counts: Grid, answers: Grid, symbols: Mapping[str, LabelSymbol]) -> Panel:
    """Return the map of the most common answer in each cell; a tie shows all labels that lead, side by side.

    Args:
        title: Title above the map.
        votes: The vote of each cell (see `ninefold.analysis.votes.Vote`).
        counts: Number of examples.
        answers: The right answer of each cell whose examples share one; None elsewhere.
        symbols: The symbol of each label.
    """

    def content(cell: Cell) -> _Content:
        leading = leaders(_at(votes, cell))
        if not leading:
            return _Content("no readable answer" if _at(counts, cell) else "no question")
        drawn = {label: symbols.get(label, LabelSymbol(palette.MUTED, "?")) for label in leading}
        tip = f"the most common answer is {leading[0]}" if len(leading) == 1 else f"a tie of {join(leading)}"
        return _Content(tip, drawn[leading[0]].fill, "", drawn)

    cells = [Cell(row, col) for row in range(len(counts)) for col in range(len(counts))]
    known = [cell for cell in cells if _at(answers, cell) is not None]
    right = sum(_at(votes, cell) == _at(answers, cell) for cell in known)
    share = f"all {len(known)}" if right == len(known) else f"{right or 'none'} of {len(known)}"
    parts = [f"The most common answer is right in {share} cell{'' if len(known) == 1 else 's'}"] if known else []
    tied = sum(len(leaders(_at(votes, cell))) > 1 for cell in cells)
    unread = sum(_at(votes, cell) is None for cell in known)
    parts += [f"a tie in {quantity(tied, 'cell')} (divided)"] if tied else []
    parts += [f"{count(unread)} without a readable answer"] if unread else []
    note = "; ".join(parts) + "." if parts else ""
    return _panel("votes", title, note[:1].upper() + note[1:], counts, content)


def figure(title: str, panels: Sequence[Panel], widest: int = 3, *, width: float | None = None) -> Figure:
    """Draw panels, at most ``widest`` in a row.

    Args:
        title: Title of the figure.
        panels: Its maps.
        widest: Largest number of maps in a row.
        width: Width in inches, such as that of a journal's column; None for the size that suits screens.
    """
    columns = min(widest, len(panels))
    rows = math.ceil(len(panels) / columns)
    full = max(3.1 * columns, 4.6)
    scale = 1.0 if width is None else width / full
    heading = _font(12, scale)
    title = "\n".join(wrap(title, int(108 * full * scale / heading), break_on_hyphens=False))
    height = (3.5 * rows + 0.9) * scale
    if width is not None:
        # In print, no space is left for what is not there.
        entries = len(_entries(panels))
        lines = 0.3 * (title.count("\n") + 1) + 0.24 * math.ceil(entries / 3)
        height = ((3.75 if any(panel.note for panel in panels) else 3.4) * rows + lines) * scale + 0.1
    drawing = Figure(figsize=(full * scale, height), layout=ConstrainedLayoutEngine(wspace=0.06))
    drawing.suptitle(title, fontsize=heading, parse_math=False)
    for number, panel in enumerate(panels, start=1):
        axis = drawing.add_subplot(rows, columns, number)
        axis.set_axis_off()
        _draw(axis, panel, scale)
    _legend(drawing, panels, scale)
    return drawing


SMALLEST = 5.0
"""Smallest size of text in print, in points."""


def _font(points: float, scale: float) -> float:
    return max(points * scale, SMALLEST)


def offset(index: int, size: int) -> float:
    """Return the offset of a row or column of cells, in cells, including the gaps between regions."""
    return index + GAP * (index * REGIONS // size)


def _entries(panels: Sequence[Panel]) -> dict[str, Rectangle]:
    """Return the legend of labels and of hatched cells; numbers need none."""
    drawn = {label: sign for panel in panels for one in panel.cells for label, sign in one.symbols.items()}
    labels = sorted(drawn, key=lambda label: LABELS.index(label) if label in LABELS else len(LABELS))
    found = {
        f"{drawn[label].text}  {label}": Rectangle((0, 0), 1, 1, fc=drawn[label].fill, ec=palette.MUTED)
        for label in labels
    }
    gaps = dict.fromkeys(panel.gap for panel in panels if panel.gap)
    return found | {gap: Rectangle((0, 0), 1, 1, fc="none", ec=palette.MUTED, hatch="///") for gap in gaps}


def _legend(drawing: Figure, panels: Sequence[Panel], scale: float) -> None:
    """Draw the legend, row by row."""
    entries = _entries(panels)
    columns = 3
    names = [name for column in range(columns) for name in list(entries)[column::columns]]
    if names:
        drawing.legend(
            [entries[name] for name in names], names,
            loc="outside lower center", ncols=min(columns, len(names)), frameon=False, fontsize=_font(8, scale),
        )  # fmt: skip


def _panel(kind: Kind, title: str, note: str, counts: Grid, content: Callable[[Cell], _Content]) -> Panel:
    size = len(counts)
    cells = [Cell(row, col) for row in range(size) for col in range(size)]
    return Panel(kind, title, note, tuple(_map_cell(cell, counts, content(cell)) for cell in cells), size)


def _map_cell(cell: Cell, counts: Grid, shown: _Content) -> MapCell:
    return MapCell(
        cell,
        shown.fill,
        palette.ink_on(shown.fill) if shown.fill else "",
        shown.text,
        shown.symbols,
        f"row {cell.row + 1}, column {cell.col + 1} ({label_of_cell(cell, len(counts))}): {shown.tip}",
        _at(counts, cell),
    )


def _draw(axis: Axes, panel: Panel, scale: float) -> None:
    for drawn in panel.cells:
        _draw_cell(axis, panel, drawn, scale)
    side = offset(panel.size - 1, panel.size) + 0.96
    axis.set(xlim=(-0.03, side + 0.03), ylim=(side + 0.03, -0.03), aspect="equal")
    heading, small = _font(10, scale), _font(8, scale)
    axis.set_title("\n".join(wrap(panel.title, int(380 * scale / heading))), fontsize=heading, parse_math=False)
    # A note wider than its map would make the layout shrink all maps.
    note = "\n".join(wrap(panel.note, int(368 * scale / small)))
    axis.text(side / 2, side + 0.25, note, fontsize=small, color="#555555", ha="center", va="top", parse_math=False)


def _draw_cell(axis: Axes, panel: Panel, drawn: MapCell, scale: float) -> None:
    """Draw the square of a cell and what is written on it; a tie has one band for each label."""
    x, y = offset(drawn.cell.col, panel.size), offset(drawn.cell.row, panel.size)
    weight = "bold" if panel.kind == "difference" and not drawn.is_faint else "normal"
    bands = [(sign.fill, sign.text, sign.ink, sign.is_letters) for sign in drawn.symbols.values()]
    wide = 0.96 / (len(bands) or 1)
    for index, (fill, text, ink, is_letters) in enumerate(bands or [(drawn.fill, drawn.text, drawn.ink, True)]):
        left = x + index * wide
        look: dict[str, Any] = {"fc": fill} if fill else {"fc": "none", "hatch": "///"}
        edge = 0.4 if bands and is_letters else 0
        band = axis.add_patch(Rectangle((left, y), wide, 0.96, ec=palette.MUTED, lw=edge, **look))
        size = _font(7 if is_letters else 11, scale) * drawn.scale
        middle = (left + wide / 2, y + 0.48)
        word = axis.text(*middle, text, size=size, weight=weight, ha="center", va="center", parse_math=False)
        word.set_color(ink or palette.MUTED)
        for artist in (band, word):
            artist.set_in_layout(False)  # they are within the frame; measuring each is slow


def _at(grid: Grid, cell: Cell) -> Any:
    return grid[cell.row][cell.col]


def _whole(value: float) -> str:
    return str(round(100 * value) if value in (0, 1) else min(max(round(100 * value), 1), 99))
