"""The run over captions from end to end, with an engine of a few lines."""

import json
from pathlib import Path

import datasets
import pyarrow.parquet as pq
import pytest
import scripted
from scripted import spec_of, written

import ninefold as nf
from ninefold.captions import blocks, layout
from ninefold.captions.engines import catalog
from ninefold.captions.pair import Generated, Pair
from ninefold.captions.spec import ChecksSpec
from ninefold.cli import main
from ninefold.data.format.dataset import Dataset
from ninefold.errors import DataError, DesignError
from ninefold.models.spec import ModelSpec
from ninefold.scenes.render import encode_png
from ninefold.space import Cell
from ninefold.training.spec import TrainSpec
from ninefold.types import NO_IMAGE, Scene, Thing

CAPTIONS = (
    ("a", "A cup is left of a plate. The plate is right of a fork.", "1.png"),
    ("b", "A dog sleeps.", "2.png"),
    ("c", "A lamp is right of a chair.", "3.png"),
    ("d", "A cup is left of a bowl!", "4.png"),
    ("e", "The cup is left of the spoon.", "1.png"),
    ("f", "Is a cup left of a bowl?", "5.png"),
    ("g", "", "6.png"),
    ("a2", "A cup is left of a plate. The plate is right of a fork.", "1.png"),
)


@pytest.fixture(autouse=True)
def engines(monkeypatch):
    """The engines that were opened."""
    opened = []

    def opener(spec):
        opened.append(scripted.Scripted(spec))
        return opened[-1]

    monkeypatch.setitem(catalog.REGISTERED, "scripted", opener)
    return opened


@pytest.fixture
def captions(tmp_path):
    """A file of captions."""
    return written(tmp_path / "captions.jsonl", CAPTIONS)


@pytest.fixture
def images(tmp_path):
    """A folder with the images of three captions."""
    (tmp_path / "images").mkdir()
    for number, color in ((1, "red"), (3, "blue"), (5, "green")):
        scene = Scene((Thing("square", color, "large", Cell(0, 0)),), canvas=90)
        (tmp_path / "images" / f"{number}.png").write_bytes(encode_png(scene))
    return tmp_path / "images"


def rows_of(folder, name="data"):
    """Rows of a file, or of all splits by id."""
    rows = pq.read_table(folder / name).to_pylist()
    return sorted(rows, key=lambda row: row["id"]) if name == "data" else rows


def test_every_caption_and_pair_is_accounted_for(captions, tmp_path):
    counts = nf.run_captions(spec_of(captions), tmp_path / "pairs")
    assert json.loads((tmp_path / "pairs" / layout.COUNTS).read_text()) == {
        "captions_in": 8,
        "captions_left_out": {"empty": 1, "duplicate caption": 1},
        "captions_without_relation": 1,
        "failed": 2,
        "captions_kept": 3,
        "partly_broken": 1,
        "pairs_generated": 4,
        "checks": {"duplicates": 0, "reference": 0, "answer": 0, "spatial": 0},
        "checks_not_run": {
            "semantic": "no --embedding-model is given",
            "clipscore": "no --clip-model is given",
        },
        "pairs_out": 4,
        "captions_with_pairs": 3,
        "images": 0,
        "words": 28,
    }
    counts.check()
    rows = {row["id"]: row for row in rows_of(tmp_path / "pairs")}
    assert list(rows) == ["a/0", "a/1", "c/0", "e/0"]
    assert rows["a/1"]["source_span"] == "The plate is right of a fork"
    assert rows["a/1"]["group"] == "a"
    assert rows["a/1"]["image"] is None
    failed = rows_of(tmp_path / "pairs", layout.FAILED)
    assert [(row["id"], row["reason"]) for row in failed] == [("d", "cut off"), ("e", "half"), ("f", blocks.NO_VERDICT)]
    assert [row["id"] for row in rows_of(tmp_path / "pairs", layout.LEFT_OUT)] == ["g", "a2"]
    assert [row["id"] for row in rows_of(tmp_path / "pairs", layout.CAPTIONS)] == ["a", "c", "e"]


