from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold import design
from ninefold.design import Combination, factorial, held_out, option_orders, relabeling, williams
from ninefold.errors import DesignError
from ninefold.space import region_of_cell

PLAIN = np.arange(9)
"""The relabeling that changes nothing, for which the reference prints its table."""


def regions(n: int, sizes: int = 2, grid: int = 9, seed: int | None = None, shift: int = 0) -> list[Combination]:
    """The design of `absolute_position`: each object has a text of its own, the answer is the region."""
    return regions_of(range(n), sizes, grid, seed, shift)


def regions_of(objects, sizes: int = 2, grid: int = 9, seed: int | None = None, shift: int = 0) -> list[Combination]:
    relabeled = PLAIN if seed is None else relabeling(seed)
    return factorial(
        objects, sizes, grid, lambda o, s, cell: (o, region_of_cell(cell, grid)), 9, relabeled=relabeled, shift=shift
    )


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
@pytest.mark.parametrize("shift", range(9))
def test_marginals_of_the_reference(n: int, shift: int):
    items = regions(n, shift=shift)
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
        items = regions(10, seed=seed)
        assert text_only(items) == (180, 1620)
        assert counts(items, region, lambda i, p=relabeled: slot(i, p)) == {20}
        assert counts(items, lambda i: i.cell.row, lambda i, p=relabeled: slot(i, p)) == {20}
        assert counts(items, lambda i: i.cell, lambda i, p=relabeled: slot(i, p)) == {2, 3}


@settings(max_examples=12, deadline=None)
@given(n=st.integers(1, 12), grid=st.sampled_from([3, 6, 9, 12, 15]), sizes=st.integers(1, 3), seed=st.integers(0, 99))
def test_text_tells_nothing_whatever_the_numbers(n: int, grid: int, sizes: int, seed: int):
    items = regions(n, sizes, grid, seed, shift=seed % 9)
    assert len(set(items)) == n * sizes * grid**2
    right, asked = text_only(items, grid)
    assert right * 9 == asked


@pytest.mark.parametrize("grid", [0, 2, 10])
def test_regions_must_hold_whole_cells(grid: int):
    with pytest.raises(DesignError, match=f"grid of {grid}.*multiple of 3"):
        regions(2, 2, grid)


@pytest.mark.parametrize("by", ["object", "block", "random"])
def test_a_holdout_is_a_set_difference_of_the_papers_sizes(by: str):
    parts = held_out(range(10), partial(regions_of, seed=0), by=by, seed=0)
    where = [{(i.object, i.size, i.cell) for i in parts[split]} for split in ("train", "validation")]
    assert [len(part) for part in where] == [1296, 324]
    assert not where[0] & where[1]


