"""RealWorldQA: made tables in the forms of both kits."""

import base64
import io

import pandas as pd
import pytest
from PIL import Image

from ninefold.data.checks.certificate import verify
from ninefold.data.make import make
from ninefold.data.sources.benchmarks.realworldqa import RealWorldQaSource, RealWorldQaSpec, _asked
from ninefold.errors import DataError
from ninefold.evaluation.evaluate import evaluate
from ninefold.evaluation.spec import EvaluateSpec
from ninefold.models.fake import FakeModel
from ninefold.models.spec import ModelSpec

LETTER = "Please answer directly with only the letter of the correct option and nothing else."
WORD = "Please answer directly with a single word or number."

STORED = [
    (f"Which way does the wheel face?\n\nA. Left\nB. Straight ahead\nC. Right\n{LETTER}", "B"),
    (f"How many cars are there? {WORD}", "2"),
    (f"Is there a stop sign? {WORD}", "No"),
    (f"Which one is larger?\n\nA. The car\nB. The car\n{LETTER}", "A"),
]
SAID = ["straight ahead", "Two.", "no", "B"]


def picture(shade):
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4), (shade, 0, 0)).save(buffer, "PNG")
    return buffer.getvalue()


def parquet(folder, images=None):
    folder.mkdir()
    images = [picture(number) for number in range(len(STORED))] if images is None else images
    rows = [
        {"question": asked, "answer": answer, "image": {"bytes": image, "path": None}}
        for (asked, answer), image in zip(STORED, images, strict=True)
    ]
    for shard in (0, 1):
        pd.DataFrame(rows[2 * shard : 2 * shard + 2]).to_parquet(folder / f"test-{shard:05d}-of-00002.parquet")
    return folder


def test_a_stored_question_is_the_prompt_and_is_read_by_letter_by_word_or_as_yes_or_no(tmp_path):
    folder = parquet(tmp_path / "RealworldQA")
    said = dict(zip((asked for asked, _ in STORED), SAID, strict=True))
    spec = EvaluateSpec(ModelSpec("fake"), benchmark="realworldqa", benchmark_dir=folder)
    model = FakeModel(lambda example: said[example.prompt])
    figures = evaluate(spec, tmp_path / "run", model=model, progress=False)["benchmark"]
    assert figures["measures"]["accuracy"]["value"] == 0.75
    assert {kind: part["accuracy"]["value"] for kind, part in figures["by"]["kind"].items()} == {
        "multiple choice": 0.5, "word or number": 1, "yes or no": 1,
    }  # fmt: skip
    conditions = figures["conditions"]
    assert (conditions["rows"], conditions["missing"], conditions["prompt"]) == (4, 0, "{question}")
    assert verify(tmp_path / "run" / "benchmark")
    rows = list(make(RealWorldQaSource(RealWorldQaSpec(folder)), tmp_path / "data").read("test"))
    assert [row.answer for row in rows] == ["Straight ahead", "2", "No", "A"]
    assert [row.options for row in rows] == [("Left", "Straight ahead", "Right"), (), (), ("A", "B")]


def test_the_table_of_vlmevalkit_is_asked_in_its_words(tmp_path):
    image = base64.b64encode(picture(0)).decode()
    rows = [
        {
            "image": image,
            "answer": "C",
            "index": 0,
            "A": "Left",
            "B": "Ahead",
            "C": "Right",
            "D": "",
            "question": "Where?",
        },
        {"image": image, "answer": "2", "index": 1, "A": "", "B": "", "C": "", "D": "", "question": "How many?"},
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "RealWorldQA.tsv", sep="\t", index=False)
    first, second = make(RealWorldQaSource(RealWorldQaSpec(tmp_path)), tmp_path / "data").read("test")
    chosen = "Please select the correct answer from the options above. \n"
    assert first.prompt == f"Question: Where?\nOptions:\nA. Left\nB. Ahead\nC. Right\n{chosen}"
    assert (first.answer, second.prompt, second.answer) == ("Right", "Question: How many?\n", "2")
    assert first.group == second.group


@pytest.mark.parametrize(
    ("options", "answer", "read"),
    [
        ("x  z", "C", "an option before the last is empty"),
        (" y ", "B", "an option before the last is empty"),
        ("x y", "C", "its answer is none of its options"),
        ("x y", "z", "its answer is none of its options"),
        ("x y", "y", ("y", ("x", "y"), "letters")),
        ("Yes No", "No", ("No", ("Yes", "No"), "letters")),
        ("1 2 3 4 5 6 7 8 9", "I", ("9", tuple("123456789"), "letters")),
        ("x y", "B. y", ("y", ("x", "y"), "letters")),
        ("", "yes", ("Yes", (), "true_false")),
    ],
)
def test_the_options_of_a_kits_table_keep_their_letters(options, answer, read):
    texts = dict(zip("ABCDEFGHI", options.split(" "), strict=False))
    row = _asked(0, {"index": "0", "question": "Q", "answer": answer, **{k: v for k, v in texts.items() if v}})
    assert (row if isinstance(row, str) else (row.answer, row.options, row.answer_format)) == read


def test_images_that_are_missing_or_broken_are_an_error_or_left_out_and_counted(tmp_path):
    folder = parquet(tmp_path / "RealworldQA", [picture(0), None, b"broken", picture(3)])
    with pytest.raises(DataError, match="row 1 holds no image; fetch the file again, or leave out questions"):
        make(RealWorldQaSource(RealWorldQaSpec(folder)), tmp_path / "data")
    source = RealWorldQaSource(RealWorldQaSpec(folder, allow_missing=True))
    assert make(source, tmp_path / "data").splits == {"test": 2}
    assert [(skip["reason"], skip["names"]) for skip in source.skips.entries] == [
        ("its image is missing", ["row 1"]), ("its image is not readable", ["row 2"]),
    ]  # fmt: skip
    next(folder.glob("*-00000-of-*")).unlink()
    with pytest.raises(DataError, match="RealworldQA: holds 1 of the 2 files of RealWorldQA; fetch data"):
        make(RealWorldQaSource(RealWorldQaSpec(folder)), tmp_path / "other")
    with pytest.raises(DataError, match="no table of RealWorldQA; fetch data"):
        make(RealWorldQaSource(RealWorldQaSpec(tmp_path / "none")), tmp_path / "other")
