import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.questions.formats.labels import Labels
from ninefold.space import LABELS

SEPARATORS = [" ", "-", "_", "\n", "  ", "\t", "\u00a0", "\u2011", "\u2013", "** **", "\r\n", " \n ", "`-`"]
UNCLEAR = ["\n\n", "\n \n", "\r\n\r\n", "\u2029", " - ", " \u2013 ", "\u2014", "\n- ", "\n* ", "- ", " -", "--"]
PARTING = [", ", ": ", "/", ". ", ".\n\n", " and "]


def read(text, truncated=False):
    reading = Labels().read(text, LABELS, truncated=truncated)
    return reading.label or reading.kind


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("top center", "top center"),
        ("center", "center"),
        ("Top Left.", "top left"),
        ("top-left", "top left"),
        ("TOP_LEFT", "top left"),
        ("_center_", "center"),
        ("**Center right**", "center right"),
        ("**bottom** center", "bottom center"),
        ("bottom\nright", "bottom right"),
        ("[center left]", "center left"),
        ("The red square is in the top right.", "top right"),
        ("center. Center!", "center"),
        ("top left, i.e. top-left", "top left"),
        # The words are there but not side by side in a label's order: only "center" is literally held.
        ("left center", "center"),
        ("center, left", "center"),
        # Two labels overlap: nothing tells which is meant.
        ("top center left", "several labels"),
        ("bottom center left", "several labels"),
        ("bottom-center-right", "several labels"),
        ("top\n\ncenter left", "center left"),
        # The words of "center right" may be meant as one label, or "center" alone.
        ("center\n\nright side", "no label"),
        ("center - right under the tree", "no label"),
        ("center\u2014right of it", "no label"),
        ("center\n- right", "no label"),
        ("center - right. So it is center.", "no label"),
        ("center.\n\nRight, it is there.", "center"),
        ("center - to the right", "center"),
        ("top left - right there", "top left"),
        ("1. center\n2. right", "center"),
        ("", "empty"),
        (" \n\t", "empty"),
        ("upper left", "no label"),
        ("top", "no label"),
        ("top, left", "no label"),
        ("topleft", "no label"),
        ("centered", "no label"),
        ("epicenter", "no label"),
        ("centre", "no label"),
        ("top lefty", "no label"),
        ("top left or top right", "several labels"),
        ("top center center", "several labels"),
        ("center left, center", "several labels"),
        ("top left center", "several labels"),
    ],
)
def test_what_a_text_holds(text, expected):
    assert read(text) == expected


def test_truncation_only_explains_the_absence_of_a_label():
    assert read("The object that you ask about is", truncated=True) == "truncated"
    assert read("It is in the top left, which is", truncated=True) == "top left"
    assert read("center or top left or", truncated=True) == "several labels"
    assert read(" ", truncated=True) == "empty"
    # "center" may have gone on as "center left".
    assert read("It is in the center", truncated=True) == "truncated"
    assert read("It is in the center -", truncated=True) == "truncated"
    assert read("It is in the center.", truncated=True) == "center"
    assert read("top left, no, center", truncated=True) == "several labels"


@given(st.sampled_from(LABELS), st.sampled_from(SEPARATORS), st.sampled_from([str.lower, str.upper, str.title]))
def test_every_label_reads_as_itself_however_it_is_written(label, separator, case):
    assert read(case(label.replace(" ", separator))) == label


@given(st.sampled_from([label for label in LABELS if " " in label]), st.sampled_from(UNCLEAR))
def test_what_may_join_words_or_part_them_leaves_no_label(label, separator):
    assert read(label.replace(" ", separator)) == "no label"


@given(st.sampled_from([label for label in LABELS if " " in label]), st.sampled_from(PARTING))
def test_what_parts_words_joins_no_label(label, separator):
    assert read(label.replace(" ", separator)) == ("center" if "center" in label else "no label")


@given(st.lists(st.sampled_from(["top", "bottom", "center", "left", "right", "it"]), max_size=6))
def test_a_label_is_one_that_no_other_overlaps(words):
    """Compare with all places of all labels, found word by word."""
    pairs = [(at, at + 2) for at in range(len(words) - 1) if " ".join(words[at : at + 2]) in LABELS]
    singles = [(at, at + 1) for at, word in enumerate(words) if word == "center"]
    places = [one for one in pairs + singles if not any(one != b and b[0] <= one[0] and one[1] <= b[1] for b in pairs)]
    found = {" ".join(words[slice(*place)]) for place in places}
    expected = found.pop() if len(found) == 1 else "several labels" if found else "no label" if words else "empty"
    assert read(" ".join(words)) == expected


@given(st.sampled_from(LABELS), st.sampled_from(LABELS), st.sampled_from([", ", "; ", " or ", ". ", " / "]))
def test_the_same_label_twice_is_one_and_two_are_invalid(one, other, between):
    assert read(one + between + other) == (one if one == other else "several labels")


@given(st.sampled_from(LABELS), st.text(st.characters(categories=["Ll", "Lu", "Nd"]), min_size=1, max_size=3))
def test_a_label_needs_whole_words(label, letters):
    assert read(label + letters) != label
    assert Labels().read(letters + label, (label,)).kind == "no label"


@given(st.text())
def test_any_text_is_exactly_one_kind(text):
    reading = Labels().read(text, LABELS)
    assert (reading.label in LABELS) == (reading.kind == "label")
    assert reading.kind != "truncated"


@given(st.permutations(LABELS), st.sampled_from(LABELS))
def test_the_order_of_the_labels_does_not_matter(labels, label):
    assert Labels().read(f"It is {label}.", labels).label == label
