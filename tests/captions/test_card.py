"""The card of a data set of pairs: what a stranger on the Hub reads, from counts, settings and pairs."""

import random

import pytest

from ninefold.captions.card import about
from ninefold.captions.contents import Contents
from ninefold.captions.counts import Counts

COUNTS = Counts(
    captions_in=4,
    captions_left_out={"excluded": 1},
    captions_kept=3,
    pairs_generated=5,
    checks={"duplicates": 1, "answer": 0, "spatial": 0},
    checks_not_run={"clipscore": "no --clip-model is given"},
    pairs_out=4,
    captions_with_pairs=3,
    images=3,
)
RULES = {"name": "rules", "rules": 1, "parser": "en_small", "parser_package": "en_small", "spacy": "3.8"}
CHECKS = {"answer_rule": "content words", "answer_share": 0.5, "benign": 0.0, "clip_model": None}
CAPTIONS = {
    "files": [{"name": f"part-{number}.jsonl", "hash": ""} for number in range(7)],
    "image_field": "file", "images": "photos", "allow_missing": False, "exclude": [],
}  # fmt: skip
ROWS = [
    {"id": f"c{number}/0", "question": question, "answer": answer, "corpus": corpus, "relation": relation,
     "frame": "viewer"}
    for number, (question, answer, corpus, relation) in enumerate([
        ("Where is the cup?", "left of the plate", "docci", "left"),
        ("Where is <b>it</b> | [here](http://x.example)?", "on *the* `table`", "", "on"),
        ("What is on the mat?", "the cat", "", "on"),
        ("What is it like?", "big", "docci", ""),
    ])
]  # fmt: skip


def contents(rows):
    found = Contents()
    for row in rows:
        found.add(row)
    return found


def card(rows=ROWS, embed=False, engine=RULES, **given):
    spec = {"captions": {**CAPTIONS, **given}, "checks": CHECKS, "engine": engine, "filter": RULES, "embed": embed}
    return about(spec, COUNTS, contents(rows)).description


def test_contents_are_the_same_in_any_order_and_after_a_file():
    for seed in range(5):
        shuffled = random.Random(seed).sample(ROWS, len(ROWS))
        assert contents(shuffled) == contents(ROWS)
        assert card(shuffled) == card()
    assert Contents.from_json(contents(ROWS).to_json()) == contents(ROWS)


def test_it_tells_pairs_counts_and_settings():
    text = card()
    assert "4 questions with answers about where things are, made from 3 captions of 3 images" in text
    assert "| `left` | 1 | Where is the cup? *left of the plate* | viewer |" in text and "| none known | 1 |" in text
    assert "of 4 captions 1 left out (excluded), 3 kept; of 5 pairs 1 rejected by duplicates." in text
    assert "| filter | rules | those of the engine |" in text
    assert "| engine | rules | rules 1, parser en_small, spacy 3.8 |" in text
    assert "| answer | the answer is in the caption (content words, share 0.5) | 0 |" in text
    assert "part-4.jsonl, and 2 more." in text and "clipscore (no --clip-model is given)" in text
    served = {"name": "openai:qwen", "prompt": "e0dbd4a8", "temperature": 0, "schema": None}
    shown = card(engine=served)
    assert "| engine | openai:qwen | prompt hash e0dbd4a8, temperature 0 |" in shown
    assert "| filter | rules | rules 1, parser en_small, spacy 3.8 |" in shown


def test_texts_of_files_are_no_markup():
    rows = [row for row in ROWS if row["id"] == "c1/0"]
    table = next(line for line in card(rows).splitlines() if line.startswith("| `on`"))
    assert not set("<>[]`") & set(table.removeprefix("| `on`")) and table.count("|") == 5 and table.count("*") == 2
    assert "http://" not in table


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"image_field": None, "images": None}, "The column `image` is empty"),
        ({}, "before you move or publish it, make it again with `--embed`"),
        ({"embed": True}, "holds the images themselves"),
        ({"embed": True, "allow_missing": True}, "empty where an image could not be had"),
        ({}, "None were excluded"),
        ({"exclude": [{"name": "vsr.jsonl"}]}, "Those of vsr.jsonl were excluded, and with them 1 caption."),
    ],
)
def test_it_tells_where_the_images_are(options, told):
    assert told in card(**options)
