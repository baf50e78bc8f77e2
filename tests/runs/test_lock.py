"""One process works on a run, whatever becomes of it, and the status says how it went."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import filelock
import pytest

from ninefold.errors import DataError, RunError
from ninefold.runs import layout
from ninefold.runs.lock import held, locked, locked_output, tidy_output, working
from ninefold.runs.records import Status

SPEC = {"a": 1}

HOLDER = """
import sys, time
from pathlib import Path
from ninefold.runs.lock import working
with working(Path(sys.argv[1]), {"a": 1}):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_process_is_refused_and_told_who_holds_the_run(tmp_path: Path) -> None:
    run = tmp_path / "run"
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(run)], stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        since = Status.read(run).begun
        with pytest.raises(RunError) as caught, working(run, SPEC):
            raise AssertionError("two processes work on one run")
        assert str(caught.value) == (
            f"{run}: process {holder.pid} on {socket.gethostname()} has been working on this run since {since}; "
            "wait until it has finished, or choose another --out"
        )
    finally:
        holder.kill()
        holder.wait()
    # The lock of a process that died is free, though its status still says that it runs.
    assert holder.returncode == -signal.SIGKILL
    assert Status.read(run).state == "running" and (run / layout.LOCK).exists()
    with working(run, SPEC) as unfinished:
        assert unfinished
        assert Status.read(run).process == os.getpid()


def test_the_status_of_a_run_that_is_done(tmp_path: Path) -> None:
    with working(tmp_path / "run", SPEC) as unfinished:
        assert unfinished
        assert Status.read(tmp_path / "run").state == "running"
    status = Status.read(tmp_path / "run")
    assert status.state == "done" and status.reason is None
    assert status.begun is not None and status.ended is not None and status.begun <= status.ended
    assert {path.name for path in (tmp_path / "run").iterdir()} == {layout.SPEC, layout.STATUS, layout.README}
    with working(tmp_path / "run", SPEC) as unfinished:
        assert not unfinished
    assert Status.read(tmp_path / "run") == status


def test_a_run_that_fails_says_why_and_can_go_on(tmp_path: Path) -> None:
    with pytest.raises(DataError), working(tmp_path, SPEC):
        raise DataError("row 7: no image\nand more")
    status = Status.read(tmp_path)
    assert (status.state, status.reason) == ("failed", "row 7: no image")
    with working(tmp_path, SPEC) as unfinished:
        assert unfinished
    assert Status.read(tmp_path).state == "done"


def test_an_interrupted_run_has_not_failed(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), working(tmp_path, SPEC):
        raise KeyboardInterrupt
    assert Status.read(tmp_path).state == "interrupted"
    with working(tmp_path, SPEC) as unfinished:
        assert unfinished


def test_what_is_no_run_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(RunError, match="not a run"), working(tmp_path, SPEC):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_place_that_cannot_be_written_is_not_taken_for_a_held_lock(tmp_path: Path) -> None:
    for path in (Path("/proc/.x.lock"), Path("/proc/x/.lock")):
        with pytest.raises(OSError, match="/proc/x"), held(path, lambda: RunError("another process works on it")):
            pass


def test_a_lock_file_that_a_dead_process_of_another_host_left_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / layout.LOCK).write_text("process 1 on another-host")
    with working(tmp_path, SPEC) as unfinished:
        assert unfinished
        assert (tmp_path / layout.LOCK).read_text() == f"process {os.getpid()} on {socket.gethostname()}"
    assert not (tmp_path / layout.LOCK).exists()


def test_a_holder_is_named_by_its_lock_not_by_the_status_of_an_earlier_one(tmp_path: Path) -> None:
    Status("running", begun="2026-01-01", process=1, host="another-host").write(tmp_path)
    with locked(tmp_path), pytest.raises(RunError) as caught, locked(tmp_path):
        pass
    assert f"process {os.getpid()} on {socket.gethostname()} works on this run; wait" in str(caught.value)


def test_a_lock_that_its_holder_has_just_removed_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    acquire, tried = filelock.FileLock.acquire, []

    def late(lock: filelock.FileLock) -> object:
        tried.append(lock)
        if len(tried) == 1:
            # The file that it opened has lost its name.
            raise filelock.Timeout(str(tmp_path / "lock"))
        return acquire(lock)

    monkeypatch.setattr(filelock.FileLock, "acquire", late)
    with held(tmp_path / "lock", lambda: RunError("another process works on it")):
        assert len(tried) == 2
    assert list(tmp_path.iterdir()) == []


def test_what_is_left_beside_a_finished_output_is_removed_unless_it_is_in_use(tmp_path: Path) -> None:
    out = tmp_path / "set"
    with locked_output(out):
        tidy_output(out)
        assert (tmp_path / ".set.lock").exists()
    for left in (".set.lock", ".set.abc.ninefold"):
        (tmp_path / left).write_text("process 1 on another-host")
    tidy_output(out)
    assert list(tmp_path.iterdir()) == []