def test_the_folder_is_a_data_set(captions, tmp_path):
    nf.run_captions(spec_of(captions), tmp_path / "pairs", split="questions")
    assert nf.verify(tmp_path / "pairs")["verdict"] == "OK: 4 rows, every fact holds"
    rows = datasets.load_dataset(str(tmp_path / "pairs"), split="questions", cache_dir=str(tmp_path / "cache"))
    assert rows[0]["question"] == "Where is the cup?"
    assert [row.image for row in Dataset.open(tmp_path / "pairs").read("questions")] == [NO_IMAGE] * 4
    card = (tmp_path / "pairs" / "README.md").read_text()
    assert "semantic (no --embedding-model is given)" in card
    assert "arXiv:2504.20648" in card
    assert "of 8 captions 1 left out (empty), 1 left out (duplicate caption)" in card


def test_captions_of_one_image_are_checked_together_and_a_model_learns_from_them(
    captions, images, tmp_path, tiny_llava
):
    spec = spec_of(captions, image_field="file", images=images)
    counts = nf.run_captions(spec, tmp_path / "pairs")
    assert counts.checks["duplicates"] == 1  # the cup of the first image, asked about twice
    assert (counts.pairs_out, counts.captions_with_pairs, counts.images) == (3, 2, 2)
    rows = rows_of(tmp_path / "pairs")
    assert {row["group"] for row in rows} == {"1.png", "3.png"}
    assert rows[0]["image"] == {"bytes": None, "path": str(images / "1.png")}
    groups = {
        split: {row.group for row in Dataset.open(tmp_path / "pairs").read(split)} for split in ("train", "validation")
    }
    assert groups == {"train": {"3.png"}, "validation": {"1.png"}}  # an image is never in both
    [rejected] = rows_of(tmp_path / "pairs", layout.REJECTED)
    assert (rejected["id"], rejected["image"], rejected["check"]) == ("e/0", "1.png", "duplicates")
    assert "already" in rejected["detail"]
    assert nf.verify(tmp_path / "pairs")["verdict"].startswith("OK: 3 rows")

    # Copied into the data set, they are the same images.
    nf.run_captions(spec, tmp_path / "embedded", embed=True)
    found = [Dataset.open(tmp_path / name).fingerprint("train") for name in ("pairs", "embedded")]
    assert found[0] == found[1]

    training = TrainSpec(ModelSpec(str(tiny_llava)), (tmp_path / "pairs",), batch=3, epochs=1)
    assert nf.train(training, tmp_path / "run")["validation_loss"] > 0


def test_rows_whose_image_is_missing_are_kept_on_request_alone(captions, images, tmp_path):
    (images / "3.png").unlink()
    spec = spec_of(captions, image_field="file", images=images)
    counts = nf.run_captions(spec, tmp_path / "few")
    assert counts.captions_with_pairs == 1
    counts = nf.run_captions(spec_of(captions, image_field="file", images=images, allow_missing=True), tmp_path / "all")
    assert counts.captions_with_pairs == 2
    assert [row["image"] is None for row in rows_of(tmp_path / "all")] == [False, False, True]


