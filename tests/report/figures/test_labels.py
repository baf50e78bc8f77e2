import pytest

from ninefold.report.figures.labels import symbols
from ninefold.space import LABELS


@pytest.mark.parametrize(
    ("labels", "texts"),
    [
        (LABELS, "↖ ↑ ↗ ← • → ↙ ↓ ↘"),
        (("left", "center", "right"), "← • →"),
        (("top", "center", "bottom"), "↑ • ↓"),
        (("true", "false"), "T F"),
        (("square", "circle", "triangle", "star"), "Sq C T St"),
        (("red", "green", "blue", "cyan", "magenta", "yellow"), "R G B C M Y"),
        (("above left", "above right", "above"), "1 2 3"),
    ],
)
def test_every_label_has_a_symbol_of_its_own(labels, texts):
    found = symbols(labels)
    assert list(found) == list(labels)
    assert " ".join(symbol.text for symbol in found.values()) == texts


def test_arrows_point_where_the_label_says():
    turns = {label: symbol.turn for label, symbol in symbols(("top", "center", "bottom", "left", "right")).items()}
    assert turns == {"top": 0, "center": None, "bottom": 180, "left": -90, "right": 90}


def test_colors_are_drawn_in_their_own_color():
    assert [symbol.fill for symbol in symbols(("red", "white", "blue")).values()] == ["#ff0000", "#ffffff", "#0000ff"]
    assert symbols(("red", "large"))["red"].fill != "#ff0000"


def test_more_labels_than_colors_still_have_different_letters():
    found = symbols([f"{letter}-word" for letter in "abcdefghijklmnop"])
    assert len({symbol.text for symbol in found.values()}) == 16
