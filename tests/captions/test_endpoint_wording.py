from itertools import pairwise

import pytest

from ninefold.captions.caption import Caption
from ninefold.captions.engines.endpoint.wording import frame_of, pairs_of, sentences, things_of

TEXT = "A kitchen. The red kettle stands on the stove, left of a pan!  Mr. Brown's cat sleeps (under the table).\nEnd"


@pytest.mark.parametrize(
    ("question", "answer", "frame"),
    [
        ("Where is the dog?", "On the left side of the image", "image"),
        ("Where is the dog?", "On the left", "image"),
        ("What is in the background?", "A hill", "image"),
        ("Which animal is on the leftmost side?", "The elephant", "image"),
        ("What is to the left of the lamp?", "A cat", "viewer"),
        ("Where is the dog?", "On the sofa", "viewer"),
        ("What is on the left side of the sofa?", "A cushion", "part"),
        ("Where is the stain?", "In the top right corner of the shirt", "part"),
        ("What is in the top right corner of the picture?", "A bird", "image"),
    ],
)
def test_frame_by_wording(question, answer, frame):
    assert frame_of(question, answer) == frame


@pytest.mark.parametrize(
    ("question", "answer", "things"),
    [
        ("Where is the red kettle located?", "On the stove", ("red kettle", "")),
        ("What is the position of the cat relative to the table?", "Below", ("cat", "table")),
        ("What is in front of the house?", "A small tree.", ("small tree", "house")),
        ("Who is standing next to the door?", "The man", ("man", "door")),
        ("What is behind the cat?", "It cannot be told from where the viewer of it stands", ("", "cat")),
        ("How far is the dog from the cat?", "Two meters", ("", "")),
        ("Is the dog near the cat?", "yes", ("", "")),
    ],
)
def test_things_where_the_form_is_plain(question, answer, things):
    assert things_of(question, answer) == things


def test_source_is_the_sentence_that_shares_most_words():
    said = (("What is on the stove?", "The red kettle"), ("Where does the cat sleep?", "Under a table"), ("Why?", "So"))
    first, second, none = pairs_of(Caption("c", TEXT), said)
    assert TEXT[first.span_start : first.span_end] == "The red kettle stands on the stove, left of a pan!"
    assert "cat sleeps (under the table)." in TEXT[second.span_start : second.span_end]
    assert (none.span_start, none.span_end) == (0, 0)
    assert [pair.fact for pair in (first, second, none)] == [0, 1, 2]


@pytest.mark.parametrize("text", ["", "   ", "...", TEXT, "No end", "a.b.c. d", "x" * 10_000, ". " * 5_000])
def test_sentences_are_exact_parts_of_the_text(text):
    found = sentences(text)
    assert all(text[each.start : each.end].strip() == text[each.start : each.end] != "" for each in found)
    assert all(one.end <= other.start for one, other in pairwise(found))