def test_what_no_data_set_can_hold_is_counted_and_kept_aside(tmp_path, monkeypatch):
    wrong = [
        Pair("Say where it is.", "left of it", "left"),
        Pair("Where is the cup?", " ", "left"),
        Pair("Where is the cup?", "...", "left"),
        Pair("Where is the cup?", "left", "to the left"),
        Pair("Where is the cup?", "left", "left", frame="camera"),
        Pair("Where is the cup?", "left", "left", span_start=3, span_end=99),
        Pair("Where is  the\ncup?", "left of the  plate ", "left", subject="the  cup"),
    ]
    monkeypatch.setattr(scripted.Scripted, "_of", lambda self, caption: Generated(tuple(wrong)))
    captions = written(tmp_path / "captions.jsonl", [("a", "A cup, left of a plate.", "")])
    counts = nf.run_captions(spec_of(captions), tmp_path / "pairs")
    assert (counts.pairs_generated, counts.checks["form"], counts.pairs_out) == (7, 6, 1)
    [row] = rows_of(tmp_path / "pairs")
    assert (row["id"], row["question"], row["answer"]) == ("a/6", "Where is the cup?", "left of the plate")
    assert row["subject"] == "the cup"
    rejected = rows_of(tmp_path / "pairs", layout.REJECTED)
    assert [row["id"] for row in rejected] == [f"a/{number}" for number in range(6)]
    assert {row["check"] for row in rejected} == {"form"}
    assert nf.verify(tmp_path / "pairs")["verdict"].startswith("OK")


def test_a_finished_run_is_left_as_it_is(captions, tmp_path, engines, capsys):
    first = nf.run_captions(spec_of(captions), tmp_path / "pairs")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    again = nf.run_captions(spec_of(captions), tmp_path / "pairs")
    assert again == first
    assert [len(engine.seen) for engine in engines] == [4, 0]
    assert "is finished already" in capsys.readouterr().err
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


@pytest.mark.parametrize("change", ["checks", "limit", "file", "shard"])
def test_other_settings_and_inputs_are_refused_and_replaced_on_request(captions, tmp_path, change):
    nf.run_captions(spec_of(captions), tmp_path / "pairs")
    spec, limit = spec_of(captions), None
    if change == "checks":
        spec = spec_of(captions, checks=ChecksSpec(("answer",)))
    elif change == "limit":
        limit = 3
    elif change == "file":
        written(captions, CAPTIONS[:3])
    else:
        spec = spec_of(captions, shard="1/2")
    with pytest.raises(DataError, match="holds a data set with other settings"):
        nf.run_captions(spec, tmp_path / "pairs", limit=limit)
    counts = nf.run_captions(spec, tmp_path / "pairs", limit=limit, overwrite=True)
    counts.check()
    if change == "limit":
        assert (counts.captions_in, counts.captions_with_pairs) == (3, 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["captions.jsonl", "pairs"]


def test_failed_captions_are_asked_again_on_request(captions, tmp_path, monkeypatch):
    assert nf.run_captions(spec_of(captions), tmp_path / "pairs").failed == 2
    monkeypatch.setattr(scripted.Scripted, "judge", lambda self, captions: [True] * len(captions))
    assert nf.run_captions(spec_of(captions), tmp_path / "pairs").failed == 2
    counts = nf.run_captions(spec_of(captions), tmp_path / "pairs", retry_failed=True)
    assert counts.failed == 1
    assert Dataset.open(tmp_path / "pairs").splits == {"train": counts.pairs_out - 2, "validation": 2}
    counts = nf.run_captions(spec_of(captions), tmp_path / "whole", validation_share=0)
    assert Dataset.open(tmp_path / "whole").splits == {"train": counts.pairs_out}


def test_no_pair_left_is_an_error_that_says_why(tmp_path):
    captions = written(tmp_path / "captions.jsonl", [("a", "A dog sleeps.", ""), ("b", "", "")])
    says = "no pair is left, and nothing is written: of 2 captions 1 left out .empty., 1 without a spatial relation"
    with pytest.raises(DataError, match=says):
        nf.run_captions(spec_of(captions), tmp_path / "pairs")
    assert not (tmp_path / "pairs").exists()
    captions = written(tmp_path / "captions.jsonl", [("c", "A cup is left of a plate!", "")])
    with pytest.raises(DataError, match="1 failed; of 0 pairs none rejected; the first that failed: c: cut off"):
        nf.run_captions(spec_of(captions), tmp_path / "pairs")
    captions = written(tmp_path / "captions.jsonl", [("d", "A cup is left of a plate.", "")])
    with pytest.raises(DataError, match=r"--shard ./2: no caption falls into this shard; make fewer shards"):
        for index in range(2):
            nf.run_captions(spec_of(captions, shard=f"{index}/2"), tmp_path / f"shard-{index}")
    (tmp_path / "words.txt").write_text("cup\n")
    checks = ChecksSpec(("reference",), reference_words=tmp_path / "words.txt")
    with pytest.raises(DataError, match="1 rejected by reference; the first rejected pair: d/0: reference, "):
        nf.run_captions(spec_of(captions, checks=checks), tmp_path / "pairs")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--engine", "ruels"], "--engine ruels: choose rules, openai:URL#MODEL or ray:MODEL"),
        (["--filter", "mine"], "--filter mine: choose engine, rules"),
        (["--limit", "0"], "--limit 0: must be at least 1"),
        (["--jobs", "2", "--engine", "openai:http://127.0.0.1:1/v1#x"], "--jobs 2: an engine that asks a server"),
        (["--split", "a-b"], "--split 'a-b'"),
        (["--exclude", "nowhere.txt"], "nowhere.txt: no such file or folder"),
        (["--shard", "2/2"], "2/2"),
        (["--checks", "spelling"], "spelling"),
        (["--out", "captions.jsonl"], "captions.jsonl"),
        (["--parser", "en_none", "--engine", "rules"], "en_none"),
        (["--prompt", "captions.jsonl", "--engine", "rules"], "--prompt captions.jsonl: rules ask no model"),
        (["--filter-prompt", "captions.jsonl", "--filter", "keywords"], "captions.jsonl: keywords ask no model"),
        (["--out", "/"], "/: is the root of the file system"),
        (["--exclude", "/dev/zero"], "/dev/zero: is a pipe or device"),
        (["--filter-prompt", "/dev/zero"], "/dev/zero: is a pipe or device"),
    ],
)
def test_a_mistake_is_one_line(captions, tmp_path, monkeypatch, capsys, options, says):
    monkeypatch.chdir(tmp_path)
    usual = {"--text-field": "text", "--engine": "scripted", "--out": "pairs"}
    given = [word for name, value in usual.items() if name not in options for word in (name, value)]
    with pytest.raises(SystemExit) as stop:
        main(["captions", "run", captions.name, *given, *options])
    said = capsys.readouterr().err
    assert stop.value.code == 2
    assert said.count("\n") == 1
    assert says in said
    assert sorted(path.name for path in Path.cwd().iterdir()) == ["captions.jsonl"]


