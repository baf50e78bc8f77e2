"""The defects of other evaluation kits' parsers, seen by running them: VLMEvalKit@e8e78f0 and lmms-eval@75571cf.

Each text is read in every format that it concerns. What a kit made of it stands beside it.
"""

import pytest

from ninefold.questions.catalog import find_format

SIDES = ("left", "right", "on", "under")
OPTIONS = {"letters": SIDES, "labels": SIDES, "true_false": ("True", "False"), "short_text": ()}


@pytest.mark.parametrize(
    ("text", "expected", "kits"),
    [
        ("A mug is under the table.", {"letters": "under", "labels": "under"}, "A, by the article"),
        ("A dog is closer to the chair, so the answer is B", {"letters": "right", "labels": "no label"}, "A"),
        ("The correct answer is **B**. The mug is right of the A-frame", {"letters": "right", "labels": "right"}, "A"),
        ("The correct answer is **B**. The mug is left of the A-frame", {"letters": "right"}, "A"),
        ("The answer is: right", {"letters": "right", "labels": "right", "short_text": "right"}, "a random letter"),
        ("it is to the right", {"letters": "right", "labels": "right"}, "a random letter"),
        # Labels are read literally, as the paper does: "on" is there as a word.
        ("It is on the left side", {"letters": "left", "labels": "several labels"}, "none, or C by a debug switch"),
        ("I will choose option A", {"letters": "left", "labels": "no label"}, "C by a debug switch"),
        ("True", {"true_false": "True", "short_text": "true"}, "Unknown"),
        ("False", {"true_false": "False", "short_text": "false"}, "Unknown"),
        ("Correct", {"true_false": "True"}, "Unknown"),
        ("Incorrect", {"true_false": "False"}, "Unknown"),
        # "correct" of an answer says nothing of the statement.
        ("The correct answer is not known", {"true_false": "no label"}, ""),
        ("The correct answer depends on the viewpoint.", {"true_false": "no label"}, ""),
        ("So, the correct option is (B)", {"true_false": "no label", "letters": "right"}, ""),
        ("The correct answer is False.", {"true_false": "False"}, ""),
        ("The correct answer: True", {"true_false": "True"}, ""),
        ("That statement is correct", {"true_false": "True"}, ""),
        ("It is a false statement.", {"true_false": "False"}, ""),
    ],
)
def test_what_the_kits_misread_is_read_as_it_is_meant_or_not_at_all(text, expected, kits):
    for name, meant in expected.items():
        # At every call the same, whatever happened before: nothing is chosen at random.
        answers = [find_format(name).read(text, OPTIONS[name]) for _ in range(2)]
        assert {answer.label or answer.kind for answer in answers} == {meant}


@pytest.mark.parametrize("options", [("True", "False"), ("Yes", "No"), ("correct", "incorrect")])
def test_all_three_word_pairs_answer_each_of_them(options):
    for pair in (("True", "False"), ("Yes", "No"), ("Correct", "Incorrect")):
        assert tuple(find_format("true_false").read(word, options).label for word in pair) == options
