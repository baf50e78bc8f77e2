from pathlib import Path

import pytest

from ninefold import store
from ninefold.errors import RunError
from ninefold.runs import layout
from ninefold.runs.folder import is_finished, open_run
from ninefold.runs.records import Status


def test_a_run_goes_on_with_its_own_specification_only(tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert open_run(run, {"model": "nano", "seed": 0}) is False
    assert open_run(run, {"seed": 0, "model": "nano"}) is False
    with pytest.raises(RunError, match=r"other settings \(seed\)"):
        open_run(run, {"model": "nano", "seed": 1})
    Status("done").write(run)
    assert open_run(run, {"model": "nano", "seed": 0}) is True


def test_a_run_that_an_earlier_version_finished_is_done(tmp_path: Path) -> None:
    open_run(tmp_path, {"a": 1})
    assert Status.read(tmp_path).state == "planned"
    store.write_json(tmp_path / layout.DONE, {"done": True})
    assert is_finished(tmp_path, {"a": 1}) and not is_finished(tmp_path, {"a": 2})


def test_a_folder_of_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(RunError, match="not a run"):
        open_run(tmp_path, {})


def test_a_run_cut_off_before_its_specification_was_whole_can_begin(tmp_path: Path) -> None:
    (tmp_path / ".spec.json.x1y2").write_text("{")
    assert open_run(tmp_path, {"a": 1}) is False
    assert store.read_json(tmp_path / "spec.json")["a"] == 1


def test_a_run_that_failed_before_it_had_any_result_gives_its_folder_to_another(tmp_path: Path) -> None:
    open_run(tmp_path, {"a": 1})
    Status("failed", reason="no memory").write(tmp_path)
    open_run(tmp_path, {"a": 2})
    assert store.read_json(tmp_path / "spec.json")["a"] == 2
    (tmp_path / layout.PREDICTIONS_LINES).write_text("")
    with pytest.raises(RunError, match=r"other settings \(a\)"):
        open_run(tmp_path, {"a": 1})
