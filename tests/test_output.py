"""What stands at an output path is replaced only if ninefold wrote all of it, and lost only on request."""

from dataclasses import asdict
from pathlib import Path

import pytest

from ninefold.data.make import make
from ninefold.data.sources.synthetic import SyntheticSource, SyntheticSpec
from ninefold.errors import NinefoldError
from ninefold.nano import photos
from ninefold.nano.spec import WorldSpec
from ninefold.output import check_inputs, differences


def make_set(out: Path, *, seed: int = 1, overwrite: bool = False) -> None:
    make(SyntheticSource(SyntheticSpec("test", grid=3, canvas=48, seed=seed)), out, overwrite=overwrite)


def make_world(out: Path, *, seed: int = 1, overwrite: bool = False) -> None:
    photos.make(WorldSpec(1, seed), out, overwrite=overwrite)


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def lay(kind: str, folder: Path) -> Path:
    """Lay something that is not an output of ninefold, or not all of it, and return the path to write to."""
    thesis = folder / "thesis"
    thesis.mkdir()
    (thesis / "thesis.tex").write_text("years of work")
    (thesis / "manifest.json").write_text('{"name": "an app", "format": 2, "versions": {}}')
    (thesis / "annotations.json").write_text('{"info": {"description": "mine"}, "images": []}')
    match kind:
        case "a folder":
            return thesis
        case "a file":
            return thesis / "thesis.tex"
        case "a link to a folder":
            (folder / "link").symlink_to(thesis)
            return folder / "link"
        case "a dangling link":
            (folder / "dangling").symlink_to(folder / "nowhere")
            return folder / "dangling"
        case _:
            return folder


@pytest.mark.parametrize("write", [make_set, make_world])
@pytest.mark.parametrize("kind", ["a folder", "a file", "a link to a folder", "a dangling link", "its parent"])
def test_what_ninefold_did_not_write_is_refused(tmp_path, write, kind):
    out, before = lay(kind, tmp_path), content(tmp_path)
    for overwrite in (False, True):
        with pytest.raises(NinefoldError) as caught:
            write(out, overwrite=overwrite)
        assert "--out" in str(caught.value) and "\n" not in str(caught.value)
    assert content(tmp_path) == before and sorted(path.name for path in tmp_path.iterdir() if path.name[0] == ".") == []


@pytest.mark.parametrize(("write", "other"), [(make_set, make_world), (make_world, make_set)])
def test_an_output_is_replaced_on_request_alone_and_the_same_one_stays(tmp_path, write, other):
    out = tmp_path / "out"
    write(out)
    made, times = content(out), {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    write(out)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == times
    with pytest.raises(NinefoldError, match=r"other settings \(.*seed 1, asked 2.*\).*--overwrite"):
        write(out, seed=2)
    with pytest.raises(NinefoldError, match="holds something else"):
        other(out, overwrite=True)
    assert content(out) == made
    for name in ("notes.txt", "mine/notes.txt", f"{next(path.name for path in out.iterdir() if path.is_dir())}/my.jpg"):
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_text("mine")
        with pytest.raises(NinefoldError, match=r"is not of the .* around it, and would be lost"):
            write(out, seed=2, overwrite=True)
        (out / name).unlink()
        if not any((out / name).parent.iterdir()):
            (out / name).parent.rmdir()
    write(out, seed=2, overwrite=True)
    assert content(out) != made
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    # What is incomplete is made again.
    next(path for path in out.rglob("*-of-*" if write is make_set else "*.jpg")).unlink()
    write(out, seed=2)
    write(out, seed=1, overwrite=True)
    assert content(out) == made


@pytest.mark.parametrize("from_files", [False, True])
def test_a_clone_of_the_same_set_is_already_there(tmp_path, from_files, monkeypatch):
    out = tmp_path / "out"
    if from_files:
        monkeypatch.setattr("ninefold.data.make._is_shipped", lambda source: False)
    make_set(out)
    for name in (".git/HEAD", ".gitattributes", ".cache/huggingface/a.lock", "notes.txt"):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text("mine")
    made = content(out)
    make_set(out)
    assert content(out) == made and [path.name for path in tmp_path.iterdir()] == ["out"]
    for options in ({"seed": 2}, {"seed": 2, "overwrite": True}):
        with pytest.raises(NinefoldError, match="would be lost"):
            make_set(out, **options)
    # An incomplete one would be replaced.
    (out / "certificate.json").unlink()
    with pytest.raises(NinefoldError, match="would be lost"):
        make_set(out)
    assert content(out).keys() == made.keys() - {"certificate.json"}


def test_an_input_is_no_output(tmp_path):
    for out in (tmp_path / "a", tmp_path / "a" / "b", tmp_path):
        with pytest.raises(NinefoldError, match=r"the command reads .*b there; choose another --out"):
            check_inputs(out, [tmp_path.parent / "c", tmp_path / "a" / "b"])
    check_inputs(tmp_path / "a" / "b" / "out", [tmp_path / "a" / "b"])


def test_differences_name_settings_and_both_values():
    assert differences({"a": 1, "b": {"c": None}}, {"b": {"c": None}, "a": 1}) == ""
    there = {"limit": 100, "data": [{"name": "x"}], "d": 1, "e": 1, "long": "x" * 99}
    asked = {"limit": 200, "data": [{"name": "y"}], "d": 2, "e": 2}
    said = differences(there, asked)
    assert said == "limit 100, asked 200; data[0].name x, asked y; d 1, asked 2; 2 more"
    assert len(differences({"long": "x" * 99}, {"long": "y" * 99})) < 140
    # What is none on one side is one setting, whatever the other one is made of.
    there = {"clip": None, "data": [], "options": {"a": 1}}
    asked = {"clip": {"name": "nano-clip", "hash": "1"}, "data": [{"name": "x"}], "options": {"a": 1, "b": None}}
    assert differences(there, asked) == "clip none, asked nano-clip; data none, asked x; options.b not set, asked none"
    assert differences({"data": [{"h": 1}]}, {"data": [{"h": 1}, {"name": "y"}]}) == "data[1] not set, asked y"


def test_the_settings_of_a_world_are_those_of_its_specification(tmp_path):
    make_world(tmp_path / "out")
    assert photos.KIND.settings(tmp_path / "out") == asdict(WorldSpec(1, 1))
