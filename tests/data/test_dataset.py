import io
import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import cv2
import datasets
import numpy as np
import pyarrow.parquet as pq
import pytest
import xxhash
from huggingface_hub import DatasetCard
from PIL import Image

from ninefold.data.format import dataset, shards
from ninefold.data.format.columns import CORE_COLUMNS
from ninefold.data.format.dataset import Dataset
from ninefold.data.sources.synthetic import SyntheticSpec, examples
from ninefold.errors import DataError
from ninefold.scenes.render import encode_png, render
from ninefold.space import Cell
from ninefold.store import content_id
from ninefold.types import Example, Scene, Thing

ABOUT = dataset.About(
    title="A small set", description="For tests.", spec={"kind": "test"}, columns={"size": "its size"}
)
SPEC = SyntheticSpec("test", canvas=96, distractors=2)


def rows(count: int = 6, first: int = 0) -> Iterator[Example]:
    return islice(examples(SPEC)["test"], first, first + count)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sets") / "small"
    dataset.write(path, {"train": rows(8), "validation": rows(4, first=8)}, about=ABOUT)
    return path


def test_what_is_written_is_read(folder: Path):
    found = list(Dataset.open(folder).read("train"))
    assert [replace(example, image=b"") for example in found] == [replace(example, image=b"") for example in rows(8)]
    assert [example.image for example in found] == [encode_png(example.image) for example in rows(8)]
    assert list(found[0].factors) == list(next(rows()).factors)
    limited = [example.id for example in Dataset.open(folder).read("train", limit=3)]
    assert len(limited) == 3 and limited == [example.id for example in found if example.id in limited]


def test_splits(folder: Path):
    assert Dataset.open(folder).splits == {"train": 8, "validation": 4}
    assert Dataset.open(folder).choose_split("validation") == "validation"
    with pytest.raises(DataError, match=r"no split 'test', .*--split: train, validation"):
        Dataset.open(folder).choose_split(None)
    with pytest.raises(DataError, match="no split 'dev'"):
        Dataset.open(folder).read("dev")
    with pytest.raises(DataError, match="not a data set of ninefold"):
        Dataset.open(folder / "data")


def test_the_manifest_holds_the_documented_hashes(folder: Path):
    manifest = json.loads((folder / "manifest.json").read_text())
    assert list(manifest) == [
        "format", "source", "question", "labels", "answer_format", "clustering", "splits", "spec", "versions",
    ]  # fmt: skip
    rows = pq.read_table(folder / "manifest.parquet").to_pylist()
    assert [row["split"] for row in rows] == ["train"] * 8 + ["validation"] * 4
    for listed, example in zip(rows, Dataset.open(folder).read("train"), strict=False):
        picture = Image.open(io.BytesIO(example.image)).convert("RGB")
        assert listed["id"] == example.id
        assert listed["pixels"] == xxhash.xxh3_128(b"96x96:" + picture.tobytes()).hexdigest()
        text = json.dumps(
            [example.question, example.prompt, example.options, example.answer],
            separators=(",", ":"),
            ensure_ascii=False,
        )
        assert listed["text"] == xxhash.xxh3_128(text.encode()).hexdigest()


def test_the_datasets_library_opens_it_without_us(folder: Path, tmp_path: Path):
    loaded = datasets.load_dataset(str(folder), cache_dir=str(tmp_path))
    assert {split: len(part) for split, part in loaded.items()} == {"train": 8, "validation": 4}
    for row, example in zip(loaded["train"], rows(8), strict=True):
        assert row["options"] == list(example.options)
        assert {name: row[name] for name in example.factors} == example.factors
        expected = render(example.image)
        assert np.array_equal(np.asarray(row["image"]), expected)
        opened = cv2.imdecode(np.frombuffer(encode_png(example.image), np.uint8), cv2.IMREAD_COLOR)
        assert np.array_equal(opened[..., ::-1], expected)


def test_the_card_is_for_people_too(folder: Path):
    card = (folder / "README.md").read_text()
    assert "# A small set" in card
    assert "| train | 8 |" in card
    assert "| `size` | its size |" in card
    assert "2511.11440" in card
    assert "[`certificate.json`](certificate.json)" in card


