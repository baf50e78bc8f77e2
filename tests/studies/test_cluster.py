import pytest

from ninefold.errors import RunError
from ninefold.studies.run import run

PLUGIN = """\
import os, signal
from pathlib import Path
from ninefold.models.registry import FITTED
import ninefold.studies.recipes.smoke

_fit = FITTED["scripted"]

def fit(*arguments):
    marker = Path({marker!r})
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return _fit(*arguments)

FITTED["scripted"] = fit
"""


def test_a_study_on_a_cluster_is_the_same_though_a_worker_is_killed(ray_here, tiny, results, tmp_path, monkeypatch):
    from ninefold import plugins

    marker, file = tmp_path / "killed", tmp_path / "killing_plugin.py"
    file.write_text(PLUGIN.format(marker=str(marker)))
    monkeypatch.setattr(plugins, "LOADED", [file])
    result = run(tiny, tmp_path / "cluster", cluster="auto")
    assert marker.exists()
    assert not result.failed
    run(tiny, tmp_path / "here")
    assert results(tmp_path / "cluster") == results(tmp_path / "here")


def test_a_cluster_that_is_not_there_is_said_in_one_line(smoke, tmp_path):
    with pytest.raises(RunError, match=r"--cluster 127\.0\.0\.1:1: no Ray cluster answers"):
        run(smoke, tmp_path / "study", cluster="127.0.0.1:1")
    with pytest.raises(RunError, match="leave it out"):
        run(smoke, tmp_path / "study", cluster="auto", jobs=2)
