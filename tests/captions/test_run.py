"""The run over captions from end to end, with an engine of a few lines."""

import json

import datasets
import pyarrow.parquet as pq
import pytest
import scripted

from ninefold import api
from ninefold.captions import blocks, layout
from ninefold.captions.engines import catalog
from ninefold.captions.spec import CaptionsIn, CaptionsSpec
from ninefold.data.format.dataset import Dataset
from ninefold.types import NO_IMAGE

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
def engine(monkeypatch):
    """The engine, of which each opening is listed."""
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


def written(path, captions):
    lines = (json.dumps({"id": name, "text": text, "file": image}) for name, text, image in captions)
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def spec_of(path, **others):
    given = {name: others.pop(name) for name in list(others) if name in CaptionsIn.__dataclass_fields__}
    return CaptionsSpec(CaptionsIn((path,), "text", "id", **given), engine="scripted", **others)


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != layout.TIMING
    }


def test_every_caption_and_pair_is_accounted_for(captions, tmp_path):
    counts = api.run_captions(spec_of(captions), tmp_path / "pairs")
    assert json.loads((tmp_path / "pairs" / layout.COUNTS).read_text()) == {
        "captions_in": 8,
        "captions_left_out": {"empty": 1, "duplicate caption": 1},
        "captions_without_relation": 1,
        "failed": 2,
        "captions_kept": 3,
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
    rows = {row["id"]: row for row in pq.read_table(tmp_path / "pairs" / "data").to_pylist()}
    assert list(rows) == ["a/0", "a/1", "c/0", "e/0"]
    assert rows["a/1"]["source_span"] == "The plate is right of a fork"
    assert rows["a/1"]["group"] == "a"
    assert rows["a/1"]["image"] is None
    failed = pq.read_table(tmp_path / "pairs" / layout.FAILED).to_pylist()
    assert [(row["id"], row["reason"]) for row in failed] == [("d", "cut off"), ("f", blocks.NO_VERDICT)]
    assert [row["id"] for row in pq.read_table(tmp_path / "pairs" / layout.LEFT_OUT).to_pylist()] == ["g", "a2"]
    assert pq.read_table(tmp_path / "pairs" / layout.CAPTIONS)["id"].to_pylist() == ["a", "c", "e"]


def test_the_folder_is_a_data_set(captions, tmp_path):
    api.run_captions(spec_of(captions), tmp_path / "pairs")
    assert api.verify(tmp_path / "pairs")["verdict"] == "OK: 4 rows, every fact holds"
    rows = datasets.load_dataset(str(tmp_path / "pairs"), split="train", cache_dir=str(tmp_path / "cache"))
    assert rows[0]["question"] == "Where is the cup?"
    assert [row.image for row in Dataset.open(tmp_path / "pairs").read("train")] == [NO_IMAGE] * 4
    card = (tmp_path / "pairs" / "README.md").read_text()
    assert "semantic (no --embedding-model is given)" in card
    assert "arXiv:2504.20648" in card
