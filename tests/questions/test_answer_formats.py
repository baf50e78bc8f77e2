"""What other kits' parsers get wrong, and what ours must make of it; each case was seen in one of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.errors import DesignError
from ninefold.questions.catalog import FORMATS, find_format, register_format
from ninefold.types import Answer

SIDES = ("left", "right", "on", "under")
RELATIONS = (
    "above left", "directly above", "above right", "directly left",
    "directly right", "below left", "directly below", "below right",
)  # fmt: skip


def read(name, text, options=(), truncated=False):
    answer = find_format(name).read(text, options, truncated=truncated)
    return answer.label or answer.kind


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A mug is under the table.", "under"),
        ("A dog is closer to the chair, so the answer is B", "right"),
        ("The correct answer is **B**. The mug is right of the A-frame", "right"),
        ("The correct answer is **B**. The mug is left of the A-frame", "right"),
        ("The answer is: right", "right"),
        ("it is to the right", "right"),
        ("It is on the left side", "left"),
        ("on the left", "left"),
        ("It is on the chair to the left.", "several labels"),
        ("I will choose option A", "left"),
        ("I will choose option A.", "left"),
        ("I choose C", "on"),
        ("A", "left"),
        ("a", "left"),
        ("(D)", "under"),
        ("d.", "under"),
        ("**C**", "on"),
        ("D. under", "under"),
        ("D) under the table", "under"),
        ("B: right", "right"),
        ("Answer: A", "left"),
        ("Answer: a", "left"),
        ("The answer is (b).", "right"),
        ("The answer is A because the mug is there", "left"),
        ("A is correct.", "left"),
        ("Answer: A mug is under the table", "under"),
        ("The answer is option C", "on"),
        ("option A is wrong; the answer is C", "on"),
        ("I think it is D", "under"),
        ("right", "right"),
        ("RIGHT!", "right"),
        ("A mug", "no label"),
        ("The A-frame", "no label"),
        ("an option of choice", "no label"),
        ("lefty", "no label"),
        ("E", "no label"),
        ("A or B", "several labels"),
        ("A. right", "several labels"),
        ("The answer is A. The answer is B.", "several labels"),
        ("left or right", "several labels"),
        ("", "empty"),
        ("The answer is not B", "no label"),
        ("The answer isn't B.", "no label"),
        ("Do not pick B", "no label"),
        ("I would not choose A", "no label"),
        ("It is not A, B or C", "no label"),
        ("neither left nor right", "no label"),
        ("A is wrong.", "no label"),
        ("Option A is wrong, so it is D", "under"),
        ("The answer is B, not C", "right"),
        ("B rather than A", "right"),
        ("The answer is B because the mug is not on the table", "right"),
        ("The mug is not on the table, it is under the table.", "under"),
        ("The answer is A or B", "several labels"),
        ("The answer is A, B", "several labels"),
        ("The answer is A/B", "several labels"),
        ("The answer is **A** or **B**", "several labels"),
        ("The answer is option A or option C.", "several labels"),
        ("The answer is left or right", "several labels"),
        ("I choose A or maybe B", "several labels"),
        ("The answer is B and the mug is right of it", "right"),
        ("Vitamin A", "no label"),
        ("Vitamin A and B", "several labels"),
        ("It holds vitamin A", "no label"),
        ("It is not, in my view, B", "no label"),
        ("It is not (as I see it) B", "no label"),
        ("It is not\nB", "no label"),
        ("I do not think, however, that it is B", "no label"),
        ("It is not A, it is B, I think", "right"),
        ("The mug is in front of a plant: B", "right"),
        ("I would not say so - it is B", "right"),
    ],
)
def test_letters(text, expected):
    assert read("letters", text, SIDES) == expected


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("A", ("7", "3"), "7"),
        ("The answer is B", ("7", "3"), "3"),
        ("7", ("7", "3"), "7"),
        ("The answer is 7.", ("7", "3"), "7"),
        ("There are 3.7 of them", ("7", "3"), "no label"),
        ("A", ("Y", "X"), "Y"),
        ("Y", ("Y", "X"), "Y"),
        ("It is X", ("Y", "X"), "X"),
        ("B", ("B", "C"), "several labels"),
        ("The answer is A", ("B", "A"), "A"),
        ("b", ("b", "a"), "b"),
        ("option 28", tuple(f"option {number}" for number in range(1, 31)), "option 28"),
        ("Z", tuple(f"option {number}" for number in range(1, 31)), "option 26"),
        ("It is not visible", ("visible", "not visible"), "not visible"),
    ],
)
def test_letters_of_options_that_are_characters_or_many(text, options, expected):
    assert read("letters", text, options) == expected


def test_letters_read_the_longest_option_first_and_options_that_are_letters():
    overlapping = ("above left", "left below", "beside it")
    assert read("letters", "The answer is above left below", overlapping) == "several labels"
    assert read("letters", "It is above left below it", overlapping) == "several labels"
    assert read("letters", "option above left", overlapping) == "above left"
    assert read("letters", "above\n\nleft", overlapping) == "no label"
    assert read("letters", "the man's left hand", ("left", "left hand", "hand")) == "left hand"
    assert read("letters", "B", ("B", "A")) == "B"
    assert read("letters", "The answer is B") == "B"
    assert read("letters", "I am in the middle of it", tuple("abcdefghijk")) == "no label"
    assert read("letters", "The", SIDES, truncated=True) == "truncated"


@pytest.mark.parametrize(
    ("options", "true", "false"),
    [
        (("True", "False"), "True", "False"),
        (("False", "True"), "True", "False"),
        (("Yes", "No"), "Yes", "No"),
        (("incorrect", "correct"), "correct", "incorrect"),
        ((), "True", "False"),
    ],
)
def test_true_and_false_map_onto_the_pair_of_the_options(options, true, false):
    for text in ("True", "true.", "Yes", "YES!", "Correct", "**True**", "Yes, the cat is behind it."):
        assert read("true_false", text, options) == true
    for text in ("False", "no", "Incorrect.", "_False_", "That is incorrect"):
        assert read("true_false", text, options) == false


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("That is not true.", "False"),
        ("No, it isn't correct.", "False"),
        ("It is not false.", "True"),
        ("not necessarily true", "no label"),
        ("True or False? False", "False"),
        ("Yes or no?", "no label"),
        ("It would be true if it were closer; the answer is False.", "False"),
        ("Answer: **Yes**", "True"),
        ("true, or perhaps false", "several labels"),
        ("yes and no", "several labels"),
        ("untrue", "no label"),
        ("nothing", "no label"),
        ("The car", "no label"),
        ("\n", "empty"),
        ("not **true**", "False"),
        ("**not** true", "False"),
        ('not "true"', "False"),
        ("The answer is not true", "False"),
        ("not at all true", "no label"),
        ("I do not think this is true", "no label"),
        ("hardly true", "no label"),
        ("far from true", "no label"),
        ('"True" is not the answer', "no label"),
        ("I have no idea", "no label"),
        ("There is no car in the image", "no label"),
        ("The answer is no longer clear", "no label"),
        ("No.", "False"),
        ("No, there is none", "False"),
        ("**No**", "False"),
        ("Answer: no", "False"),
        ("The answer is no.", "False"),
        ("Yes, there is no car", "True"),
        ("neither true nor false", "no label"),
        ("neither true, nor false", "no label"),
        ("It is true that the cat is not on the mat", "True"),
        ("The cat is not there, so this is false", "False"),
        ("it is not, I think, true", "False"),
        ("It is not, in fact, false.", "True"),
        ("It is not (as far as I can see) true", "False"),
        ("It is not \u2014 I think \u2014 true", "False"),
        ("I don't think, however, that it is true", "no label"),
        ("I do not believe, based on the picture, that this is true", "no label"),
        ("I do not think, that it is true", "no label"),
        ("It is not\ntrue", "no label"),
        ("It is not, so the answer is false", "False"),
        ("No, it is not, it is false", "False"),
        ("That the cat is in front of the elephant is true", "True"),
        ("I want to say true", "True"),
        ("It isnt true", "False"),
        ("It can\u2019t be true", "no label"),
    ],
)
def test_true_false(text, expected):
    assert read("true_false", text) == expected


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("Two", "2"),
        ("the Bus.", "bus"),
        ("The answer is: 35 mph", "35 MPH"),
        ("  a\nred   car ", "Red car"),
        ("A", "a"),
    ],
)
def test_short_texts_are_equal_after_normalization(text, same):
    assert read("short_text", text) == read("short_text", same)


def test_short_texts_are_never_half_read():
    assert read("short_text", "not red") != read("short_text", "red")
    assert read("short_text", "red", ("Red", "Blue")) == "Red"
    assert read("short_text", "reddish", ("Red", "Blue")) == "no label"
    assert read("short_text", "a long story about", truncated=True) == "truncated"
    assert read("short_text", "...") == "empty"
    assert read("short_text", "center\n\nright", ("center right",)) == "no label"
    assert read("short_text", "center\nright", ("center right",)) == "center right"
    assert read("short_text", "center - right", ("center right",)) == "no label"


@pytest.mark.parametrize("label", RELATIONS)
def test_labels_that_share_words(label):
    assert read("labels", f"It is {label}.", RELATIONS) == label
    assert read("labels", "left", RELATIONS) == "no label"


@pytest.mark.parametrize("name", FORMATS)
@given(text=st.text(), options=st.sampled_from([(), SIDES, ("Yes", "No")]))
def test_every_format_gives_an_option_or_the_reason_why_not_and_always_the_same(name, text, options):
    answer = find_format(name).read(text, options)
    assert answer == find_format(name).read(text, options)
    assert (answer.label is not None) == (answer.kind == "label") and answer.kind != "truncated"
    if options and answer.label and name != "true_false":
        assert answer.label in options


@pytest.mark.parametrize(("name", "options"), [("labels", SIDES), ("letters", SIDES), ("true_false", ("No", "Yes"))])
def test_every_format_reads_the_options_themselves(name, options):
    assert [read(name, option, options) for option in options] == list(options)


def test_a_format_of_the_users_own(monkeypatch):
    monkeypatch.setattr("ninefold.questions.catalog.FORMATS", dict(FORMATS))

    class Shout:
        name = "shout"

        def read(self, text, options, *, truncated=False):
            return Answer("label", text.upper())

    register_format(Shout())
    assert read("shout", "yes") == "YES"
    with pytest.raises(DesignError, match=r"unknown answer format 'labls'; did you mean labels\? known: labels, "):
        find_format("labls")
    Shout.name = "labels"
    with pytest.raises(DesignError, match="ninefold has one of this name"):
        register_format(Shout())
