"""The checks that are rules: duplicates, reference, answer, spatial, and the chain of them."""

import json
import os
from collections import Counter
from pathlib import Path

import pytest

from ninefold.captions.caption import Caption
from ninefold.captions.checks.chain import Chain
from ninefold.captions.checks.reference import STEMS
from ninefold.captions.checks.words import content_words, forms, plain_words
from ninefold.captions.pair import Pair
from ninefold.captions.spec import ChecksSpec
from ninefold.errors import DesignError

DATA = Path(os.environ.get("NINEFOLD_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
ADE = DATA / "captions" / "ade20k_qa_1500.jsonl"

TEXT = (
    "A wooden table stands in a small kitchen. Two red cups and a plate of cherries are on the table. To the left of "
    "the table is a tall white refrigerator; the cook's knife lies beside the sink."
)


def verdicts(pairs, *, text=TEXT, label="", **settings):
    """Return the check that rejects each pair, for pairs as (question, answer) or `Pair`."""
    pairs = [pair if isinstance(pair, Pair) else Pair(*pair, relation="on") for pair in pairs]
    ((_, checked),) = Chain(ChecksSpec(**settings)).run([(Caption("a", text, label=label), pairs)])
    assert [item.pair for item in checked] == pairs
    assert all((item.rejected_by is None) == (item.detail == "") for item in checked)
    return [item.rejected_by for item in checked]


def test_first_of_identical_questions_is_kept_whatever_their_case_and_marks():
    pairs = [("What is on the table?", "cups"), ("What is  on the table ?", "A plate"), ("WHAT'S ON IT?", "cups")]
    assert verdicts([*pairs, ("what is on the table", "two red cups")], checks=("duplicates",)) == [
        None,
        "duplicates",
        None,
        "duplicates",
    ]
    assert verdicts(pairs[:2], checks=("duplicates",), keep="longest") == ["duplicates", None]


def test_longest_answer_of_several_is_kept_and_the_first_of_equals():
    answers = ["cup", "plate", "refrigerator", "refrigerants", "fork"]
    pairs = [("What?", answer) for answer in answers]
    kept = verdicts(pairs, checks=("duplicates",), keep="longest")
    assert [answer for answer, check in zip(answers, kept, strict=True) if check is None] == ["refrigerator"]


def test_duplicates_are_those_of_one_image_and_captions_without_image_are_alone():
    pair = Pair("What is on the table?", "cups", "on")
    captions = [
        Caption("a", TEXT, image="1"),
        Caption("b", TEXT, image="1"),
        Caption("c", TEXT, image="2"),
        Caption("d", TEXT),
        Caption("e", TEXT),
        Caption("f", "No relation", image="2"),
        Caption("g", TEXT, image="2"),
    ]
    chain = Chain(ChecksSpec(checks=("duplicates",)))
    found = list(chain.run((caption, [] if caption.id == "f" else [pair]) for caption in captions))
    assert [caption.id for caption, _ in found] == list("abcdefg")
    assert [[item.rejected_by for item in checked] for _, checked in found] == [
        [None], ["duplicates"], [None], [None], [None], [], [None],
    ]  # fmt: skip


@pytest.mark.parametrize(
    "question",
    [
        "What is mentioned as being on the table?",
        "How does the description place the table?",
        "Where, as Described, is the table?",
        "According to the  text, what is on the table?",
        "What does the caption say is left of the table?",
        "Where does the narrator see the table?",
    ],
)
def test_questions_about_the_description_are_rejected(question):
    assert verdicts([(question, "cups")]) == ["reference"]


@pytest.mark.parametrize(
    "question",
    [
        "What is in the narrow passage on the left?",
        "Where is the text on the sign?",
        "What is on the left, according to the image?",
        "What hangs above the undescribed-less door?",  # a stem begins a word
    ],
)
def test_questions_about_the_image_are_kept(question):
    assert verdicts([(question, "a sign with a description")], checks=("reference",)) == [None]


def test_own_stems_come_from_a_file(tmp_path):
    own = tmp_path / "stems.txt"
    own.write_text("\N{BYTE ORDER MARK}# of our prompts\n\nProvided Above\nPassage\n", encoding="utf-8")
    pairs = [("What, in the passages provided above?", "x"), ("What is above?", "y"), ("What is provided  above?", "z")]
    assert verdicts(pairs, checks=("reference",), reference_words=own) == ["reference", None, "reference"]
    own.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DesignError, match="no text in UTF-8"):
        Chain(ChecksSpec(reference_words=own))
    own.write_text("# nothing\n")
    with pytest.raises(DesignError, match="holds no words"):
        Chain(ChecksSpec(reference_words=own))
    with pytest.raises(FileNotFoundError):
        Chain(ChecksSpec(reference_words=tmp_path / "absent"))
    assert len(set(STEMS)) == len(STEMS) and all(stem == " ".join(stem.lower().split()) for stem in STEMS)


@pytest.mark.parametrize(
    ("question", "answer", "content", "phrase", "word"),
    [
        ("What is on the table?", "Two red cups", 1, 1, 1),
        ("What is on the table?", "a cup", 1, 1, 1),  # singular and plural
        ("What is on the table?", "a cherry", 1, 1, 1),
        ("What is on the table?", "a blue cup", 1, 0, 1),  # half of the content words, but not as it stands
        ("What is on the table?", "a big blue cup", 0, 0, 1),
        ("What is on the table?", "a vase with flowers", 0, 0, 0),
        ("What is on the table?", "a vase and a plate", 1, 1, 1),
        ("Where is the refrigerator?", "To the left of the table", 1, 1, 1),
        ("Whose knife is it?", "The cook’s", 1, 1, 1),
        ("What is on the table?", "", 1, 1, 1),  # says nothing of its own: the question is in the caption
        ("Is there a plate on the table?", "Yes, there is.", 1, 1, 1),
        ("Is there a giraffe on the sofa?", "No", 0, 0, 0),
        ("Is the refrigerator left or right of the table?", "right", 1, 1, 1),
        ("Is the zebra left or right of the giraffe?", "Right", 0, 0, 0),
        ("Is the table at the top or at the bottom of the image?", "At the bottom", 1, 1, 1),  # places are no things
        ("Where is the table?", "Under it", 1, 1, 1),
        ("Where is the table?", "On the left", 1, 1, 1),
        ("Where is the table?", "In the center", 0, 0, 0),  # a place that the caption does not name
        ("Where is the giraffe?", "On the left", 0, 0, 0),  # a place that it names, of another thing
        ("", "", 1, 1, 1),
    ],
)
def test_answer_in_caption(question, answer, content, phrase, word):
    for rule, expected in (("content words", content), ("noun phrase", phrase), ("any word", word)):
        assert verdicts([(question, answer)], checks=("answer",), answer_rule=rule) == [None if expected else "answer"]


def test_share_of_content_words_and_label_of_the_described_object():
    pair = ("What is it?", "a blue cup")
    assert verdicts([pair], checks=("answer",), answer_share=0.51) == ["answer"]
    assert verdicts([pair], checks=("answer",), answer_share=0.0, text="nothing") == [None]
    dog = ("What is to the left of the house?", "the dog")
    assert verdicts([dog], checks=("answer",), text="It lies to the left of the house.") == ["answer"]
    assert verdicts([dog], checks=("answer",), text="It lies to the left of the house.", label="Dog") == [None]


def test_pairs_without_relation_are_rejected_but_for_a_share_of_them():
    pairs = [Pair(f"What color is cup {number}?", "red", "") for number in range(400)]
    spatial = [Pair("Where is it?", "Under the table", ""), Pair("What is it?", "red", "left")]
    assert verdicts([*spatial, *pairs], checks=("spatial",)) == [None, None, *["spatial"] * 400]
    some = verdicts(pairs, checks=("spatial",), benign=0.25)
    assert some.count(None) == pytest.approx(100, abs=30)
    assert some == verdicts(pairs, checks=("spatial",), benign=0.25)
    more = verdicts(pairs, checks=("spatial",), benign=0.5)
    assert all(other is None for one, other in zip(some, more, strict=True) if one is None)
    assert verdicts(pairs, checks=("spatial",), benign=1.0) == [None] * 400


def test_first_check_that_fails_rejects_and_rejected_pairs_count_no_more():
    pairs = [
        Pair("What color is described?", "mauve", ""),
        Pair("What color is described?", "mauve", ""),
        Pair("What color is it?", "mauve", ""),
        Pair("What color is the table?", "wooden", ""),
        Pair("What is on the table?", "mauve", ""),
        Pair("What is on top of the table?", "cups", ""),
    ]
    assert verdicts(pairs) == ["reference", "duplicates", "answer", "spatial", "answer", None]
    # A duplicate of a pair that another check rejects is rejected itself: the paper deduplicates first.
    assert verdicts(pairs[:2]) == ["reference", "duplicates"]
    assert verdicts(pairs, checks=()) == [None] * 6
    assert verdicts(pairs, checks=("spatial", "answer")) == ["answer", "answer", "answer", "spatial", "answer", None]


def test_chain_tells_which_checks_do_not_run():
    assert Chain(ChecksSpec()).not_run == {
        "semantic": "no --embedding-model is given",
        "clipscore": "no --clip-model is given",
    }
    assert list(Chain(ChecksSpec(checks=("answer", "semantic"))).not_run.items()) == [
        ("duplicates", "not among --checks"),
        ("semantic", "no --embedding-model is given"),
        ("reference", "not among --checks"),
        ("clipscore", "not among --checks"),
        ("spatial", "not among --checks"),
    ]
    assert list(Chain(ChecksSpec()).run([])) == []


@pytest.mark.parametrize(
    "settings",
    [{"checks": ("answers",)}, {"answer_share": 1.5}, {"benign": -0.1}, {"similarity": 2.0}, {"keep": "last"}],
)
def test_settings_without_meaning_are_refused(settings):
    with pytest.raises(DesignError, match=f"--{next(iter(settings)).replace('_', '-')} "):
        ChecksSpec(**settings)


def test_chain_streams_and_cuts_no_image():
    read = []

    def items():
        for number in range(3000):
            read.append(number)
            yield Caption(str(number), TEXT, image=str(number // 2)), [Pair("What is on it?", "cups", "on")] * 2

    found = Chain(ChecksSpec()).run(items())
    next(found)
    assert len(read) < 1000
    kept = Counter(caption.image for caption, checked in found for item in checked if item.rejected_by is None)
    assert set(kept.values()) == {1} and len(kept) == 1499  # the caption taken above had that of image 0


def test_any_text_has_a_verdict_with_a_short_detail():
    long = "giraffe " * 100_000
    texts = ["", " ", "?", "\ud800", "\0\n\x85", "<b>left</b>", "🦒" * 1000, "在左边", long]
    pairs = [Pair(question, answer, "") for question in texts for answer in texts]
    ((_, checked),) = Chain(ChecksSpec(benign=0.5)).run([(Caption("a", TEXT), pairs)])
    assert len(checked) == len(pairs)
    assert max(len(item.detail) for item in checked) < 1000 and all(item.detail.isprintable() for item in checked)


def test_words_of_any_text():
    assert plain_words("The cook's well-worn KNIFE, 2.5_cm") == [
        "the",
        "cook",
        "s",
        "well",
        "worn",
        "knife",
        "2",
        "5",
        "cm",
    ]
    assert plain_words("Ｔhe café’s door—blue") == ["the", "café", "s", "door", "blue"]
    assert content_words("Is the cup on top of it?") == ["cup", "top"]
    assert "cherry" in forms("cherries") and "boxes" in forms("box") and "box" in forms("boxes")


@pytest.mark.skipif(not ADE.is_file(), reason=f"no machine-made pairs at {ADE}; NINEFOLD_DATA names another folder")
def test_machine_made_pairs():
    """Pairs of another generator, full of duplicates and fragments: all are accounted for."""
    rows = [json.loads(line) for line in ADE.read_text(encoding="utf-8").splitlines()]
    items = [
        (Caption(row["image"], "", image=row["image"]), [Pair(**pair, relation="") for pair in row["qa"]])
        for row in rows
    ]
    found = list(Chain(ChecksSpec(checks=("duplicates", "reference", "spatial"))).run(items))
    count = Counter(item.rejected_by for _, checked in found for item in checked)
    assert count == {"duplicates": 1750, "spatial": 760, None: 3634}
