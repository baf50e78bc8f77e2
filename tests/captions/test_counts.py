"""Counts that add up, told in words, and the facts of the rows they count."""

from dataclasses import replace
from typing import get_args

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scripted
from scripted import spec_of, written

import ninefold as nf
from ninefold import store
from ninefold.captions import form, layout
from ninefold.captions.caption import Caption
from ninefold.captions.counts import Counts
from ninefold.captions.engines import catalog
from ninefold.captions.pair import Frame, Pair
from ninefold.data.sources import pair_facts
from ninefold.errors import FactError, RunError

SOUND = Counts(
    captions_in=10,
    captions_left_out={"empty": 1, "no image": 2},
    captions_without_relation=1,
    failed=2,
    captions_kept=4,
    pairs_generated=9,
    checks={"duplicates": 2, "answer": 0},
    checks_not_run={"clipscore": "no --clip-model is given"},
    pairs_out=7,
)


@pytest.mark.parametrize(
    "change",
    [{"captions_in": 11}, {"failed": 1}, {"captions_left_out": {}}, {"pairs_out": 6}, {"checks": {}}],
)
def test_counts_that_do_not_add_up_are_our_own_mistake(change):
    SOUND.check()
    with pytest.raises(AssertionError, match="accounted for"):
        replace(SOUND, **change).check()


def test_counts_come_back_and_are_told_in_words(tmp_path):
    store.write_json(tmp_path / "counts.json", SOUND.to_json())
    assert Counts.read(tmp_path / "counts.json") == SOUND
    assert SOUND.in_short() == (
        "of 10 captions 1 left out (empty), 2 left out (no image), 1 without a spatial relation, 2 failed, 4 kept; "
        "of 9 pairs 2 rejected by duplicates"
    )
    assert "  clipscore did not run: no --clip-model is given" in SOUND.sentences()
    store.write_json(tmp_path / "counts.json", {"captions": 3})
    with pytest.raises(RunError, match=r"counts\.json: captions: not of this version"):
        Counts.read(tmp_path / "counts.json")
    for wrong in (
        {"failed": -1},
        {"failed": True},
        {"checks": {"a": "b"}},
        {"captions_left_out": [1]},
        {"images": "1"},
    ):
        store.write_json(tmp_path / "counts.json", {**SOUND.to_json(), **wrong})
        with pytest.raises(RunError, match=f"{next(iter(wrong))}: not as ninefold writes it; delete it"):
            Counts.read(tmp_path / "counts.json")


def test_a_pair_that_a_data_set_can_hold_has_no_fault():
    caption = Caption("a", "The cup is left of the plate.")
    pair = Pair("Where is the cup?", "left of the plate", "left", "viewer", "cup", "plate", 0, 28)
    assert form.fault(pair, caption) == ""
    assert form.fault(replace(pair, relation=""), caption) == ""
    assert form.fault(replace(pair, span_end=30), caption)
    assert set(get_args(Frame)) == set(pair_facts.FRAMES)


@pytest.fixture
def pairs(tmp_path, monkeypatch):
    monkeypatch.setitem(catalog.REGISTERED, "scripted", scripted.Scripted)
    captions = written(tmp_path / "captions.jsonl", [("a", "A cup is left of a plate.", "")])
    nf.run_captions(spec_of(captions), tmp_path / "pairs")
    return tmp_path / "pairs"


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("relation", "to the left", "the relation is one of the taxonomy"),
        ("frame", "camera", "the frame is image, viewer or part"),
        ("source_span", "A cup", "the words of the span are as many letters as it is long"),
        ("span_start", -1, "the words of the span"),
        ("caption_id", "b", "the id is the caption's with the number of the pair"),
        ("fact", -1, "the number of the fact is not negative"),
        ("question", "Where is the cup", "question"),
    ],
)
def test_a_forged_row_is_found(pairs, column, value, says):
    [path] = (pairs / "data").iterdir()
    table = pq.read_table(path)
    at = table.schema.get_field_index(column)
    field = table.schema.field(at)
    pq.write_table(table.set_column(at, field, pa.array([value], field.type)), path)
    with pytest.raises(FactError, match=says):
        nf.verify(pairs)


def test_columns_of_rows_rejects_and_card_are_the_same(pairs):
    rows = pq.read_table(pairs / "data").column_names
    assert rows[-len(pair_facts.COLUMNS) :] == list(pair_facts.COLUMNS)
    assert pq.read_table(pairs / layout.REJECTED).column_names == [
        *("id", "image", "question", "answer"),
        *pair_facts.COLUMNS,
        *("check", "detail"),
    ]
