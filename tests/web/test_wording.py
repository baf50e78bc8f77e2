import pytest

from ninefold.web.wording import aligned, count, excerpt, join, p_value, percent, points, quantity, slugs, span, words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.43, "43 %"), (1, "100 %"), (0, "0 %"), (0.996, "99.6 %"), (0.9999, "99.99 %"), (0.0004, "0.04 %"),
        (1295 / 1296, "99.9 %"), (1 - 1e-7, "> 99.9999 %"), (1e-9, "< 0.0001 %"), (1 - 1e-16, "100 %"), (None, "–"),
    ],
)  # fmt: skip
def test_only_a_perfect_score_reads_as_100_percent(value, text):
    assert percent(value).replace("\u202f", " ") == text


@pytest.mark.parametrize("digits", range(5))
def test_no_count_of_right_answers_reads_as_all_or_none(digits):
    for total in (3, 200, 1296, 3888, 10**5, 10**7):
        for right in (1, total - 1):
            for text in (
                percent(right / total, digits),
                points(right / total, digits),
                span([0, right / total], digits),
            ):
                number = text.split("–")[-1].strip("+\u202f%")
                assert number.startswith(("<", ">")) or 0 < float(number) < 100


@pytest.mark.parametrize(
    ("value", "text"), [(0.56, "+56"), (-0.031, "−3"), (0, "±0"), (0.001, "+0.1"), (-0.997, "−99.7"), (1, "+100")]
)
def test_points_are_signed_and_never_hide_a_difference(value, text):
    assert points(value) == text


def test_words():
    assert span([0.4123, 0.4401]).replace("\u202f", " ") == "41.2–44.0 %"
    assert span([0.9985, 0.99999]).replace("\u202f", " ") == "99.9–99.999 %"
    assert span([0, 1]).replace("\u202f", " ") == "0–100 %"
    assert span(None) == span([None, None]) == "–"
    assert count(3888) == "3,888"
    assert [quantity(n, "question") for n in (0, 1, 3888)] == ["0 questions", "1 question", "3,888 questions"]
    assert [p_value(p).replace("\u00a0", " ") for p in (1e-9, 0.0021, 0.2)] == ["p < 0.0001", "p = 0.0021", "p = 0.20"]
    assert join(["a"]) == "a"
    assert join(["a", "b", "c"]) == "a, b and c"


def test_slugs_are_safe_and_different():
    assert slugs(["Synthetic test", "COCO/val2017", "../<b>"]) == ["synthetic-test", "coco-val2017", "b"]
    assert slugs(["a b", "a-b", "a-b-2"]) == ["a-b-1", "a-b-2", "a-b-2-3"]
    assert slugs(["日本"]) == ["unnamed"]


def test_an_excerpt_shows_what_cannot_be_seen_and_says_how_long_the_text_is():
    assert excerpt("a\tb\nc", 10) == "a\tb\nc"
    assert excerpt("\x00\x1b[31m\x7f\r", 10) == r"\x00\x1b[31m\x7f\x0d"
    assert excerpt("\n \n", 10) == r"'\n \n'"
    assert excerpt("", 10) == ""
    assert excerpt("é\ud800", 10) == "é\\ud800"
    assert excerpt("x" * 1_000_000, 5) == "xxxxx … (5 of 1,000,000 characters)"


def test_names_are_words_and_columns_of_plain_text_are_flush_left_or_right():
    names = ["flip_circular", "f1", "pair_accuracy", "multi_object_closer_to"]
    assert list(map(words, names)) == ["flip + circular", "F1", "pair accuracy", "multi-object closer to"]
    rows = [("", "pairs", "rate"), ("left of", "12", "4"), ("on", "1,234", "")]
    assert aligned(rows) == ["         pairs  rate", "left of  12     4", "on       1,234"]
    assert aligned(rows, str.rjust) == ["         pairs  rate", "left of     12     4", "on       1,234"]
