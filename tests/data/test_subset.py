from collections import Counter

import numpy as np
import pytest

from ninefold.data.sources.coco.annotations import Instance
from ninefold.data.sources.coco.entries import Photo
from ninefold.data.sources.coco.subset import balance, balanced, most_even, most_even_table
from ninefold.space import LABELS, Box, Cell, label_of_cell


def targets(supply: dict[str, list[int]]) -> list[Instance]:
    """Return as many targets of each category as ``supply`` lists for the nine regions."""
    cells = [Cell(3 * (region // 3), 3 * (region % 3)) for region in range(9)]
    made = [
        (category, cells[region])
        for category, counts in supply.items()
        for region, count in enumerate(counts)
        for _ in range(count)
    ]
    return [
        Instance(f"{number}", Photo(number, f"{number}.jpg", 90, 90), category, Box(0, 0, 1, 1), cell)
        for number, (category, cell) in enumerate(made)
    ]


def counts(chosen: list[Instance]) -> tuple[Counter[str], Counter[str]]:
    return Counter(label_of_cell(target.cell) for target in chosen), Counter(target.category for target in chosen)


def test_where_supply_allows_all_is_exactly_even() -> None:
    chosen = balanced(targets({"cat": [9] * 9, "dog": [5] * 9, "cow": [4] * 9}), 81, seed=0)
    assert counts(chosen) == (dict.fromkeys(LABELS, 9), {"cat": 27, "dog": 27, "cow": 27})
    assert set(Counter((target.category, target.cell) for target in chosen).values()) == {3}


def test_a_crowded_center_does_not_crowd_the_subset() -> None:
    chosen = balanced(targets({"cat": [2, 2, 2, 2, 90, 2, 2, 2, 2], "dog": [2, 2, 2, 2, 50, 2, 2, 2, 2]}), 36, seed=0)
    assert counts(chosen) == (dict.fromkeys(LABELS, 4), {"cat": 18, "dog": 18})


def test_what_runs_out_is_taken_whole_and_the_rest_stays_even() -> None:
    supply = targets({"cat": [0, *[9] * 8], "dog": [1, 1, *[0] * 7], "cow": [0, *[9] * 8]})
    regions, categories = counts(balanced(supply, 33, seed=0))
    assert regions == dict.fromkeys(LABELS, 4) | {"top left": 1}
    assert sorted(categories.values()) == [2, 15, 16]


def test_a_scarce_category_keeps_its_place_in_the_only_region_it_has() -> None:
    # Taking cats in the first region before dogs would leave the dogs without room.
    table = most_even_table(np.array([[9] * 9, [2] + [0] * 8]), 18)
    assert table.tolist() == [[0] + [2] * 8, [2] + [0] * 8]


def test_rows_are_as_even_as_an_exhaustive_search_finds() -> None:
    supply = np.array([[3, 0, 2], [1, 2, 0], [0, 3, 3]])
    table = most_even_table(supply, 6)
    assert table.sum(axis=0).tolist() == [2, 2, 2]
    assert (table <= supply).all()
    grids = np.stack(np.meshgrid(*[np.arange(most + 1) for most in supply.ravel()], indexing="ij"), -1).reshape(
        -1, 3, 3
    )
    fitting = grids[(grids.sum(axis=1) == 2).all(axis=1)]
    cost = 1000 * (fitting.sum(axis=2) ** 2).sum(axis=1) + (fitting**2).sum(axis=(1, 2))
    assert 1000 * (table.sum(axis=1) ** 2).sum() + (table**2).sum() == cost.min()


@pytest.mark.parametrize(
    ("supply", "size", "shares"),
    [([9, 9, 9], 9, [3, 3, 3]), ([9, 1, 9], 9, [4, 1, 4]), ([9, 1, 10], 10, [4, 1, 5]), ([1, 2, 3], 6, [1, 2, 3])],
)
def test_even_shares(supply: list[int], size: int, shares: list[int]) -> None:
    assert most_even(np.array(supply), size).tolist() == shares


def test_a_subset_is_in_the_order_given_and_depends_on_the_seed_alone() -> None:
    supply = targets({"cat": [20] * 9})
    first = balanced(supply, 27, seed=1)
    assert first == balanced(supply, 27, seed=1)
    assert first != balanced(supply, 27, seed=2)
    assert [target.photo.id for target in first] == sorted(target.photo.id for target in first)


@pytest.mark.parametrize("size", [1, 10, 22])
def test_a_subset_has_the_size_asked_for(size: int) -> None:
    assert len(balanced(targets({"cat": [10] + [0] * 8, "dog": [1] * 8 + [4]}), size, seed=0)) == size


def test_the_report_says_what_is_reached_and_what_could_be() -> None:
    supply = targets({"cat": [9] * 9, "dog": [5, *[0] * 8]})
    chosen = balanced(supply, 18, seed=0)
    assert balance(chosen, supply) == {
        "region": {"reached": [2, 2], "possible": [2, 2]},
        "category": {"reached": [2, 16], "possible": [5, 13]},
        "category x region": {"reached": [0, 2]},
    }
