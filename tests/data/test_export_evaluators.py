"""Exports for evaluators: lmms-eval's tasks score as ours do, and VLMEvalKit's table reads back as it was meant."""

import base64
import csv
import importlib.util
import sys

import pandas as pd
import pyarrow.parquet as pq
import pytest

import ninefold
from ninefold import ExportSpec, SyntheticSpec
from ninefold.data.export.lmms_eval import task_name
from ninefold.data.export.vlmevalkit import VlmEvalKit, data_name
from ninefold.data.format.card import About
from ninefold.data.format.writing import write
from ninefold.scenes.render import encode_png
from ninefold.space import Cell
from ninefold.types import Example, Scene, Thing

csv.field_size_limit(sys.maxsize)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluators") / "small set"
    return ninefold.make(SyntheticSpec(split="train", canvas=90, subset=9), folder)


def test_a_task_of_lmms_eval_holds_the_rows_and_scores_as_we_do(data, tmp_path):
    ninefold.export(ExportSpec(data, "lmms-eval", split="train"), tmp_path / "out")
    rows = pq.read_table(tmp_path / "out" / "train.parquet").to_pylist()
    examples = list(data.read("train"))
    assert [(row["id"], row["prompt"], tuple(row["options"])) for row in rows] == [
        (example.id, example.prompt, example.options) for example in examples
    ]
    assert [(tmp_path / "out" / row["image"]).read_bytes() for row in rows] == [one.image for one in examples]
    assert (tmp_path / "out" / "ninefold_small_set_train.yaml").read_text().startswith("task: ninefold_small_set_train")
    spec = importlib.util.spec_from_file_location("exported_utils", tmp_path / "out" / "utils.py")
    utils = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(utils)
    row = rows[0]
    cases = {row["answer"]: (1, 0), f"It is at the {row['answer']}.": (1, 0), "<think>top left</think> no idea": (0, 1)}
    for text, scores in cases.items():
        found = utils.process_results(row, [text])
        assert (found["accuracy"]["score"], found["invalid"]["score"]) == scores
        assert found["accuracy"]["group"] == row["group"]
    assert utils.doc_to_visual(row)[0].size == (90, 90)


def test_a_table_of_vlmevalkit_reads_back_with_letters_in_the_order_of_the_prompt(data, tmp_path):
    ninefold.export(ExportSpec(data, "vlmevalkit", split="train"), tmp_path / "out")
    table = pd.read_csv(tmp_path / "out" / "ninefold_small_set_train.tsv", sep="\t")
    for (_, row), example in zip(table.iterrows(), data.read("train"), strict=True):
        assert (row["id"], row["question"]) == (example.id, example.question)
        assert tuple(row[letter] for letter in "ABCDEFGHI") == example.options
        assert row[row["answer"]] == example.answer
        assert base64.b64decode(row["image"]) == example.image


@pytest.mark.parametrize(
    ("options", "answer", "reason"),
    [
        ((), "two", "no options"),
        (("left", "None"), "left", "missing value"),
        (("left", "right"), "above", "none of the options"),
        (("left", "right"), "left", None),
        (("left", "007"), "left", "another number"),
        (("left", "true"), "left", "another number"),
        (("4", "2.5"), "4", None),
    ],
)
def test_what_vlmevalkit_cannot_ask_is_left_out(options, answer, reason):
    example = Example("one", b"image", "Where?", "Where?", options, answer)
    found = VlmEvalKit().unfit(example)
    assert found is reason is None or reason in found


def test_numbers_that_pandas_would_change_are_left_out_and_the_others_stay(tmp_path):
    """Text, numbers in whole columns, in one with an empty cell, decimals, and numbers among decimals."""
    offered = [("a", "b"), ("3", "4"), ("3", "4", "5"), ("a", "b", "True"), ("1", "2.5"), ("2", "3.5", "x")]
    image = encode_png(Scene((Thing("square", "red", "large", Cell(0, 0)),), canvas=90))
    rows = [
        Example(f"r{at}", image, "Q?", f"Q? {', '.join(options)}", options, options[0], "letters")
        for at, options in enumerate(offered)
    ]
    write(tmp_path / "data", {"test": rows}, about=About("t", "t", {}))
    ninefold.export(ExportSpec(tmp_path / "data", "vlmevalkit"), tmp_path / "out")
    table = pd.read_csv(tmp_path / "out" / "ninefold_data_test.tsv", sep="\t").fillna("")
    read = [tuple(str(row[letter]) for letter in "ABC" if row[letter] != "") for _, row in table.iterrows()]
    assert read == [("a", "b"), ("a", "b", "True"), ("1", "2.5"), ("2", "3.5", "x")]


def test_names_are_free_of_what_the_kits_take_for_a_sign():
    assert task_name("my set.v2", "test") == "ninefold_my_set_v2_test"
    assert data_name("my set.v2", "test") == "ninefold_my_set_v2_test"
    assert "mmbench" not in data_name("like-MMBench", "test").lower()