def test_rows_left_out_are_on_the_card_even_if_found_late(tmp_path: Path):
    skipped: list[dict[str, object]] = []

    def streamed() -> Iterator[Example]:
        yield from rows(2)
        skipped.append({"reason": "picture is missing", "count": 3, "names": ["1", "2", "3"]})

    dataset.write(tmp_path / "set", {"test": streamed()}, about=replace(ABOUT, skipped=skipped))
    assert "| picture is missing | 3 |" in (tmp_path / "set" / "README.md").read_text()


def test_a_fingerprint_is_of_the_rows_alone(folder: Path, tmp_path: Path):
    dataset.write(tmp_path / "same", {"train": rows(8)}, about=replace(ABOUT, title="Other words"))
    dataset.write(tmp_path / "less", {"train": rows(7)}, about=ABOUT)
    assert Dataset.open(tmp_path / "same").fingerprint("train") == Dataset.open(folder).fingerprint("train")
    assert Dataset.open(tmp_path / "less").fingerprint("train") != Dataset.open(folder).fingerprint("train")


def test_a_fingerprint_is_that_of_earlier_versions(tmp_path: Path):
    def row(number: int) -> Example:
        scene = Scene((Thing("square", "red", "large", Cell(number, number)),), canvas=90)
        text = f"Where – {number}?"
        return Example(id=f'é-"{number}"', image=scene, question=text, prompt=text, options=(), answer="left")

    dataset.write(tmp_path / "set", {"test": map(row, range(3))}, about=replace(ABOUT, labels=["left"]))
    assert Dataset.open(tmp_path / "set").fingerprint("test") == "49b3a46a0edf"
    listed = pq.read_table(tmp_path / "set" / "manifest.parquet", columns=["id", "pixels", "text"]).to_pylist()
    assert listed[1] == {
        "id": 'é-"1"', "pixels": "1a41a7b2a638a3a2188c259ee0a0cd21", "text": "921c12c2b2677b19c582aae17331a194",
    }  # fmt: skip
    assert content_id(listed) == "49b3a46a0edf"


def test_what_a_writer_is_told_is_in_the_manifest_and_on_the_card(tmp_path: Path):
    told = replace(
        ABOUT, source="mine", question="side", labels=["left", "right"], answer_format="labels", clustering="census"
    )
    dataset.write(tmp_path / "set", {"test": rows(2)}, about=told)
    data = Dataset.open(tmp_path / "set")
    assert (data.name, data.source, data.question, data.labels) == ("set", "mine", "side", ("left", "right"))
    assert (data.clustering, data.manifest.answer_format, data.manifest.spec) == ("census", "labels", {"kind": "test"})
    card = (tmp_path / "set" / "README.md").read_text()
    assert "- source: mine\n- question: `side`\n- answers: left, right\n- answer format: `labels`\n" in card
    assert "- intervals: rows are a complete design" in card


def test_a_writer_need_not_be_told_much(folder: Path):
    data = Dataset.open(folder)
    assert (data.source, data.question, data.labels, data.clustering) == ("custom", None, (), "group")
    card = (folder / "README.md").read_text()
    assert "- question:" not in card and "- answers: each row has its own" in card


def test_the_card_and_the_files_state_the_features_that_the_datasets_library_would(tmp_path: Path):
    kinds = {"a": 1, "b": 0.5, "c": True, "d": "x"}
    dataset.write(
        tmp_path / "set", {"test": [replace(next(rows()), factors=kinds)]}, about=replace(ABOUT, license="a: b")
    )
    [shard] = (tmp_path / "set" / "data").iterdir()
    value, image = datasets.Value, datasets.Image(mode="RGB")
    expected = datasets.Features(
        {name: value("string") for name in CORE_COLUMNS}
        | {"image": image, "options": datasets.List(value("string"))}
        | {"a": value("int64"), "b": value("float64"), "c": value("bool"), "d": value("string")}
    )
    assert datasets.Features.from_arrow_schema(pq.read_schema(shard)) == expected
    assert json.loads(pq.read_schema(shard).metadata[b"huggingface"]) == json.loads(
        expected.arrow_schema.metadata[b"huggingface"]
    )
    front = DatasetCard.load(tmp_path / "set" / "README.md").data
    assert datasets.Features._from_yaml_list(front.dataset_info["features"]) == expected
    assert front.license == "a: b"
    assert front.dataset_info["splits"] == [{"name": "test", "num_bytes": shard.stat().st_size, "num_examples": 1}]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"format": 1, "rows": {}, "spec": {}}', "format 1, .*; make the data set again"),
        ("[]", "holds no JSON object"),
        ('{"format": 2, "splits": {}}', "not a manifest"),
        ("{", "not readable as JSON"),
    ],
)
def test_manifests_of_another_kind_are_named(tmp_path: Path, content: str, said: str):
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(DataError, match=rf"manifest\.json: {said}"):
        Dataset.open(tmp_path)


