import pandas as pd
import pytest

from ninefold.analysis.failures import MODES, failures, wrong_mode
from ninefold.space import LABELS


def table(*rows):
    scores = pd.DataFrame(rows, columns=["answer", "kind", "label"])
    scores["label"] = scores["label"].astype("string")
    return scores.assign(correct=(scores["label"] == scores["answer"]).fillna(False).astype(bool))


def test_every_answer_has_one_outcome():
    found = failures(
        table(
            ("top left", "label", "top left"),
            ("top left", "label", "center"),
            ("top left", "label", "center"),
            ("top left", "label", "top center"),
            ("top left", "label", "bottom right"),
            ("top left", "label", "center right"),
            ("top left", "empty", None),
            ("top left", "no label", None),
            ("top left", "several labels", None),
            ("top left", "truncated", None),
            ("top left", "refused", None),
        )
    )
    assert (found.n, found.right, found.invalid, found.wrong_labels) == (11, 1, 5, 5)
    assert list(found.modes) == list(MODES)
    assert found.modes == {
        "empty": 1, "no label": 1, "several labels": 1, "truncated": 1, "refused": 1,
        "wrong: center": 2, "wrong: neighbor": 1, "wrong: opposite": 1, "wrong: far": 1, "wrong: other": 0,
    }  # fmt: skip
    assert next(iter(found.wrong.items())) == (("top left", "center"), 2)
    assert sum(found.wrong.values()) == found.wrong_labels
    assert failures(table(("top left", "label", "top left"))).modes == dict.fromkeys(MODES, 0)


@pytest.mark.parametrize(
    ("answer", "label", "mode"),
    [
        ("top left", "top right", "opposite"),
        ("top center", "bottom center", "opposite"),
        ("center", "top left", "neighbor"),
        ("top center", "center left", "neighbor"),
        ("top center", "bottom left", "far"),
        ("left", "right", "opposite"),
        ("left", "center", "center"),
        ("red", "blue", "other"),
    ],
)
def test_wrong_labels_are_told_apart_by_their_place(answer, label, mode):
    assert wrong_mode(answer, label) == f"wrong: {mode}"


def test_the_center_has_eight_neighbors_and_a_corner_three_opposites():
    modes = {answer: [wrong_mode(answer, label) for label in LABELS if label != answer] for answer in LABELS}
    assert set(modes["center"]) == {"wrong: neighbor"}
    assert modes["top left"].count("wrong: opposite") == 3
