import json

import pytest

from ninefold.data.checks import certificate
from ninefold.errors import RunError
from ninefold.report.page import report
from ninefold.studies import demo as module
from ninefold.studies.demo import demo

SMALL = {"limit": 18, "pictures": 4, "epochs": 1}


@pytest.fixture(scope="module")
def pages():
    """Every page that was written: the number of runs on it, and the number of those still to come."""
    return []


@pytest.fixture(scope="module")
def told():
    return []


@pytest.fixture(scope="module")
def verified():
    """The data sets that were verified."""
    return []


@pytest.fixture(scope="module")
def folder(tmp_path_factory, pages, told, verified):
    out = tmp_path_factory.mktemp("demo")

    def spied(runs, path, *, pending=(), titles):
        with pytest.MonkeyPatch.context() as patch:
            if pending:
                without_figures(patch)
            report(runs, path, pending=pending, titles=titles)
        pages.append((len(runs), len(pending), path.read_text()))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "report", spied)
        # Its 3,888 images take longer than all runs; they are verified where certificates are tested.
        patch.setattr(certificate, "verify", lambda data, **_: verified.append(data))
        demo(out, **SMALL, tell=told.append)
    return out


def without_figures(patch):
    """Leave out the figures beside a page, which take longest."""
    patch.setattr("ninefold.report.page._figures", lambda sections, losses: {})


def test_the_test_set_is_verified(folder, verified):
    (data,) = verified
    assert data.parent.parent == folder
    assert data.name.startswith("test-synthetic")


def test_the_demo_leaves_a_report_and_a_summary(folder):
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["sets"].keys() == {"synthetic", "photo-like"}
    for measured in summary["sets"].values():
        assert measured.keys() == {"base", "tuned"}
        assert all(0 <= accuracy <= 1 for accuracy in measured.values())
    page = (folder / "report.html").read_text()
    assert "say nothing about any real model" in " ".join(page.split())
    assert "default-src 'none'" in page
    # Sets have the titles of their tests, not the names of their folders; four pictures have fewer than 18 questions.
    assert "<h2>18 of synthetic</h2>" in page
    assert "<h2>photo-like</h2>" in page
    assert "not complete" not in page


def test_a_first_page_shows_the_base_and_says_that_it_is_not_complete(folder, pages, told):
    assert [(runs, pending) for runs, pending, _ in pages] == [(2, 3), (5, 0)]
    first = " ".join(pages[0][2].split())
    assert "Still running: tuned-seed-0" in first
    assert first.count('class="map"') == 4
    assert any("First results are in" in line for line in told)


def test_a_second_run_makes_nothing_again(folder, monkeypatch):
    without_figures(monkeypatch)
    files = ("predictions.parquet", "manifest.json", "annotations.json", "adapter_model.safetensors")
    before = {path: path.stat().st_mtime_ns for name in files for path in folder.rglob(name)}
    first = json.loads((folder / "summary.json").read_text())["sets"]
    assert demo(folder, **SMALL)["sets"] == first
    assert before == {path: path.stat().st_mtime_ns for name in files for path in folder.rglob(name)}
    assert len(before) == 4 + 4 + 1 + 1
    assert "not complete" not in (folder / "report.html").read_text()


def test_a_model_that_cannot_be_had_is_refused_before_anything_is_made(tmp_path):
    with pytest.raises(RunError, match="nothing: no model of this name"):
        demo(tmp_path / "out", model="nothing")
    assert not (tmp_path / "out").exists()


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(RunError, match="something else than a study"):
        demo(tmp_path, **SMALL)