def test_pictures_may_stay_where_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    photo = Path("photo.jpg")
    Image.new("CMYK", (40, 30), (0, 80, 80, 0)).save(photo)
    one = replace(next(rows()), image=photo, factors={})
    for name, embed in (("linked", False), ("embedded", True)):
        dataset.write(tmp_path / name, {"test": [one]}, about=ABOUT, embed=embed)
    assert next(Dataset.open(tmp_path / "linked").read("test")).image == tmp_path / "photo.jpg"
    assert next(Dataset.open(tmp_path / "embedded").read("test")).image == photo.read_bytes()
    loaded = datasets.load_dataset(str(tmp_path / "linked"), split="test", cache_dir=str(tmp_path / "cache"))
    assert loaded[0]["image"].size == (40, 30)


def test_long_sets_are_cut_into_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shards, "GROUP_ROWS", 2)
    monkeypatch.setattr(shards, "SHARD_BYTES", 1)
    dataset.write(tmp_path / "set", {"test": rows(7)}, about=ABOUT)
    names = sorted(path.name for path in (tmp_path / "set" / "data").iterdir())
    assert names == [f"test-{number:05d}-of-00004.parquet" for number in range(4)]
    assert [example.id for example in Dataset.open(tmp_path / "set").read("test")] == [
        example.id for example in rows(7)
    ]


def with_factors(**factors: object) -> Example:
    return replace(next(rows()), id=f"row-{len(factors)}-{factors}", factors=factors)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"test": []}, "split 'test' has no examples"),
        ({}, "at least one split"),
        ({"train": rows(2), "test": rows(1)}, "two examples have this id"),
        ({"test": [with_factors(a=1), with_factors(a=1, b=2)]}, r"not those of the first example \(b\)"),
        ({"test": [with_factors(a=1), with_factors(a="x")]}, "not of the same type in every row"),
        ({"test": [with_factors(group=1)]}, "name of a column that every data set has"),
    ],
)
def test_broken_sets_leave_nothing_behind(tmp_path: Path, parts: dict, message: str):
    with pytest.raises(DataError, match=message):
        dataset.write(tmp_path / "set", parts, about=ABOUT)
    assert list(tmp_path.iterdir()) == []


def test_factors_keep_their_kinds_and_gaps(tmp_path: Path):
    kinds = [{"a": 1, "b": None, "c": True, "d": None}, {"a": 2.5, "b": "x", "c": None, "d": None}]
    some = [replace(example, factors=factors) for example, factors in zip(rows(2), kinds, strict=True)]
    dataset.write(tmp_path / "set", {"test": some}, about=ABOUT)
    assert [example.factors for example in Dataset.open(tmp_path / "set").read("test")] == kinds


@pytest.mark.parametrize("damage", ["truncate", "remove"])
def test_broken_folders_are_named(tmp_path: Path, damage: str):
    dataset.write(tmp_path / "set", {"test": rows(2)}, about=ABOUT)
    [shard] = (tmp_path / "set" / "data").iterdir()
    if damage == "truncate":
        shard.write_bytes(shard.read_bytes()[:500])
    else:
        shard.unlink()
    with pytest.raises(DataError, match=r"not readable as parquet|are missing"):
        list(Dataset.open(tmp_path / "set").read("test"))
