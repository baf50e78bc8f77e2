"""Exports: prompts, answers and images unchanged, the same bytes each time, and everything left out counted."""

import base64
import io
import json
import tarfile
from typing import get_args

import datasets
import pyarrow.parquet as pq
import pytest
from PIL import Image

import ninefold
from ninefold import DataError, Example, ExportSpec, FactError, SyntheticSpec, images
from ninefold.cli import main
from ninefold.data.export.catalog import EXPORTERS
from ninefold.data.export.spec import Form
from ninefold.data.format.dataset import About, write
from ninefold.types import NO_IMAGE

TRAINERS = ("trl", "llama-factory", "ms-swift", "llava", "axolotl")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export") / "set"
    return ninefold.make(SyntheticSpec(split="train", canvas=90, subset=9), folder)


def encoded(color, kind="PNG", size=(4, 2), **options):
    buffer = io.BytesIO()
    Image.new("RGB", size, color).save(buffer, kind, **options)
    return buffer.getvalue()


def made(folder, rows):
    """Write a data set of (image, prompt, answer)."""
    examples = [
        Example(f"row.{number}/a", image, prompt, prompt, (), answer, "short_text", str(number), {"size": number})
        for number, (image, prompt, answer) in enumerate(rows)
    ]
    write(folder, {"train": examples}, about=About("Made", "Made.", {}))
    return folder