def test_the_command_line_says_what_came_of_all(captions, tmp_path, capsys):
    given = ["--text-field", "text", "--id-field", "id", "--engine", "scripted", "--checks", "duplicates", "answer"]
    main(["captions", "run", str(captions), *given, "--out", str(tmp_path / "pairs")])
    said = capsys.readouterr().out
    for line in ("the pairs have no images, which training needs", "left: 4, from 3 captions"):
        assert line in said
    for line in ("captions: 8 in", "left out, empty: 1", "failed: 2", "pairs: 4 generated", "rejected by answer: 0"):
        assert line in said
    assert "reference did not run: not among --checks" in said
    assert f"ninefold captions review {tmp_path / 'pairs'}" in said


def test_an_engine_of_the_user_has_a_name_of_its_own():
    for name in ("rules", "openai", "a:b", "", "engine"):
        with pytest.raises(DesignError, match="choose a name"):
            catalog.register_engine(name, scripted.Scripted)


def test_a_folder_of_somebody_else_is_not_touched(captions, tmp_path):
    (tmp_path / ".pairs.blocks").mkdir()
    (tmp_path / ".pairs.blocks" / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match=r"\.pairs\.blocks: is not of ninefold"):
        nf.run_captions(spec_of(captions), tmp_path / "pairs")
    assert (tmp_path / ".pairs.blocks" / "notes.txt").read_text() == "mine"
