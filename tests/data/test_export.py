"""Exports: the same bytes each time, images as stored, nothing lost, and everything left out counted."""

import json
from typing import get_args

import pytest

import ninefold
from ninefold import ExportSpec, SyntheticSpec
from ninefold.data.export.catalog import EXPORTERS
from ninefold.data.export.spec import Form
from ninefold.errors import DataError


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export") / "set"
    return ninefold.make(SyntheticSpec(split="train", canvas=90, subset=9), folder)


def bytes_of(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_command_line_offers_every_form():
    assert set(get_args(Form)) == set(EXPORTERS)


def test_llama_factory_holds_prompts_answers_and_images_unchanged(data, tmp_path):
    done = ninefold.export(ExportSpec(data.folder, "llama-factory", split="train"), tmp_path / "out")
    lines = [json.loads(line) for line in (tmp_path / "out" / "train.jsonl").read_text().splitlines()]
    assert done.rows == {"train": 9} == {"train": len(lines)}
    for line, example in zip(lines, data.read("train"), strict=True):
        asked, answered = line["messages"]
        assert (asked["content"], answered["content"]) == (f"<image>{example.prompt}", example.answer)
        assert (tmp_path / "out" / line["images"][0]).read_bytes() == example.image


def test_the_same_bytes_each_time_and_a_finished_one_is_left_alone(data, tmp_path):
    spec = ExportSpec(data, "llama-factory")
    for name in ("one", "other"):
        ninefold.export(spec, tmp_path / name)
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "other")
    record = tmp_path / "one" / "export.json"
    before = record.stat().st_mtime_ns
    assert ninefold.export(spec, tmp_path / "one").rows == dict(data.splits)
    assert record.stat().st_mtime_ns == before


def test_changed_files_and_files_of_others_are_never_replaced_silently(data, tmp_path):
    spec, out = ExportSpec(data, "llama-factory", split="train"), tmp_path / "out"
    ninefold.export(spec, out)
    (out / "train.jsonl").unlink()
    with pytest.raises(DataError, match="were changed or removed; replace it with --overwrite"):
        ninefold.export(spec, out)
    ninefold.export(spec, out, overwrite=True)
    with pytest.raises(DataError, match=r"rows\.validation"):
        ninefold.export(ExportSpec(data, "llama-factory"), out)
    (out / "images" / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match=r"notes.txt: is not of the export around it"):
        ninefold.export(ExportSpec(data, "llama-factory"), out, overwrite=True)
