"""Rows without an image: in the files, in every check of them, and where an image is needed."""

from dataclasses import replace

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ninefold import api, images
from ninefold.data.api import verify
from ninefold.data.checks.overlap import overlap
from ninefold.data.format import further, row_hashes
from ninefold.data.format.card import About
from ninefold.data.format.dataset import Dataset, write
from ninefold.errors import DataError, FactError
from ninefold.evaluation.spec import EvaluateSpec
from ninefold.models.spec import ModelSpec
from ninefold.scenes.render import encode_png
from ninefold.space import Cell
from ninefold.training.spec import TrainSpec
from ninefold.types import NO_IMAGE, Example, Scene, Thing


def example(number, image=NO_IMAGE):
    return Example(
        id=f"c{number}/0",
        image=image,
        question=f"Where is lamp {number}?",
        prompt=f"Where is lamp {number}?",
        options=(),
        answer=f"left of table {number}",
        answer_format="short_text",
        group=f"c{number}",
        factors={"relation": "left"},
    )


PICTURE = encode_png(Scene((Thing("square", "red", "large", Cell(0, 0)),), canvas=90))
ABOUT = About("Lamps", "Where lamps are.", {}, answer_format="short_text")


@pytest.fixture
def folder(tmp_path):
    rows = [example(0), example(1, PICTURE), example(2)]
    write(tmp_path / "lamps", {"train": rows, "test": [example(9, PICTURE)]}, about=ABOUT)
    return tmp_path / "lamps"


def test_rows_come_back_as_they_were(folder):
    data = Dataset.open(folder)
    assert [row.image for row in data.read("train")] == [NO_IMAGE, PICTURE, NO_IMAGE]
    assert [row.image for row in data.sequence("train")[:]] == [NO_IMAGE, PICTURE, NO_IMAGE]
    listed = [row.pixels for row in row_hashes.read_rows(folder, "train")]
    assert listed == ["", images.pixel_hash(images.open_rgb(PICTURE)), ""]


def test_the_datasets_library_reads_none(folder, tmp_path):
    rows = datasets.load_dataset(str(folder), split="train", cache_dir=str(tmp_path / "cache"))
    assert [row["image"] is None for row in rows] == [True, False, True]


def test_the_certificate_counts_them_and_holds(folder):
    certificate = verify(folder)
    assert certificate["splits"]["train"]["without_image"] == 2
    assert certificate["splits"]["train"]["distinct"]["images"] == 1
    assert "train: 2 of 3 rows have no image." in certificate["statements"]
    assert "without_image" not in certificate["splits"]["test"]


def test_rows_without_image_share_none(folder, tmp_path):
    write(tmp_path / "other", {"train": [example(5)]}, about=ABOUT)
    assert overlap(folder, tmp_path / "other").images.count == 0


@pytest.mark.parametrize("row", [0, 1])
def test_an_image_that_was_taken_or_added_is_found(folder, row):
    path = next((folder / "data").glob("train-*"))
    table = pq.read_table(path)
    values = table["image"].to_pylist()
    values[row] = {"bytes": PICTURE, "path": None} if row == 0 else None
    at = table.schema.get_field_index("image")
    field = table.schema.field(at)
    pq.write_table(table.set_column(at, field, pa.array(values, field.type)), path)
    with pytest.raises(FactError, match=f"row c{row}/0"):
        verify(folder)
    with pytest.raises(FactError, match=f"row c{row}/0: its image is not the manifest's"):
        list(Dataset.open(folder).read("train", trust_pixels=True))


def test_a_model_is_never_opened_for_them(folder, tmp_path, monkeypatch):
    def opened(*_, **__):
        raise AssertionError("a model was opened")

    monkeypatch.setattr("ninefold.models.load.open_model", opened)
    monkeypatch.setattr("ninefold.models.load.open_trainable", opened)
    says = r"lamps: 2 rows of split train have no image, which a model needs; make it again"
    model = ModelSpec("nano")
    with pytest.raises(DataError, match=says):
        api.train(TrainSpec(model, (folder,), validation_split="test"), tmp_path / "run")
    with pytest.raises(DataError, match=says):
        api.evaluate(EvaluateSpec(model, folder, split="train"), tmp_path / "run")
    with pytest.raises(DataError, match=r"c0/0: has no image"):
        images.open_rgb(NO_IMAGE, name="c0/0")
    assert not (tmp_path / "run").exists()
    rows = pq.read_table(folder / "manifest.parquet")
    pq.write_table(rows.rename_columns(["part", *rows.column_names[1:]]), folder / "manifest.parquet")
    with pytest.raises(DataError, match=r"manifest\.parquet: not a manifest: its columns are not split"):
        api.evaluate(EvaluateSpec(model, folder, split="train"), tmp_path / "run")


def test_further_files_are_in_the_folder_from_its_first_moment(tmp_path):
    def complete(fresh):
        assert not (tmp_path / "lamps").exists()
        (fresh / further.COUNTS).write_text("{}")

    write(tmp_path / "lamps", {"train": [example(0)]}, about=ABOUT, complete=complete)
    assert (tmp_path / "lamps" / further.COUNTS).read_text() == "{}"
    # Replaced as a whole, with what was computed; verdicts of people are in the way.
    about = replace(ABOUT, spec={"other": 1})
    write(tmp_path / "lamps", {"train": [example(0)]}, about=about, overwrite=True)
    assert not (tmp_path / "lamps" / further.COUNTS).exists()
    (tmp_path / "lamps" / further.REVIEW).mkdir()
    with pytest.raises(DataError, match="review: is not of the data set around it, and would be lost"):
        write(tmp_path / "lamps", {"train": [example(0)]}, about=ABOUT, overwrite=True)
