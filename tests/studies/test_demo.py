import json
import shutil

import pytest
from ninefold.studies.study import Step

from ninefold.errors import DataError, ModelError, RunError
from ninefold.report.page import report
from ninefold.studies import run
from ninefold.studies.demo import _begin, demo, study

SMALL = {"limit": 18, "pictures": 4, "epochs": 1}


@pytest.fixture(scope="module")
def pages():
    """Every page that was written: the number of runs on it, and the names of those still to come."""
    return []


@pytest.fixture(scope="module")
def told():
    return []


@pytest.fixture(scope="module")
def folder(tmp_path_factory, pages, told):
    out = tmp_path_factory.mktemp("demo")

    def spied(runs, path, *, pending=()):
        report(runs, path, pending=pending)
        pages.append((len(runs), list(pending), path.read_text()))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "report", spied)
        demo(out, **SMALL, tell=told.append)
    return out


def test_the_demo_leaves_a_report_and_a_summary(folder):
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["sets"].keys() == {"synthetic", "photo-like"}
    for measured in summary["sets"].values():
        assert 0 <= measured["base"] <= 1
        assert 0 <= measured["tuned"] <= 1
    assert summary["seconds"]["tune it"] > 0
    steps = {
        "make the test sets",
        "make the training sets",
        "verify the test set",
        "measure the base",
        "tune it",
        "measure the tuned model",
    }
    assert summary["seconds"].keys() == steps | {"draw the report"}
    page = (folder / "report.html").read_text()
    assert "say nothing about any real model" in " ".join(page.split())
    assert "default-src 'none'" in page
    assert "not complete" not in page


def test_a_first_page_shows_the_base_and_says_that_it_is_not_complete(folder, pages, told):
    assert [(runs, pending) for runs, pending, _ in pages] == [
        (2, ["tuning", "synthetic-tuned", "photo-like-tuned"]),
        (5, []),
    ]
    first = " ".join(pages[0][2].split())
    assert "Still running: tuning, synthetic-tuned, photo-like-tuned." in first
    assert first.count('class="map"') == 4
    assert any("First results are in" in line for line in told)


def test_a_second_run_makes_nothing_again(folder):
    files = ("predictions.parquet", "manifest.json", "annotations.json", "adapter_model.safetensors")
    before = {path: path.stat().st_mtime_ns for name in files for path in folder.rglob(name)}
    first = json.loads((folder / "summary.json").read_text())["sets"]
    assert demo(folder, **SMALL)["sets"] == first
    assert before == {path: path.stat().st_mtime_ns for name in files for path in folder.rglob(name)}
    assert len(before) == 4 + 4 + 1 + 1
    assert "not complete" not in (folder / "report.html").read_text()


def test_only_what_is_missing_is_made_again(folder, tmp_path):
    out = tmp_path / "demo"
    for part in ("nano-world", "data/photo-like", "runs/photo-like-base"):
        shutil.copytree(folder / part, out / part)
    steps = [
        Step(step.name, tuple(task for task in step.tasks if "photo-like-base" in str(task) or "world" in str(task)))
        for step in study(out, model="nano", **SMALL)[:2]
    ]
    names = ("annotations.json", "manifest.json", "predictions.parquet")

    def made(overwrite=False):
        before = {path: path.stat().st_mtime_ns for name in names for path in out.rglob(name)}
        run.run(steps, tmp_path / "seconds.json", overwrite=overwrite)
        after = {path: path.stat().st_mtime_ns for name in names for path in out.rglob(name)}
        return {path.name for path, time in after.items() if before.get(path) != time}

    assert made() == set()
    # A run whose folder is there is not therefore done.
    for path in (out / "runs" / "photo-like-base").iterdir():
        if path.name != "spec.json":
            path.unlink()
    assert made() == {"predictions.parquet"}
    # A set of another specification is replaced only on request; its rows are the same here, so that the run stays.
    manifest = out / "data" / "photo-like" / "manifest.json"
    content = json.loads(manifest.read_text())
    content["spec"]["seed"] = 7
    manifest.write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"other settings \(seed 7, asked 0\)"):
        made()
    assert made(overwrite=True) == {"manifest.json"}
    # An image is missing: all of them are drawn again, and the set that is newer than its annotations with them.
    next((out / "nano-world" / "images").iterdir()).unlink()
    assert made() == {"annotations.json", "manifest.json"}


def test_other_settings_are_never_mixed_in(folder):
    with pytest.raises(RunError, match="other settings"):
        demo(folder, **(SMALL | {"limit": 9}))
    with pytest.raises(RunError, match=r"holds a demo with the model nano, asked nano-molmo; .*--overwrite"):
        demo(folder, **SMALL, model="nano-molmo")


def test_a_model_that_cannot_be_had_is_refused_before_anything_is_made(tmp_path):
    with pytest.raises(ModelError, match="nothing: no model of this name"):
        demo(tmp_path / "out", model="nothing")
    assert not (tmp_path / "out").exists()


def test_a_kill_amid_the_first_file_of_a_demo_blocks_nothing(tmp_path):
    (tmp_path / ".README.txt.abc.ninefold").write_text("What")
    _begin(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["README.txt"]
    (tmp_path / "README.txt").rename(tmp_path / "thesis.txt")
    with pytest.raises(RunError, match="something else than a demo"):
        _begin(tmp_path)
