from collections import Counter

import pytest

from ninefold.errors import DesignError
from ninefold.scenes.clutter import distractors
from ninefold.scenes.sets import SETS
from ninefold.seeding import rng
from ninefold.space import Cell, region_of_cell
from ninefold.types import Thing


def around(set_name: str, look: str, count: int, placement: str = "anywhere", seed: int = 0):
    color, shape = look.split()
    named = SETS[set_name]
    target = Thing(shape, color, "large", Cell(4, 4))
    return distractors(
        target, named.rivals((color, shape)), named.sizes, count, grid=9, placement=placement, draw=rng(seed, "t")
    )


def test_the_sets_are_those_of_the_paper():
    assert len(SETS["test"].looks) == 24
    assert len(SETS["train"].looks) == 10
    assert not set(SETS["test"].looks) & set(SETS["train"].looks)


def test_white_targets_have_white_distractors_of_other_shapes():
    things = around("train", "white star", 5)
    assert {thing.color for thing in things} == {"white"}
    assert {thing.shape for thing in things} == {"circle", "triangle", "square"}
    assert sorted(Counter(thing.shape for thing in things).values()) == [1, 2, 2]


def test_colored_pluses_have_pluses_of_other_colors():
    things = around("train", "red plus", 5)
    assert {thing.shape for thing in things} == {"plus"}
    assert sorted(thing.color for thing in things) == ["blue", "cyan", "green", "magenta", "yellow"]


def test_test_distractors_differ_in_color_shape_or_both():
    looks = {thing.look for seed in range(40) for thing in around("test", "red star", 5, seed=seed)}
    assert len(looks) == 23
    assert "red star" not in looks


@pytest.mark.parametrize("count", [1, 3, 5, 80])
def test_no_two_things_share_a_cell(count: int):
    cells = {thing.cell for thing in around("test", "red star", count)}
    assert len(cells) == count
    assert Cell(4, 4) not in cells


def test_placement_is_anywhere_or_in_other_regions():
    anywhere, elsewhere = (
        {region_of_cell(thing.cell) for seed in range(40) for thing in around("test", "red star", 5, place, seed)}
        for place in ("anywhere", "other-regions")
    )
    assert anywhere == set(range(9))
    assert elsewhere == set(range(9)) - {4}


@pytest.mark.parametrize(("placement", "room"), [("anywhere", 80), ("other-regions", 72)])
def test_too_many_is_an_error_that_says_how_many_fit(placement: str, room: int):
    assert len(around("train", "white star", room, placement)) == room
    with pytest.raises(DesignError, match=f"{room + 1} distractors do not fit.*0 to {room} "):
        around("train", "white star", room + 1, placement)
    with pytest.raises(DesignError, match="-1 distractors"):
        around("train", "white star", -1, placement)
