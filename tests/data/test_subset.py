from collections import Counter

import pytest

from ninefold.data.instances import Photo, Target
from ninefold.data.subset import balance, balanced
from ninefold.space import LABELS, Box, Cell, label_of_cell


def targets(supply: dict[str, list[int]]) -> list[Target]:
    """Return as many targets of each category as ``supply`` lists for the nine regions."""
    cells = [Cell(3 * (region // 3), 3 * (region % 3)) for region in range(9)]
    made = [
        (category, cells[region])
        for category, counts in supply.items()
        for region, n in enumerate(counts)
        for _ in range(n)
    ]
    return [
        Target(Photo(number, f"{number}.jpg", 90, 90), category, Box(0, 0, 1, 1), cell)
        for number, (category, cell) in enumerate(made)
    ]


def counts(chosen: list[Target]) -> tuple[Counter[str], Counter[str]]:
    return Counter(label_of_cell(target.cell) for target in chosen), Counter(target.category for target in chosen)


def test_where_supply_allows_all_is_exactly_even() -> None:
    chosen = balanced(targets({"cat": [9] * 9, "dog": [5] * 9, "cow": [4] * 9}), 81, seed=0)
    assert counts(chosen) == (dict.fromkeys(LABELS, 9), {"cat": 27, "dog": 27, "cow": 27})
    assert set(Counter((target.category, target.cell) for target in chosen).values()) == {3}


def test_a_crowded_center_does_not_crowd_the_subset() -> None:
    chosen = balanced(targets({"cat": [2, 2, 2, 2, 90, 2, 2, 2, 2], "dog": [2, 2, 2, 2, 50, 2, 2, 2, 2]}), 36, seed=0)
    assert counts(chosen) == (dict.fromkeys(LABELS, 4), {"cat": 18, "dog": 18})


def test_what_runs_out_is_taken_whole_and_the_rest_stays_even() -> None:
    supply = targets({"cat": [0, 9, 9, 9, 9, 9, 9, 9, 9], "dog": [1, 1, 0, 0, 0, 0, 0, 0, 0], "cow": [0, *[9] * 8]})
    regions, categories = counts(balanced(supply, 33, seed=0))
    assert regions == dict.fromkeys(LABELS, 4) | {"top left": 1}
    assert sorted(categories.values()) == [2, 15, 16]


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
    supply = targets({"cat": [9] * 9, "dog": [2, *[0] * 8]})
    chosen = balanced(supply, 18, seed=0)
    assert balance(chosen, supply) == {
        "region": {"reached": [2, 2], "possible": [2, 2]},
        "category": {"reached": [2, 16], "possible": [2, 16]},
        "category x region": {"reached": [0, 2]},
    }
