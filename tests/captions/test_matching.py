import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.captions.matching import has_relation, longest, matches, relation_of, words
from ninefold.captions.taxonomy import KEYWORDS


def found(text):
    return [match.keyword.text for match in matches(text)]


def kept(text):
    return [match.keyword.text for match in longest(matches(text))]


@pytest.mark.parametrize(
    ("text", "all_of_them", "longest_ones"),
    [
        ("On the left side of it", ["on the left", "on", "left", "left side of"], ["on the left"]),
        ("It is at the left side of a box", ["at the left", "at the left side of", "left", "left side of"], None),
        ("UNDER THE BED", ["under", "under the"], ["under the"]),
        ("on top of it", ["on", "on top of", "on top"], ["on top of"]),
        ("amidst trees", ["amidst", "amidst"], ["amidst"]),
        ("far away from it", ["far", "far away from", "away", "away from"], ["far away from"]),
        # Overlapping, not nested: the one with more words goes first, wherever it stands.
        ("looking at the left", ["looking at", "at the left", "left"], ["at the left"]),
        ("in front of", ["in front of", "in", "front", "front of"], ["in front of"]),
        ("In, front of", ["in", "front", "front of"], ["in", "front of"]),
        ("left.\nOf course right.", ["left", "right"], ["left", "right"]),
        ("a built-in, see-through close-up of an innkeeper", [], []),
        ("the upper-left corner, the right-hand side", ["left", "right"], ["left", "right"]),
        ("side-by-side with it", ["side by side with", "by"], ["side by side with"]),
        ("the table's left; 'in' (on) _by_", ["left", "in", "on", "by"], ["left", "in", "on", "by"]),
        ("right\N{NON-BREAKING HYPHEN}hand, on\N{EM DASH}under", ["right", "on", "under"], ["right", "on", "under"]),
        ("inside\tof\n it", ["inside", "inside of"], ["inside of"]),
        ("", [], []),
    ],
)
def test_all_matches_and_longest_ones(text, all_of_them, longest_ones):
    assert found(text) == all_of_them
    if longest_ones is not None:
        assert kept(text) == longest_ones
    assert has_relation(text) == bool(all_of_them)


def test_a_keyword_of_two_relations_counts_in_both_and_the_longest_mode_takes_the_first_in_the_table():
    assert [match.keyword.relation for match in matches("amidst trees")] == ["between", "central_position"]
    assert [match.keyword.relation for match in longest(matches("confronting it"))] == ["front"]
    assert relation_of("What stands contiguous with it?", "") == "next_to_beside_adjacent"


@pytest.mark.parametrize(
    ("question", "answer", "relation"),
    [
        ("What is to the right of the lamp?", "A cup on a saucer", "right"),
        ("What is in the middle of the room?", "a table", "central_position"),
        ("Where is the cup?", "On the left", "left"),
        ("Where is the lamp on the desk?", "near the window", "near_close"),
        ("What is near the window in the room?", "a chair", "near_close"),
        ("What is the chair?", "Beside a table", "next_to_beside_adjacent"),
        ("What color is the left", "of course red", "left"),
        ("What is in the background?", "a hill", "back"),
        ("Where is the dog?", "In the foreground", "front"),
        ("What stands at the bottom of the image?", "a bench", "below"),
        ("What is in the lower right corner?", "a date", "right"),
        ("In which corner is the lamp?", "in the corner by the door", "within_boundary"),
        ("What color is it?", "red", ""),
    ],
)
def test_relation_of_a_pair(question, answer, relation):
    assert relation_of(question, answer) == relation


PARTS = [*sorted({word for keyword in KEYWORDS for word in keyword.text.split()}), "Table", "is", "É", "l'", "x_"]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PARTS), st.sampled_from(" -',.\n_–’|")), max_size=30))
def test_matcher_equals_a_loop_over_regular_expressions(parts):
    text = "".join(word + mark for word, mark in parts)
    # The same words with single spaces: what is left to compare is the matching itself.
    plain = " ".join(words(text))
    naive = [
        keyword.place for keyword in KEYWORDS for _ in re.finditer(rf"(?<!\S){re.escape(keyword.text)}(?!\S)", plain)
    ]
    assert sorted(match.keyword.place for match in matches(text)) == naive
    chosen = longest(matches(text))
    assert all(one.end <= other.start for one, other in pairwise(chosen))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PARTS), st.sampled_from([" ", ", ", "\n", "? ", " (", "' "])), max_size=30))
def test_matcher_equals_word_boundaries_where_there_is_no_hyphen(parts):
    text = "".join(word + mark for word, mark in parts if "'" not in word and "_" not in word)
    naive = [k.place for k in KEYWORDS for _ in re.finditer(rf"\b{k.text}\b".replace(" ", r"\s+"), text.lower())]
    assert sorted(match.keyword.place for match in matches(text)) == naive


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(max_codepoint=127, exclude_characters="-'"), max_size=40))
def test_words_of_plain_text_are_those_of_any_text(text):
    # A letter outside of ASCII at the end takes the general way.
    assert [word if word.isalnum() else "|" for word in words(f"{text} É")] == [*words(text), "é"]


@pytest.mark.parametrize("part", ["a-", "left-", "a-left-", "a", "side-by-"])
def test_long_compounds_take_linear_time(part):
    assert "left" in words(part * 50_000 + " upper-left")