def exported(data, out, to, **options):
    """Return (id or None, image bytes, turns of text) of each conversation of an export's training split."""
    if to == "openai-batch":
        options |= {"model": "gpt"}
    ninefold.export(ExportSpec(data, to, split="train", **options), out)
    return list(READERS[to](out))


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def read_lines(out):
    for row in lines(out / "train.jsonl"):
        [image] = row["images"]
        first, *others = (turn["content"] for turn in row["messages"])
        assert [turn["role"] for turn in row["messages"]] == ["user", "assistant"] * (len(row["messages"]) // 2)
        assert first.startswith("<image>")
        yield None, (out / image).read_bytes(), [first.removeprefix("<image>"), *others]


def read_llava(out):
    for row in json.loads((out / "train.json").read_text()):
        first, *others = (turn["value"] for turn in row["conversations"])
        yield row["id"], (out / row["image"]).read_bytes(), [first.removeprefix("<image>\n"), *others]


def read_parts(out):
    for path in sorted((out / "data").glob("train-*")):
        for row in pq.read_table(path).to_pylist():
            [image] = row["images"]
            turns = row.get("messages") or row["prompt"] + row["completion"]
            placeholder, *parts = (part for turn in turns for part in turn["content"])
            assert placeholder == {"type": "image", "text": None}
            yield row["id"], image["bytes"], [part["text"] for part in parts]


def read_batch(out):
    for path in sorted(out.glob("train-*.jsonl")):
        for request in lines(path):
            assert (request["method"], request["url"]) == ("POST", "/v1/chat/completions")
            body = request["body"]
            assert (body["model"], body["temperature"], body["max_completion_tokens"]) == ("gpt", 0, 15)
            image, text = body["messages"][0]["content"]
            yield request["custom_id"], base64.b64decode(image["image_url"]["url"].partition(",")[2]), [text["text"]]


def read_tar(out):
    for path in sorted(out.glob("train-*.tar")):
        with tarfile.open(path) as tar:
            files = {member.name: tar.extractfile(member).read() for member in tar}
        for name in sorted(name for name in files if name.endswith(".json")):
            row = json.loads(files[name])
            [image] = (content for other, content in files.items() if other[:10] == name[:10] and other != name)
            yield row["id"], image, [row["prompt"], row["answer"]]


READERS = {
    **dict.fromkeys(("llama-factory", "ms-swift"), read_lines),
    **dict.fromkeys(("trl", "axolotl"), read_parts),
    "llava": read_llava,
    "openai-batch": read_batch,
    "webdataset": read_tar,
}


def test_the_command_line_offers_every_form():
    assert set(get_args(Form)) == set(EXPORTERS)


@pytest.mark.parametrize("to", READERS)
def test_each_form_holds_ids_prompts_answers_and_images_unchanged(data, tmp_path, to):
    found = exported(data, tmp_path / "out", to)
    examples = list(data.read("train"))
    assert [image for _, image, _ in found] == [example.image for example in examples]
    assert [turns[0] for _, _, turns in found] == [example.prompt for example in examples]
    assert to == "openai-batch" or [turns[1] for _, _, turns in found] == [example.answer for example in examples]
    assert {name for name, _, _ in found} in ({None}, {example.id for example in examples})


@pytest.mark.parametrize("to", TRAINERS)
def test_a_conversation_holds_all_questions_about_one_image(tmp_path, to):
    red, blue = encoded("red"), encoded("blue")
    folder = made(tmp_path / "set", [(red, "one?", "1"), (blue, "two?", "2"), (red, "three?", "3")])
    found = exported(folder, tmp_path / "out", to, conversations=True)
    assert [(image, turns) for _, image, turns in found] == [(red, ["one?", "1", "three?", "3"]), (blue, ["two?", "2"])]


@pytest.mark.parametrize("to", ["llava", "trl", "openai-batch", "webdataset"])
def test_every_tool_sees_the_pixels_that_the_data_set_lists(tmp_path, to):
    exif = Image.Exif()
    exif[0x0112] = 6
    jpeg, turned = encoded("red", "JPEG"), encoded("blue", exif=exif)
    found = exported(made(tmp_path / "set", [(jpeg, "a?", "b"), (turned, "c?", "d")]), tmp_path / "out", to)
    assert found[0][1] == jpeg
    assert Image.open(io.BytesIO(found[1][1])).size == (2, 4) == images.size(turned)
    assert json.loads((tmp_path / "out" / "export.json").read_text())["redrawn"] == 1
    assert "1 images are PNG files of the stored pixels" in (tmp_path / "out" / "README.md").read_text()


def test_rows_that_a_tool_would_misread_are_left_out_counted_and_named(tmp_path, capsys):
    red = encoded("red")
    rows = [
        (red, "Is <image> here?", "yes"),
        (NO_IMAGE, "What?", "this"),
        (red, "Where?", "<bbox>"),
        (red, "Now?", "no"),
    ]
    folder = made(tmp_path / "set", rows)
    assert [turns for *_, turns in exported(folder, tmp_path / "swift", "ms-swift")] == [["Now?", "no"]]
    main(["export", str(folder), "--to", "llama-factory", "--out", str(tmp_path / "factory")])
    said = capsys.readouterr().out.splitlines()
    assert said[:2] == [
        "left out, text with <image>, a sign of the tool: 1 (row.0/a)",
        "left out, no image: 1 (row.1/a)",
    ]
    assert said[2].endswith("factory: 2 train for LLaMA-Factory 0.9.5; see README.md there")
    assert "Left out, no image: 1 (row.1/a)" in (tmp_path / "factory" / "README.md").read_text()
    with pytest.raises(DataError, match="no row of split train can be written for LLaVA"):
        exported(made(tmp_path / "none", [(NO_IMAGE, "What?", "this")]), tmp_path / "llava", "llava")


def test_the_datasets_library_opens_what_is_made_of_parquet_or_tar_files(data, tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    first = next(data.read("train"))
    exported(data, tmp_path / "trl", "trl")
    row = datasets.load_dataset(str(tmp_path / "trl"), split="train", streaming=True).take(1)
    row = next(iter(row))
    assert row["images"][0].size == (90, 90)
    assert row["completion"] == [{"role": "assistant", "content": [{"type": "text", "text": first.answer}]}]
    exported(data, tmp_path / "tar", "webdataset")
    files = {"train": str(tmp_path / "tar" / "train-*.tar")}
    row = next(iter(datasets.load_dataset("webdataset", data_files=files, split="train", streaming=True)))
    assert (row["png"].size, row["json"]["prompt"]) == ((90, 90), first.prompt)


def test_an_image_is_decoded_once_however_far_apart_its_rows_are(tmp_path, monkeypatch):
    rows = [(encoded((9, number % 40, 9)), f"{number}?", "b") for number in range(80)]
    folder = made(tmp_path / "set", rows)
    images._known.clear()
    decode, decoded = images._decode, []
    monkeypatch.setattr(images, "_decode", lambda content: decoded.append(content) or decode(content))
    assert [image for _, image, _ in exported(folder, tmp_path / "out", "trl")] == [image for image, *_ in rows]
    assert sorted(decoded) == sorted({image for image, *_ in rows})


def test_a_split_that_would_take_the_place_of_the_record_is_refused(tmp_path):
    example = Example("a", encoded("red"), "a?", "a?", (), "b", "short_text", "a", {})
    write(tmp_path / "set", {"export": [example]}, about=About("Made", "Made.", {}))
    with pytest.raises(DataError, match=r"its split export would be export\.json"):
        ninefold.export(ExportSpec(tmp_path / "set", "llava"), tmp_path / "out")
    ninefold.export(ExportSpec(tmp_path / "set", "trl"), tmp_path / "out")


def bytes_of(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_bytes_each_time_and_a_finished_one_is_left_alone(data, tmp_path):
    for to in READERS:
        spec = ExportSpec(data, to, split="train", model="gpt" if to == "openai-batch" else None)
        for name in ("one", "other"):
            ninefold.export(spec, tmp_path / to / name)
        assert bytes_of(tmp_path / to / "one") == bytes_of(tmp_path / to / "other")
    record = tmp_path / to / "one" / "export.json"
    before = record.stat().st_mtime_ns
    assert ninefold.export(spec, tmp_path / to / "one").rows == {"train": 9}
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
    with pytest.raises(DataError, match="notes\\.txt: is not of the folder of exported rows around it"):
        ninefold.export(ExportSpec(data, "llama-factory"), out, overwrite=True)
    assert (out / "images" / "notes.txt").read_text() == "mine"


def test_options_that_a_form_does_not_take_are_refused(data, tmp_path):
    for options, wrong in (
        ({"to": "webdataset", "conversations": True}, "--conversations: not an option of --to webdataset, but of trl"),
        ({"to": "trl", "model": "gpt"}, "--model: not an option of --to trl, but of openai-batch"),
        ({"to": "openai-batch"}, "--model: name the model to ask"),
        ({"to": "llava", "split": "test"}, "no split 'test'"),
    ):
        with pytest.raises(DataError, match=wrong):
            ninefold.export(ExportSpec(data, **options), tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_an_image_changed_in_the_data_set_is_refused_and_nothing_is_left(tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(encoded("red"))
    examples = [Example("a", path, "q", "q", (), "b", "short_text")]
    write(tmp_path / "set", {"train": examples}, about=About("Made", "Made.", {}), embed=False)
    path.write_bytes(encoded("blue"))
    with pytest.raises(FactError, match="row a"):
        exported(tmp_path / "set", tmp_path / "out", "llava")
    assert sorted(found.name for found in tmp_path.iterdir()) == ["photo.png", "set"]
