import os
import stat
from pathlib import Path

import pytest

from ninefold import store
from ninefold.errors import RunError


def test_equal_values_have_equal_ids():
    assert store.canonical_json({"b": 1, "a": [1.5, "é"]}) == '{"a":[1.5,"é"],"b":1}'
    assert store.content_id({"b": 1, "a": 2}) == store.content_id({"a": 2, "b": 1})
    assert len(store.content_id({})) == 12


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "file.json"
    store.write_json(path, {"old": True})
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        store.write_json(path, {"new": True})
    assert store.read_json(path) == {"old": True}
    assert list(tmp_path.iterdir()) == [path]


def test_files_are_as_readable_as_any(tmp_path: Path):
    (tmp_path / "plain").write_text("")
    store.write_text(tmp_path / "made", "")
    assert stat.S_IMODE((tmp_path / "made").stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


@pytest.mark.parametrize("content", [None, "{", b"\xff"])
def test_what_cannot_be_read_is_named(tmp_path: Path, content: str | bytes | None):
    path = tmp_path / "broken.json"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(RunError, match=r"broken\.json"):
        store.read_json(path)


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path):
    target = tmp_path / "set"
    with store.atomic_folder(target) as fresh:
        (fresh / "one").write_text("1")
        assert not target.exists()
    with pytest.raises(ValueError, match="midway"), store.atomic_folder(target) as fresh:
        (fresh / "two").write_text("2")
        raise ValueError("midway")
    assert [path.name for path in target.iterdir()] == ["one"]
    with store.atomic_folder(target) as fresh:
        (fresh / "three").write_text("3")
    assert [path.name for path in target.iterdir()] == ["three"]
    assert list(tmp_path.iterdir()) == [target]


def test_a_run_goes_on_with_its_own_specification_only(tmp_path: Path):
    run = tmp_path / "run"
    assert store.open_run(run, {"model": "nano", "seed": 0}) is False
    assert store.open_run(run, {"seed": 0, "model": "nano"}) is False
    with pytest.raises(RunError, match=r"other settings \(seed\)"):
        store.open_run(run, {"model": "nano", "seed": 1})
    store.write_json(run / "done.json", {})
    assert store.open_run(run, {"model": "nano", "seed": 0}) is True


def test_a_folder_of_other_files_is_left_alone(tmp_path: Path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(RunError, match="not a run"):
        store.open_run(tmp_path, {})


def test_a_run_cut_off_before_its_specification_was_whole_can_begin(tmp_path):
    (tmp_path / ".spec.json.x1y2").write_text("{")
    assert store.open_run(tmp_path, {"a": 1}) is False
    assert store.read_json(tmp_path / "spec.json")["a"] == 1
