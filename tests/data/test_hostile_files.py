"""Data sets whose files were edited by hand, cut or replaced: every command ends in one line, never in a traceback."""

import os
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ninefold.data import api
from ninefold.data.make import make
from ninefold.data.sources.synthetic import SyntheticSource, SyntheticSpec
from ninefold.errors import NinefoldError
from ninefold.evaluation.evaluate import evaluate
from ninefold.evaluation.spec import EvaluateSpec
from ninefold.models.fake import FakeModel
from ninefold.models.spec import ModelSpec

FILES = ["manifest.json", "certificate.json", "manifest.parquet", "data", "README.md"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets") / "made"
    make(SyntheticSource(SyntheticSpec("test", question="color", canvas=36, grid=3)), folder)
    return folder


@pytest.fixture
def attempt(made, tmp_path):
    """A function that edits a copy of the set, verifies and evaluates it, and returns both messages; "" if it works."""

    def tried(edit):
        folder, run = tmp_path / "set", tmp_path / "run"
        for path in (folder, run):
            shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(made, folder)
        edit(folder)
        return [_message(api.verify, folder), _message(_evaluate, folder, run)]

    return tried


def _evaluate(folder, run):
    evaluate(EvaluateSpec(ModelSpec("fake"), folder), run, model=FakeModel(lambda row: row.answer), progress=False)


def _message(command, *paths):
    try:
        command(*paths)
    except NinefoldError as error:
        assert "\n" not in str(error)
        assert str(paths[0]) in str(error) or "example " in str(error) or "row " in str(error)
        return str(error)
    return ""


@pytest.mark.parametrize("name", ["manifest.parquet", "data/test-00000-of-00001.parquet"])
@pytest.mark.parametrize("size", [0, 4, 200, -8])
def test_files_that_end_early(made, attempt, name, size):
    content = (made / name).read_bytes()[:size]
    assert all(name in message for message in attempt(lambda folder: (folder / name).write_bytes(content)))


@pytest.mark.parametrize("name", ["manifest.parquet", "data/test-00000-of-00001.parquet"])
def test_files_without_rows(made, attempt, name):
    table = pq.read_table(made / name)
    assert all(attempt(lambda folder: pq.write_table(table.slice(0, 0), folder / name)))


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("instead", ["nothing", "folder", "link", "pipe"])
def test_files_that_are_not_there(attempt, name, instead):
    def edit(folder):
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        if instead == "folder":
            path.mkdir()
        elif instead == "link":
            path.symlink_to(folder / "nowhere")
        elif instead == "pipe":
            os.mkfifo(path)

    verified, evaluated = attempt(edit)
    assert verified and (evaluated or name == "README.md")


@pytest.mark.parametrize(
    "image",
    [
        None, {"bytes": None, "path": None}, {"bytes": b"", "path": None}, {"bytes": b"no picture", "path": None},
        {"bytes": None, "path": "nowhere.png"}, {"bytes": None, "path": "a\0b"},
    ],
)  # fmt: skip
def test_images_that_are_none(attempt, image):
    def edit(folder):
        path = folder / "data" / "test-00000-of-00001.parquet"
        table = pq.read_table(path)
        rows = [*table["image"].to_pylist()[:-1], image]
        at = table.schema.get_field_index("image")
        pq.write_table(table.set_column(at, "image", pa.array(rows, table.schema.field(at).type)), path)

    assert all(attempt(edit))
