import pytest

from ninefold.analysis.votes import leaders, majority_map
from ninefold.space import LABELS


def test_the_majority_wins_and_invalid_answers_do_not_vote():
    said = ["center", "center", "top left", None, None, None]
    votes = majority_map([4] * 6, [4] * 6, said, LABELS)
    assert votes[4][4] == "center"
    assert votes[0][0] is None
    assert len(votes) == 9 and all(len(row) == 9 for row in votes)


def test_a_tie_names_the_labels_that_lead_whatever_the_order_of_answers():
    said = ["bottom right", "top right", "center", "top right", "bottom right", None]
    for order in (said, said[::-1]):
        votes = majority_map([0] * 6, [0] * 6, order, LABELS, grid=2)
        assert votes == [[("top right", "bottom right"), None], [None, None]]


@pytest.mark.parametrize(
    ("vote", "labels"), [(None, ()), ("center", ("center",)), (["top left", "center"], ("top left", "center"))]
)
def test_a_vote_has_leaders(vote, labels):
    assert leaders(vote) == labels


def test_answers_of_all_seeds_vote_together():
    # Two of three seeds have a narrow majority for "center", but most answers are "top left".
    seeds = [["center"] * 3 + ["top left"] * 2] * 2 + [["top left"] * 5]
    said = [label for seed in seeds for label in seed]
    assert majority_map([0] * 15, [0] * 15, said, LABELS, grid=1) == [["top left"]]
