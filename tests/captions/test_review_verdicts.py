import json
import os
from pathlib import Path

import pytest

from ninefold.captions.review import verdicts
from ninefold.captions.review.verdicts import Verdict
from ninefold.errors import RunError


def test_the_last_line_of_a_pair_counts_and_empty_ones_take_it_back(tmp_path):
    path = verdicts.file_of(tmp_path, "ann")
    for pair, verdict in [("a", "right"), ("b", "skip"), ("a", "wrong object"), ("b", "")]:
        verdicts.append(path, Verdict(pair, verdict))
    assert verdicts.read(path) == {"a": Verdict("a", "wrong object")}
    assert len(path.read_text().splitlines()) == 4


def test_the_disk_has_a_verdict_when_it_is_saved(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle).st_size))
    verdicts.append(tmp_path / "verdicts-a.jsonl", Verdict("a", "right"))
    # The file with its line, and then its name in the folder.
    assert len(synced) == 2
    assert synced[0] == (tmp_path / "verdicts-a.jsonl").stat().st_size


@pytest.mark.parametrize("kept", range(0, 40, 3))
def test_a_line_that_a_kill_cut_off_is_no_verdict_and_harms_no_other(tmp_path, kept):
    path = tmp_path / "verdicts-a.jsonl"
    verdicts.append(path, Verdict("a", "right"))
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:kept])
    assert verdicts.read(path) == {"a": Verdict("a", "right")}
    verdicts.append(path, Verdict("b", "skip"))
    assert list(verdicts.read(path)) == ["a", "b"]
    assert path.read_bytes().startswith(whole)


def test_a_last_line_without_its_end_counts(tmp_path):
    path = tmp_path / "verdicts-a.jsonl"
    path.write_text(json.dumps({"id": "a", "verdict": "right"}))
    verdicts.append(path, Verdict("b", "skip"))
    assert list(verdicts.read(path)) == ["a", "b"]


@pytest.mark.parametrize(
    "content", ["my notes", "my notes\n", '{"id": "a", "verdict": "fine"}\n', "[]\n", "[" * 9999 + "\n"]
)
def test_a_file_of_somebody_else_is_refused_and_stays(tmp_path, content):
    path = tmp_path / "verdicts-a.jsonl"
    path.write_text(content)
    with pytest.raises(RunError, match="is no verdict; mend it, or move the file elsewhere"):
        verdicts.append(path, Verdict("a", "right")) if not content.endswith("\n") else verdicts.read(path)
    assert path.read_text() == content


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("/etc/hostname")])
def test_what_is_no_file_is_refused(tmp_path, make):
    path = tmp_path / "verdicts-a.jsonl"
    make(path)
    for use in (lambda: verdicts.read(path), lambda: verdicts.append(path, Verdict("a", "right"))):
        with pytest.raises(RunError, match="is no file of verdicts; move it elsewhere"):
            use()


def test_a_full_disk_leaves_no_half_line(tmp_path, monkeypatch):
    path = tmp_path / "verdicts-a.jsonl"
    verdicts.append(path, Verdict("a", "right"))
    whole, write = path.read_bytes(), os.write
    monkeypatch.setattr(os, "write", lambda handle, content: write(handle, content[:9]))
    with pytest.raises(OSError, match="No space left"):
        verdicts.append(path, Verdict("b", "right"))
    assert path.read_bytes() == whole


@pytest.mark.parametrize("name", ["", " ", "..", "a/b", "../a", "a\nb", "a\x00b", ".a", "x" * 41, "<b>"])
def test_names_that_are_no_file_names_are_refused(tmp_path, name):
    with pytest.raises(RunError, match="name yourself with up to 40 letters and digits"):
        verdicts.file_of(tmp_path, name)


def test_judges_are_listed(tmp_path):
    for name in ("Zoë Q.R", "ann"):
        verdicts.append(verdicts.file_of(tmp_path, name), Verdict("a", "right"))
    (tmp_path / "verdicts-.jsonl").write_text("mine")
    assert verdicts.judges(tmp_path) == ["Zoë Q.R", "ann"]
