"""Distractors: other things in a target's scene, none with its look (Rizzoli et al. 2025, appendix II)."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from ninefold.errors import DesignError
from ninefold.scenes.sets import Look
from ninefold.space import REGIONS, Cell, region_of_cell
from ninefold.types import Thing

if TYPE_CHECKING:
    import numpy as np

Placement = Literal["anywhere", "other-regions"]
"""The cells allowed for distractors. The paper names none; the authors' code keeps them out of the target's region."""


def distractors(
    target: Thing,
    rivals: Sequence[Look],
    sizes: Sequence[str],
    count: int,
    *,
    grid: int,
    placement: Placement,
    draw: "np.random.Generator",
) -> tuple[Thing, ...]:
    """Draw distractors around a target, no two of them in one cell.

    Looks repeat only when there are more distractors than rivals, and then as evenly as possible.

    Args:
        target: The target.
        rivals: Looks of distractors.
        sizes: Sizes of distractors.
        count: Number of distractors.
        grid: Cells along each side.
        placement: The cells allowed for distractors.
        draw: The target's own stream of random numbers.

    Raises:
        DesignError: If there are too few cells.
    """
    check_room(count, grid, placement)
    free = _free_cells(target.cell, grid, placement)
    rounds = -(-count // len(rivals))
    looks = [rivals[index] for _ in range(rounds) for index in draw.permutation(len(rivals))][:count]
    cells = [free[index] for index in draw.permutation(len(free))[:count]]
    drawn = draw.integers(len(sizes), size=count)
    return tuple(
        Thing(shape, color, sizes[size], cell) for (color, shape), size, cell in zip(looks, drawn, cells, strict=True)
    )


def check_room(count: int, grid: int, placement: Placement) -> None:
    """Raise a `DesignError` if ``count`` distractors do not fit; it names the largest number that fits any target."""
    taken = 1 if placement == "anywhere" else (grid // REGIONS) ** 2
    if not 0 <= count <= grid**2 - taken:
        where = "beside the target" if placement == "anywhere" else "outside the target's region"
        raise DesignError(f"{count} distractors do not fit: there is room for 0 to {grid**2 - taken} {where}")


@lru_cache(maxsize=1024)
def _free_cells(target: Cell, grid: int, placement: Placement) -> tuple[Cell, ...]:
    region = region_of_cell(target, grid)
    cells = (Cell(row, col) for row in range(grid) for col in range(grid))
    return tuple(
        cell for cell in cells if cell != target and (placement == "anywhere" or region_of_cell(cell, grid) != region)
    )