def test_what_each_holdout_keeps():
    by_object = held_out(range(10), partial(regions_of, seed=5), by="object", seed=5)
    assert not {i.object for i in by_object["train"]} & {i.object for i in by_object["validation"]}
    by_block = held_out(range(10), partial(regions_of, seed=5), by="block", seed=5)
    assert not {(i.object, i.order) for i in by_block["train"]} & {(i.object, i.order) for i in by_block["validation"]}
    for parts in (by_object, by_block):
        assert [text_only(items) for items in parts.values()] == [(144, 1296), (36, 324)]
    for items in by_object.values():
        n = len(items) // 162
        assert counts(items, region, lambda i: slot(i, relabeling(5))) == {2 * n}
        assert counts(items, lambda i: i.size, lambda i: i.order) == {81 * n // 18}
    at_random = held_out(range(10), partial(regions_of, seed=5), by="random", seed=5)
    assert text_only(at_random["train"])[0] > 144


def test_the_seed_chooses_what_is_held_out():
    chosen = {
        frozenset(i.object for i in held_out(range(10), regions_of, by="object", seed=s)["validation"])
        for s in range(5)
    }
    assert len(chosen) > 1


@pytest.mark.parametrize("ask", ["region", "column", "color"])
def test_no_slot_is_the_same_under_two_shifts(ask: str):
    rules = {
        "region": (9, lambda o, s, cell: (o, region_of_cell(cell))),
        "column": (3, lambda o, s, cell: (o, cell.col // 3)),
        "color": (6, lambda o, s, cell: (0, o % 6)),
    }
    n, asked = rules[ask]
    slots = []
    for shift in range(n):
        orders = option_orders(4, n)
        items = factorial(range(24), 2, 9, asked, n, relabeled=relabeling(4, n), shift=shift)
        slots.append([orders[item.order].index(item.answer) for item in items])
    assert all(len(set(of_item)) == n for of_item in zip(*slots, strict=True))


def spread(items: list[Combination], n: int, seed: int, *factors: Callable[[Combination], object]) -> set[int]:
    """How often each combination of levels meets each slot; levels that do not occur count nowhere."""
    orders = option_orders(seed, n)
    counted = Counter(
        (tuple(factor(item) for factor in factors), orders[item.order].index(item.answer)) for item in items
    )
    return {counted[levels, slot] for levels, _ in list(counted) for slot in range(n)}


CELL, ROW, COL, SIZE = (lambda i: i.cell), (lambda i: i.cell.row), (lambda i: i.cell.col), (lambda i: i.size)
ANSWER, OBJECT, ORDER = (lambda i: i.answer), (lambda i: i.object), (lambda i: i.order)


@pytest.mark.parametrize("axis", ["row", "col"])
@pytest.mark.parametrize("n", [2, 8, 10, 24])
@pytest.mark.parametrize("seed", range(6))
def test_marginals_of_three_labels_along_an_axis(axis: str, n: int, seed: int):
    items = factorial(
        range(n),
        2,
        9,
        lambda o, s, cell: (o, getattr(cell, axis) // 3),
        3,
        relabeled=relabeling(seed, 3),
        shift=seed % 3,
    )
    assert counts(items, OBJECT, ORDER, ANSWER) == {9}
    for factors in ((), (ANSWER,), (ROW,), (COL,), (SIZE,), (OBJECT,), (SIZE, ANSWER), (OBJECT, ANSWER)):
        assert len(spread(items, 3, seed, *factors)) == 1
    cells = spread(items, 3, seed, CELL)
    assert cells == ({16} if n == 24 else {n * 2 // 3, n * 2 // 3 + 1})


ATTRIBUTES = {
    "color of 24": (24, 6, lambda o: o % 6, lambda o: o // 6),
    "color of 6": (6, 6, lambda o: o, lambda o: 0),
    "shape of 24": (24, 4, lambda o: o // 6, lambda o: o % 6),
    "shape of 4": (4, 4, lambda o: o, lambda o: 0),
}


@pytest.mark.parametrize("name", ATTRIBUTES)
@pytest.mark.parametrize("seed", range(6))
def test_marginals_of_attributes(name: str, seed: int):
    objects, n, answer, other = ATTRIBUTES[name]
    items = factorial(
        range(objects), 2, 9, lambda o, s, cell: (0, answer(o)), n, relabeled=relabeling(seed, n), shift=seed % n
    )
    # The text alone: of each order, every answer is right equally often.
    by_order = Counter((item.order, item.answer) for item in items)
    assert all(len({by_order[order, label] for label in range(n)}) == 1 for order in range(n))
    for factors in ((), (ROW,), (COL,), (SIZE,), (CELL,), (CELL, SIZE), (lambda i: other(i.object),)):
        assert len(spread(items, n, seed, *factors)) == 1
    # Four shapes share 162 items each among 4 slots; all other numbers divide.
    exact = {
        "color of 24": (ANSWER, OBJECT),
        "color of 6": (ANSWER, OBJECT),
        "shape of 24": (ANSWER,),
        "shape of 4": (),
    }
    for factor in (ANSWER, OBJECT):
        low, high = min(spread(items, n, seed, factor)), max(spread(items, n, seed, factor))
        assert high - low == (0 if factor in exact[name] else 1)
    assert set(Counter((item.order, item.block) for item in items).values()) == {n}


def test_blocks_hold_every_answer_once_and_their_union_tells_nothing():
    design = partial(
        factorial, sizes=2, grid=9, ask=lambda o, s, cell: (0, o), labels=4, relabeled=relabeling(1, 4), shift=1
    )
    items = design(range(4))
    answers: dict[object, list[int]] = {}
    for item in items:
        answers.setdefault((item.order, item.block), []).append(item.answer)
    assert all(sorted(of_block) == [0, 1, 2, 3] for of_block in answers.values())
    for part in held_out(range(4), design, by="block", seed=1).values():
        by_order = Counter((item.order, item.answer) for item in part)
        assert all(len({by_order[order, label] for label in range(4)}) == 1 for order in range(4))


def test_answers_that_no_rule_fits_are_dealt_in_turn():
    """Six labels, two sizes of three rows of regions: the rule would let orders tell the size."""
    items = factorial(
        range(2), 2, 9, lambda o, s, cell: (o, 3 * s + cell.row // 3), 6, relabeled=relabeling(0, 6), shift=0
    )
    by_text = Counter((item.text, item.order, item.answer) for item in items)
    assert all(len({by_text[t, order, a] for a in range(6)}) == 1 for t in range(2) for order in range(6))


def test_a_spread_choice_gives_each_answer_its_share():
    answers = ["circle"] * 972 + ["star"] * 972 + ["square"] * 972 + ["triangle"] * 972
    for count in (4, 200, 1000, 3888):
        chosen = design.spread(answers, count)
        assert (np.diff(chosen) > 0).all() and len(chosen) == count
        shares = Counter(answers[index] for index in chosen).values()
        assert len(shares) == 4 and max(shares) - min(shares) <= 1
    # Unequal answers keep their proportions.
    assert Counter((["yes"] * 70 + ["no"] * 30)[index] for index in design.spread(["yes"] * 70 + ["no"] * 30, 10)) == {
        "yes": 7,
        "no": 3,
    }
    assert design.spread(list("abc"), 3).tolist() == [0, 1, 2]


def test_whole_groups_are_chosen_whole_and_at_random():
    groups = [number % 50 for number in range(200)]
    chosen = design.whole_groups(groups, 43).tolist()
    counts = Counter(groups[index] for index in chosen)
    assert len(chosen) == 40 and set(counts.values()) == {4} and max(counts) > 30
    assert chosen == sorted(chosen) and set(chosen) < set(design.whole_groups(groups, 100).tolist())


def test_a_spread_choice_of_a_design_meets_every_size_and_cell():
    items = [(answer, cell, size) for answer in range(4) for cell in range(81) for size in range(2)]
    chosen = [items[index] for index in design.spread([item[0] for item in items], 324)]
    assert len({size for _, _, size in chosen}) == 2 and len({cell for _, cell, _ in chosen}) == 81
