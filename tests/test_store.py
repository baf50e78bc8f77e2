import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import xxhash

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


@pytest.mark.parametrize(
    "content", [None, "", "{", b"\xff", "[" * 100_000, '{"a": NaN}', '{"a": -Infinity}', '{"a": ' + "9" * 5000 + "}"]
)
def test_what_cannot_be_read_is_named(tmp_path: Path, content: str | bytes | None):
    path = tmp_path / "broken.json"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(RunError, match=r"broken\.json") as caught:
        store.read_json(path)
    assert "\n" not in str(caught.value)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(RunError, match="is no file"):
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


def test_the_next_write_removes_what_a_killed_one_left(tmp_path: Path):
    script = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom ninefold import store\n"
        "def kill(*_): os.kill(os.getpid(), signal.SIGKILL)\n"
        "os.fsync = kill\n"
        "with store.atomic_folder(Path(sys.argv[1]) / 'set') as fresh:\n    store.write_text(fresh / 'a', 'text')\n"
    )
    (tmp_path / ".set.mine").write_text("notes")
    killed = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 2
    with store.atomic_folder(tmp_path / "other") as alive:
        assert {path.name for path in tmp_path.iterdir()} == {".set.mine", alive.name}
        # What a living process writes is locked.
        store.sweep(tmp_path)
        assert alive.is_dir()
    assert {path.name for path in tmp_path.iterdir()} == {".set.mine", "other"}


@pytest.mark.parametrize("can_exchange", [True, False])
def test_a_set_is_at_its_place_at_every_moment_of_its_replacement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, can_exchange: bool
):
    path, fresh = tmp_path / "set", tmp_path / "fresh"
    for folder in (path, fresh):
        folder.mkdir()
        (folder / folder.name).write_text("")
    if not can_exchange:
        monkeypatch.setattr(store, "_exchanged", lambda *_: False)
    elif not store._exchanged(path, fresh):
        pytest.skip("this file system cannot exchange two folders")
    else:
        store._exchanged(path, fresh)
    rename = Path.replace

    def killed(self: Path, target: Path) -> None:
        rename(self, target)
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", killed)
    monkeypatch.setattr(store.shutil, "rmtree", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        store.replace_folder(path, fresh)
    monkeypatch.undo()
    store.restore(path)
    assert [file.name for file in path.iterdir()] in (["set"], ["fresh"])
    store.replace_folder(path, tmp_path / "fresh")
    assert [each.name for each in tmp_path.iterdir()] == ["set"]


def test_an_old_folder_that_another_process_sweeps_away_at_the_same_time_is_no_error(tmp_path: Path, monkeypatch):
    path, fresh, remove = tmp_path / "set", tmp_path / "fresh", shutil.rmtree
    for folder in (path, fresh):
        folder.mkdir()
        (folder / folder.name).write_text("")

    def removed_by_another(folder: Path, **_: object) -> None:
        remove(folder)
        raise FileNotFoundError(folder)

    monkeypatch.setattr(store.shutil, "rmtree", removed_by_another)
    store.replace_folder(path, fresh)
    assert [file.name for file in path.iterdir()] == ["fresh"]


@pytest.mark.parametrize("name", ["é" * 100, "caf\udce9"])
def test_long_and_odd_names_are_written_and_read(tmp_path: Path, name: str):
    store.write_json(tmp_path / name, {"name": name})
    assert store.read_json(tmp_path / name) == {"name": name}
    with store.atomic_folder(tmp_path / f"{name}2"):
        pass
    assert store.content_id({"name": name})


def test_hashes_of_large_files_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(store, "REMEMBERED_BYTES", 8)
    monkeypatch.setattr(store, "REMEMBERED_FILES", 2)
    large, small, fresh = (tmp_path / name for name in ("large", "small", "fresh"))
    for path, content in ((large, b"12345678"), (small, b"1"), (fresh, b"12345678")):
        path.write_bytes(content)
    os.utime(large, (1, 1))
    once = store.file_hash(large)
    assert once == xxhash.xxh3_128_hexdigest(b"12345678") == store.file_hash(fresh)
    assert store.file_hash(small) == xxhash.xxh3_128_hexdigest(b"1")
    memory = tmp_path / "cache" / "ninefold" / "hashes.json"
    # Small files are read again, and files that are still being changed may be.
    assert store.read_json(memory) == {str(large): [8, 1_000_000_000, once]}
    monkeypatch.setattr(store, "_hash", lambda path: "read again")
    assert store.file_hash(large) == once
    os.utime(large, (2, 2))
    assert store.file_hash(large) == "read again"
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"12345678")
        os.utime(tmp_path / name, (1, 1))
        store.file_hash(tmp_path / name)
    assert list(store.read_json(memory)) == [str(tmp_path / "a"), str(tmp_path / "b")]
    both = [tmp_path / "a", tmp_path / "b"]
    assert store.remembered(both, "rows", lambda: 1) == store.remembered(both, "rows", lambda: 2) == 1
    os.utime(tmp_path / "b", (2, 2))
    assert store.remembered(both, "rows", lambda: 3) == 3
    memory.write_text("{")
    assert store.file_hash(large) == "read again"


def test_the_files_of_an_atomic_folder_are_as_readable_as_any(tmp_path):
    (tmp_path / "private").write_text("")
    (tmp_path / "private").chmod(0o600)
    (tmp_path / "other").write_text("")
    with store.atomic_folder(tmp_path / "made") as folder:
        (folder / "in").mkdir()
        shutil.copy(tmp_path / "private", folder / "in" / "private")
    assert (tmp_path / "made" / "in" / "private").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_json_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "a.json"
    for text, kind in (("[]", dict), ("null", dict), ("{}", list)):
        path.write_text(text)
        with pytest.raises(RunError, match=r"a\.json: holds no JSON"):
            store.read_json(path, kind)
