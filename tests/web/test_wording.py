import pytest

from ninefold.web.wording import count, join, p_value, percent, points, slugs, span


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.43, "43 %"), (1, "100 %"), (0, "0 %"), (0.996, "99.6 %"), (0.9999, "99.99 %"), (0.0004, "0.04 %"), (None, "–")],
)
def test_only_a_perfect_score_reads_as_100_percent(value, text):
    assert percent(value).replace("\u202f", " ") == text


@pytest.mark.parametrize(("value", "text"), [(0.56, "+56"), (-0.031, "−3"), (0, "±0"), (0.001, "+0.1")])
def test_points_are_signed_and_never_hide_a_difference(value, text):
    assert points(value) == text


def test_words():
    assert span([0.4123, 0.4401]).replace("\u202f", " ") == "41.2–44.0 %"
    assert span(None) == "–"
    assert count(3888) == "3,888"
    assert [p_value(p).replace("\u00a0", " ") for p in (1e-9, 0.0021, 0.2)] == ["p < 0.0001", "p = 0.0021", "p = 0.20"]
    assert join(["a"]) == "a"
    assert join(["a", "b", "c"]) == "a, b and c"


def test_slugs_are_safe_and_different():
    assert slugs(["Synthetic test", "COCO/val2017", "../<b>"]) == ["synthetic-test", "coco-val2017", "b"]
    assert slugs(["a b", "a-b", "a-b-2"]) == ["a-b-1", "a-b-2", "a-b-2-3"]
    assert slugs(["日本"]) == ["unnamed"]
