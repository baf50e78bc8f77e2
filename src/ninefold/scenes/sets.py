"""The paper's named sets, each with its own levels; new words in the vocabulary do not change them."""

from dataclasses import dataclass
from typing import Literal

SetName = Literal["test", "train"]

Look = tuple[str, str]
"""A color and a shape; size is not part of a look."""

HUES = ("red", "green", "blue", "cyan", "magenta", "yellow")
SOLIDS = ("circle", "triangle", "square", "star")


@dataclass(frozen=True, slots=True)
class NamedSet:
    """The levels of a set; every combination of look, size and cell is a scene."""

    families: tuple[tuple[Look, ...], ...]
    """Looks in the order of their numbers, grouped in families; a thing's distractors are of its own family."""
    sizes: tuple[str, ...] = ("large", "small")
    """Names of sizes from the vocabulary."""
    holds_out: bool = False
    """Whether it is a training pool, of which a part is held out for validation; otherwise it is one split, "test"."""

    @property
    def looks(self) -> tuple[Look, ...]:
        """Return all looks, in the order of their numbers."""
        return tuple(look for family in self.families for look in family)

    def rivals(self, look: Look) -> tuple[Look, ...]:
        """Return the looks of a thing's distractors: those of its family, except its own."""
        family = next(family for family in self.families if look in family)
        return tuple(other for other in family if other != look)


SETS: dict[SetName, NamedSet] = {
    "test": NamedSet((tuple((color, shape) for shape in SOLIDS for color in HUES),)),
    "train": NamedSet(
        (tuple(("white", shape) for shape in SOLIDS), tuple((color, "plus") for color in HUES)), holds_out=True
    ),
}
"""Rizzoli et al. 2025, section 3 and appendix II: 24 and 10 looks, with none in both sets."""
