"""A data set that was changed after it was made is not evaluated under its old fingerprint."""

import io
import pickle
import shutil
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from ninefold import images, store
from ninefold.data.format import dataset
from ninefold.data.format.dataset import About, Dataset
from ninefold.data.sources.synthetic import SyntheticSpec, examples
from ninefold.errors import FactError
from ninefold.evaluation.evaluate import evaluate
from ninefold.evaluation.spec import EvaluateSpec
from ninefold.models.fake import FakeModel
from ninefold.models.spec import ModelSpec

RIGHT = FakeModel(lambda example: example.answer)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets") / "made"
    rows = islice(examples(SyntheticSpec("test", canvas=48, grid=3))["test"], 30)
    dataset.write(folder, {"test": rows}, about=About("A set", "For tests.", spec={}))
    return folder


@pytest.fixture
def folder(made, tmp_path):
    shutil.copytree(made, tmp_path / "set")
    return tmp_path / "set"


def change(folder, edit):
    """Edit the rows of the parquet file."""
    [path] = (folder / "data").iterdir()
    table = pq.read_table(path)
    rows = table.to_pylist()
    edit(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)


def run(folder, **options):
    return evaluate(
        EvaluateSpec(ModelSpec("fake"), folder, **options), folder.parent / "run", model=RIGHT, progress=False
    )


def repaint(rows):
    picture = np.array(Image.open(io.BytesIO(rows[7]["image"]["bytes"])).convert("RGB"))
    picture[-1, -1] ^= 1
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    rows[7]["image"]["bytes"] = buffer.getvalue()


EDITS = {
    "answer": (lambda rows: rows[7].update(answer="center" if rows[7]["answer"] != "center" else "top left"), "row {}"),
    "question": (lambda rows: rows[7].update(question="Where?"), "row {}"),
    "options": (lambda rows: rows[7].update(options=rows[7]["options"][::-1]), "row {}"),
    "id": (lambda rows: rows[7].update(id="another"), "row another"),
    "empty id": (lambda rows: rows[7].update(id=""), "row : stands"),
    "order": (lambda rows: rows.insert(7, rows.pop()), "row [a-z]+-"),
    "removed": (lambda rows: rows.pop(7), "row [a-z]+-"),
    "last removed": (lambda rows: rows.pop(), "row [a-z]+-"),
    "twice": (lambda rows: rows.append(dict(rows[7], id="copy")), "row copy"),
    "group": (lambda rows: rows[7].update(group="another"), "column group"),
    "format": (lambda rows: rows[7].update(answer_format="letters"), "column answer_format"),
    "factor": (lambda rows: rows[7].update(region="center"), "column region"),
    "image": (repaint, "row {}: its image"),
}


@pytest.mark.parametrize("name", EDITS)
def test_every_edit_is_refused_by_name_before_and_after_a_run(folder, name):
    row = pq.read_table(next((folder / "data").iterdir()))["id"][7].as_py()
    edit, message = EDITS[name]
    shutil.copytree(folder, folder.with_name("before"))
    run(folder)
    change(folder, edit)
    with pytest.raises(FactError, match=message.format(row)) as error:
        run(folder)
    assert str(folder) in str(error.value) and "make it again" in str(error.value)
    shutil.rmtree(folder.parent / "run", ignore_errors=True)
    with pytest.raises(FactError, match=message.format(row)):
        run(folder)
    shutil.rmtree(folder)
    shutil.copytree(folder.with_name("before"), folder)
    shutil.rmtree(folder.parent / "run", ignore_errors=True)
    assert run(folder)["n"] == 30


def test_trusted_images_are_not_compared(folder):
    change(folder, repaint)
    assert run(folder, trust_data=True)["n"] == 30


def test_a_finished_run_whose_data_were_only_copied_stays(folder):
    metrics = run(folder)
    shutil.copytree(folder, folder.with_name("copy"), copy_function=shutil.copy)
    shutil.rmtree(folder)
    folder.with_name("copy").rename(folder)
    assert run(folder) == metrics
    kept = store.read_json(folder.parent / "run" / "provenance.json")["data_files"]
    assert kept == Dataset.open(folder).state("test")


@pytest.mark.parametrize("edited", ["manifest.json", "manifest.parquet"])
def test_the_manifest_is_checked_too(folder, edited):
    if edited == "manifest.json":
        store.write_json(folder / edited, {**store.read_json(folder / edited), "clustering": "census"})
    else:
        rows = pq.read_table(folder / edited).to_pylist()
        rows[3]["pixels"] = rows[4]["pixels"]
        pq.write_table(pa.Table.from_pylist(rows), folder / edited)
    with pytest.raises(FactError, match=edited):
        run(folder)


def test_a_listed_image_stays_listed_in_other_processes(tmp_path):
    content = io.BytesIO()
    Image.new("RGB", (2, 3), "red").save(content, "PNG")
    path = tmp_path / "a.png"
    path.write_bytes(content.getvalue())
    right = images.pixel_hash(images.open_rgb(path))
    for image in (path, content.getvalue()):
        for decode in (images.open_rgb, images.open_pil, images.check):
            decode(pickle.loads(pickle.dumps(images.listed(image, right, "no"))))
            with pytest.raises(FactError, match="another"):
                decode(pickle.loads(pickle.dumps(images.listed(image, "0", "another"))))
        assert images.listed(image, right, "no") == image and isinstance(image, bytes | Path)
