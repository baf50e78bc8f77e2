"""A study that is killed again and again; `kills.py` does the same with worker processes, a hundred times."""

import os

import pytest
from bench import Bench, Case
from matplotlib.figure import Figure

# Imported once, for all forked processes.
import ninefold.evaluation.evaluate
import ninefold.models.endpoint.model
import ninefold.studies.report  # noqa: F401
from ninefold import api
from ninefold.report.figures import files
from ninefold.report.study import output
from ninefold.studies.folder import is_reported


@pytest.fixture
def one_figure(monkeypatch):
    """Reports that draw one small figure."""
    monkeypatch.setattr(output, "paper_figures", lambda results: {"figure-1": lambda: Figure(figsize=(1, 1))})
    monkeypatch.setattr(output, "further_figures", lambda results: {})
    monkeypatch.setattr(files, "ALL", ("svg",))


@pytest.mark.usefixtures("one_figure")
def test_killed_at_ten_random_moments_a_study_ends_with_the_same_bytes(tiny, tmp_path):
    case = Case("study", "", timed=frozenset({"report.html"}), work=lambda: api.run_study(tiny, "study"))
    tried = Bench(case, tmp_path, {"inputs": ""}, seed=0)
    tried.kill_in_a_row(10)
    assert tried.tally.faults == []
    assert (tried.tally.kills, tried.tally.different, tried.tally.failed) == (10, 0, 0)

    done = tried.root / "undisturbed" / "study"
    page = done / "report.html"
    written = page.stat().st_mtime_ns
    assert is_reported(done)
    api.run_study(tiny, done)
    assert page.stat().st_mtime_ns == written
    os.utime(next(done.glob("runs/*/*/metrics.json")), ns=(written, written))
    assert not is_reported(done)
    os.utime(page, ns=(written + 1, written + 1))
    assert is_reported(done)
    page.write_text(page.read_text().replace('content="ninefold 0.', 'content="ninefold 0.0.'))
    assert not is_reported(done)
