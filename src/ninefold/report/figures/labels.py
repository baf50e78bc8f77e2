"""Symbols of labels: a color with an arrow or letters, for an answer in maps and tables."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from matplotlib.colors import to_hex

from ninefold.report.figures import palette
from ninefold.scenes.vocabulary import COLORS
from ninefold.space import PLACES

_TURNS = ((-45, 0, 45), (-90, None, 90), (-135, 180, 135))
_ARROWS = ("↖↑↗", "←•→", "↙↓↘")


@dataclass(frozen=True, slots=True)
class LabelSymbol:
    """The symbol of one label; color never carries a label alone."""

    fill: str
    """Hex color."""
    text: str
    """An arrow, a dot, or letters that distinguish the label from the others."""
    turn: int | None = None
    """Clockwise rotation of an upward arrow, in degrees; None if no arrow is drawn."""
    is_dot: bool = False
    """Whether a dot is drawn."""
    ink: str = field(init=False)
    """Hex color of readable text on it."""

    @property
    def is_letters(self) -> bool:
        """Whether it is written with letters."""
        return self.turn is None and not self.is_dot

    def __post_init__(self) -> None:
        object.__setattr__(self, "ink", palette.ink_on(self.fill))


def are_positions(labels: Sequence[str]) -> bool:
    """Return whether all labels are positions in the image."""
    return all(label in PLACES for label in labels)


def symbols(labels: Sequence[str]) -> dict[str, LabelSymbol]:
    """Return the symbol of each label: arrows if all are positions, their own colors if all are colors."""
    if are_positions(labels):
        return {label: _position(*PLACES[label]) for label in labels}
    letters = _letters(labels)
    if all(label in COLORS for label in labels):
        own = {label: to_hex([channel / 255 for channel in COLORS[label]]) for label in labels}
        return {label: LabelSymbol(own[label], letters[label]) for label in labels}
    colors = palette.CATEGORIES
    return {label: LabelSymbol(colors[index % len(colors)], letters[label]) for index, label in enumerate(labels)}


def _position(row: int, col: int) -> LabelSymbol:
    return LabelSymbol(palette.POSITIONS[row][col], _ARROWS[row][col], _TURNS[row][col], is_dot=(row, col) == (1, 1))


def _letters(labels: Sequence[str], most: int = 3) -> dict[str, str]:
    """Return the shortest unique prefix of each label; a number if that is too long."""
    found = {}
    for index, label in enumerate(labels):
        others = [other.lower() for other in labels if other != label]
        short = (label[:size] for size in range(1, most + 1))
        unique = (start for start in short if not any(other.startswith(start.lower()) for other in others))
        start = next(unique, str(index + 1))
        found[label] = start[0].upper() + start[1:]
    return found
