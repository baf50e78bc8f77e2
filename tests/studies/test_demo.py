import json

import pytest

from ninefold.studies.demo import demo


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("demo")
    demo(out, limit=18, pictures=4, epochs=1)
    return out


def test_the_demo_leaves_a_report_and_a_summary(folder):
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["sets"].keys() == {"synthetic", "photo-like"}
    for measured in summary["sets"].values():
        assert 0 <= measured["base"] <= 1
        assert 0 <= measured["tuned"] <= 1
    assert summary["seconds"]["tune it"] > 0
    page = (folder / "report.html").read_text()
    assert "say nothing about any real model" in " ".join(page.split())
    assert "default-src 'none'" in page


def test_a_second_run_makes_nothing_again(folder):
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("predictions.parquet")}
    first = json.loads((folder / "summary.json").read_text())["sets"]
    assert demo(folder, limit=18, pictures=4, epochs=1)["sets"] == first
    assert before == {path: path.stat().st_mtime_ns for path in folder.rglob("predictions.parquet")}
    assert len(before) == 4
