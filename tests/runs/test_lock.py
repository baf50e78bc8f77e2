"""One process works on a run, whatever becomes of it, and the status says how it went."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ninefold.errors import DataError, RunError
from ninefold.runs import layout
from ninefold.runs.lock import held, working
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
    assert Status.read(tmp_path).state == "running"
    with working(tmp_path, SPEC) as unfinished:
        assert unfinished


def test_what_is_no_run_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(RunError, match="not a run"), working(tmp_path, SPEC):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_place_that_cannot_be_written_is_not_taken_for_a_held_lock(tmp_path: Path) -> None:
    for path in (Path("/proc/.x.lock"), Path("/proc/x/.lock")):
        with pytest.raises(OSError), held(path, lambda: RunError("another process works on it")):
            pass
