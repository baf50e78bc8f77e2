from collections import Counter
from collections.abc import Callable, Iterable
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.design import Combination, factorial, held_out, relabeling, williams
from ninefold.errors import DesignError
from ninefold.space import region_of_cell

PLAIN = np.arange(9)
"""The relabeling that changes nothing, for which the reference prints its table."""


def region(item: Combination, grid: int = 9) -> int:
    return region_of_cell(item.cell, grid)


def slot(item: Combination, relabeled: np.ndarray = PLAIN) -> int:
    return relabeled[williams(9)[item.order]].tolist().index(region(item))


def counts(items: Iterable[Combination], *factors: Callable[[Combination], object]) -> set[int]:
    return set(Counter(tuple(factor(item) for factor in factors) for item in items).values())


def text_only(items: list[Combination], grid: int = 9) -> tuple[int, int]:
    """Right answers of the best reader of question and options alone, and questions."""
    texts: dict[tuple[int, int], Counter[int]] = {}
    for item in items:
        texts.setdefault((item.object, item.order), Counter())[region(item, grid)] += 1
    return sum(max(answers.values()) for answers in texts.values()), len(items)


def test_the_orders_are_those_of_the_reference():
    table = williams(9).tolist()
    assert table[0] == [0, 1, 8, 2, 7, 3, 6, 4, 5]
    assert table[4] == [4, 5, 3, 6, 2, 7, 1, 8, 0]
    assert table[9] == [5, 4, 6, 3, 7, 2, 8, 1, 0]
    assert table[17] == [4, 3, 5, 2, 6, 1, 7, 0, 8]


def test_slots_neighbors_and_precedence_are_balanced():
    table = williams(9)
    assert len({tuple(order) for order in table.tolist()}) == 18
    assert all(set(Counter(column).values()) == {2} for column in table.T.tolist())
    neighbors = Counter(pair for order in table.tolist() for pair in pairwise(order))
    assert len(neighbors) == 72
    assert set(neighbors.values()) == {2}
    before = Counter(pair for order in table.tolist() for pair in combinations(order, 2))
    assert set(before.values()) == {9}


@pytest.mark.parametrize("n", [2, 4, 6, 10])
def test_one_square_is_enough_for_an_even_number_of_options(n: int):
    table = williams(n)
    assert table.shape == (n, n)
    assert set(Counter(pair for order in table.tolist() for pair in pairwise(order)).values()) == {1}


@pytest.mark.parametrize("n", [2, 8, 10, 24])
def test_marginals_of_the_reference(n: int):
    items = list(factorial(range(n), 2, 9, PLAIN))
    assert len(set(items)) == len(items) == n * 162
    assert counts(items, lambda i: i.object, lambda i: i.order, region) == {1}
    assert counts(items, lambda i: i.object, lambda i: i.size, region, slot) == {1}
    assert counts(items, slot) == {18 * n}
    assert counts(items, region, slot) == {2 * n}
    assert counts(items, lambda i: i.size, lambda i: i.order) == {81 * n // 18}
    for factor in (lambda i: i.cell.row, lambda i: i.cell.col, lambda i: (i.cell.row % 3, i.cell.col % 3)):
        assert counts(items, factor, slot) == {2 * n}
    cells = Counter((i.cell, slot(i)) for i in items)
    spread = [cells[item.cell, place] for item in items for place in range(9)]
    assert (min(spread), max(spread)) == {2: (0, 1), 8: (1, 2), 10: (2, 3), 24: (5, 6)}[n]
    assert text_only(items) == (n * 18, n * 162)


def test_a_seed_relabels_and_keeps_the_balance():
    assert relabeling(0).tolist() != relabeling(1).tolist()
    for seed in range(3):
        relabeled = relabeling(seed)
        items = list(factorial(range(10), 2, 9, relabeled))
        assert text_only(items) == (180, 1620)
        assert counts(items, region, lambda i, p=relabeled: slot(i, p)) == {20}
        assert counts(items, lambda i: i.cell.row, lambda i, p=relabeled: slot(i, p)) == {20}
        assert counts(items, lambda i: i.cell, lambda i, p=relabeled: slot(i, p)) == {2, 3}


@settings(max_examples=12, deadline=None)
@given(n=st.integers(1, 12), grid=st.sampled_from([3, 6, 9, 12, 15]), sizes=st.integers(1, 3), seed=st.integers(0, 99))
def test_text_tells_nothing_whatever_the_numbers(n: int, grid: int, sizes: int, seed: int):
    items = list(factorial(range(n), sizes, grid, relabeling(seed)))
    assert len(set(items)) == n * sizes * grid**2
    right, asked = text_only(items, grid)
    assert right * 9 == asked


@pytest.mark.parametrize("grid", [0, 2, 10])
def test_regions_must_hold_whole_cells(grid: int):
    with pytest.raises(DesignError, match=f"grid of {grid}.*multiple of 3"):
        list(factorial(range(2), 2, grid, PLAIN))


@pytest.mark.parametrize("by", ["object", "block", "random"])
def test_a_holdout_is_a_set_difference_of_the_papers_sizes(by: str):
    parts = held_out(10, 2, 9, relabeling(0), by=by, seed=0)
    where = [{(i.object, i.size, i.cell) for i in parts[split]} for split in ("train", "validation")]
    assert [len(part) for part in where] == [1296, 324]
    assert not where[0] & where[1]


def test_what_each_holdout_keeps():
    by_object = held_out(10, 2, 9, relabeling(5), by="object", seed=5)
    assert not {i.object for i in by_object["train"]} & {i.object for i in by_object["validation"]}
    by_block = held_out(10, 2, 9, relabeling(5), by="block", seed=5)
    assert not {(i.object, i.order) for i in by_block["train"]} & {(i.object, i.order) for i in by_block["validation"]}
    for parts in (by_object, by_block):
        assert [text_only(items) for items in parts.values()] == [(144, 1296), (36, 324)]
    for items in by_object.values():
        n = len(items) // 162
        assert counts(items, region, lambda i: slot(i, relabeling(5))) == {2 * n}
        assert counts(items, lambda i: i.size, lambda i: i.order) == {81 * n // 18}
    at_random = held_out(10, 2, 9, relabeling(5), by="random", seed=5)
    assert text_only(at_random["train"])[0] > 144


def test_the_seed_chooses_what_is_held_out():
    chosen = {
        frozenset(i.object for i in held_out(10, 2, 9, PLAIN, by="object", seed=s)["validation"]) for s in range(5)
    }
    assert len(chosen) > 1
