import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from ninefold.data.checks import certificate
from ninefold.data.format import shards
from ninefold.data.format.dataset import About, Dataset, write
from ninefold.data.sources.synthetic import SyntheticSpec, examples
from ninefold.errors import DataError
from ninefold.types import Example

ABOUT = About(title="A set", description="For tests.", spec={"seed": 7})
SPEC = SyntheticSpec("test", canvas=96)
SPLITS = {"train": 11, "test": 5}
"""Rows of each split: shards of 4, 4, 3 and 4, 1."""


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "GROUP_ROWS", 2)
    monkeypatch.setattr(shards, "SHARD_ROWS", 4)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids whose images are drawn, encoded and hashed."""
    names: list[str] = []
    decode = shards.images.open_rgb

    def watched(image: object, *, name: str = "") -> np.ndarray:
        names.append(name)
        return decode(image, name=name)

    monkeypatch.setattr(shards.images, "open_rgb", watched)
    return names


def splits(dies_at: int | None = None) -> dict[str, Iterator[Example]]:
    """Return the examples of both splits from a source that dies at a row, counted over both."""
    rows = iter(list(islice(examples(SPEC)["test"], sum(SPLITS.values()))))

    def some(first: int, count: int) -> Iterator[Example]:
        for number in range(first, first + count):
            if number == dies_at:
                raise RuntimeError("the source died")
            yield next(rows)

    return {"train": some(0, SPLITS["train"]), "test": some(SPLITS["train"], SPLITS["test"])}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if not path.is_dir()}


@pytest.fixture
def whole(tmp_path: Path) -> dict[str, bytes]:
    write(tmp_path / "whole" / "set", splits(), about=ABOUT)
    assert [path.name for path in (tmp_path / "whole").iterdir()] == ["set"]
    found = contents(tmp_path / "whole" / "set")
    assert [name for name in found if name.startswith("data/")] == [
        *(f"data/test-{number:05d}-of-00002.parquet" for number in range(2)),
        *(f"data/train-{number:05d}-of-00003.parquet" for number in range(3)),
    ]
    return found


@pytest.mark.parametrize(("row", "kept"), [(0, 0), (3, 0), (4, 4), (10, 8), (11, 11), (14, 11), (15, 15)])
def test_a_source_that_dies_costs_one_shard_at_most(
    tmp_path: Path, whole: dict[str, bytes], drawn: list[str], row: int, kept: int
):
    out = tmp_path / "out" / "set"
    with pytest.raises(RuntimeError, match="the source died"):
        write(out, splits(dies_at=row), about=ABOUT)
    assert [path.name for path in out.parent.iterdir()] == ([".set.partial"] if kept else [])
    drawn.clear()
    write(out, splits(), about=ABOUT)
    assert len(drawn) == 16 - kept
    assert contents(out) == whole
    assert list(out.parent.iterdir()) == [out]
    certificate.verify(out)


CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import test_writing as t
t.shards.GROUP_ROWS, t.shards.SHARD_ROWS = 2, 4
splits = t.splits()
def slow(rows):
    for number, row in enumerate(rows):
        print(number, flush=True)
        sys.stdin.readline()
        yield row
t.write(Path({out!r}), {{name: slow(rows) for name, rows in splits.items()}}, about=t.ABOUT)
"""


@pytest.mark.parametrize("row", [5, 9])
def test_killed_it_goes_on_and_ends_with_the_same_bytes(
    tmp_path: Path, whole: dict[str, bytes], drawn: list[str], row: int
):
    out = tmp_path / "out" / "set"
    code = CHILD.format(tests=str(Path(__file__).parent), out=str(out))
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    for number in range(row + 1):
        assert child.stdout.readline() == f"{number}\n"
        if number < row:
            child.stdin.write("\n")
            child.stdin.flush()
    with pytest.raises(
        DataError, match=rf"set: another process is writing it, process {child.pid} on .*choose another"
    ):
        write(out, splits(), about=ABOUT)
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    child.stdin.close()
    child.stdout.close()
    assert not out.exists()
    drawn.clear()
    write(out, splits(), about=ABOUT)
    assert len(drawn) == 16 - row // 4 * 4
    assert contents(out) == whole
    assert list(out.parent.iterdir()) == [out]


def test_an_interrupt_at_the_end_costs_nothing(
    tmp_path: Path, whole: dict[str, bytes], drawn: list[str], monkeypatch: pytest.MonkeyPatch
):
    def interrupt(folder: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(certificate, "certify", interrupt)
        write(tmp_path / "set", splits(), about=ABOUT)
    drawn.clear()
    write(tmp_path / "set", splits(), about=ABOUT)
    assert drawn == []
    assert contents(tmp_path / "set") == whole


@pytest.mark.parametrize("change", ["spec", "title", "embed", "splits", "size of shards"])
def test_what_is_left_of_another_data_set_is_replaced(
    tmp_path: Path, drawn: list[str], change: str, monkeypatch: pytest.MonkeyPatch
):
    with pytest.raises(RuntimeError):
        write(tmp_path / "set", splits(dies_at=12), about=ABOUT)
    about, rows, options = ABOUT, splits(), {}
    if change == "spec":
        about = replace(ABOUT, spec={"kind": "other"})
    elif change == "title":
        about = replace(ABOUT, title="Another set")
    elif change == "embed":
        options = {"embed": False}
    elif change == "splits":
        rows = {"validation": rows["train"], "test": rows["test"]}
    else:
        monkeypatch.setattr(shards, "SHARD_ROWS", 6)
    drawn.clear()
    write(tmp_path / "set", rows, about=about, **options)
    assert len(drawn) == 16
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


@pytest.mark.parametrize("changed", [0, 6])
def test_shards_that_hold_other_rows_are_written_again(
    tmp_path: Path, whole: dict[str, bytes], drawn: list[str], changed: int
):
    """A source whose rows change under the same specification is a mistake, but must not mix two data sets."""
    rows = [*splits()["train"]]
    rows[changed] = replace(rows[changed], factors={**rows[changed].factors, "distractors": 7})
    with pytest.raises(RuntimeError):
        write(tmp_path / "set", {"train": rows, "test": splits(dies_at=11)["test"]}, about=ABOUT)
    drawn.clear()
    write(tmp_path / "set", splits(), about=ABOUT)
    assert len(drawn) == 16 - changed // 4 * 4
    assert contents(tmp_path / "set") == whole


def test_shards_with_other_columns_are_written_again(tmp_path: Path, whole: dict[str, bytes], drawn: list[str]):
    rows = {split: [replace(row, factors={"one": 1}) for row in found] for split, found in splits().items()}

    def dies() -> Iterator[Example]:
        yield from rows["test"][:4]
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write(tmp_path / "set", {"train": rows["train"], "test": dies()}, about=ABOUT)
    drawn.clear()
    write(tmp_path / "set", splits(), about=ABOUT)
    assert len(drawn) == 16
    assert contents(tmp_path / "set") == whole


def test_a_broken_shard_is_written_again(tmp_path: Path, whole: dict[str, bytes], drawn: list[str]):
    with pytest.raises(RuntimeError):
        write(tmp_path / "set", splits(dies_at=12), about=ABOUT)
    shard = tmp_path / ".set.partial" / "data" / "train-00001.parquet"
    shard.write_bytes(shard.read_bytes()[:200])
    drawn.clear()
    write(tmp_path / "set", splits(), about=ABOUT)
    assert len(drawn) == 12
    assert contents(tmp_path / "set") == whole


def test_shards_beyond_the_last_row_are_dropped(tmp_path: Path):
    with pytest.raises(RuntimeError):
        write(tmp_path / "set", splits(dies_at=12), about=ABOUT)
    rows = splits()
    write(tmp_path / "set", {"train": islice(rows["train"], 5), "test": rows["test"]}, about=ABOUT)
    assert Dataset.open(tmp_path / "set").splits["train"] == 5
    assert len(list((tmp_path / "set" / "data").iterdir())) == 2 + 2
    certificate.verify(tmp_path / "set")


def test_a_data_set_is_replaced_where_that_is_asked_for_and_nothing_else_ever(tmp_path: Path):
    write(tmp_path / "set", splits(), about=ABOUT)
    for rows, about, why in (
        ({"test": splits()["train"]}, ABOUT, "same settings and other rows"),
        (splits(), replace(ABOUT, spec={"seed": 8}), r"other settings \(seed 7, asked 8\)"),
    ):
        with pytest.raises(DataError, match=f"{why}.*--overwrite"):
            write(tmp_path / "set", rows, about=about)
        assert Dataset.open(tmp_path / "set").splits == SPLITS
    write(tmp_path / "set", {"test": splits()["train"]}, about=ABOUT, overwrite=True)
    assert Dataset.open(tmp_path / "set").splits == {"test": 11}
    (tmp_path / "set" / "manifest.json").write_text('{"format": 1, "rows": {}, "versions": {"ninefold": "0.1.0"}}')
    write(tmp_path / "set", {"test": splits()["train"]}, about=ABOUT, overwrite=True)
    (tmp_path / "set" / "data" / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match=r"notes\.txt: is not of the data set around it"):
        write(tmp_path / "set", {"test": splits()["train"]}, about=ABOUT, overwrite=True)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.jpg").write_text("")
    (tmp_path / "photos" / "manifest.json").write_text('{"format": 2}')
    for name in ("photos", "photos/one.jpg"):
        with pytest.raises(DataError, match="holds something else than a data set"):
            write(tmp_path / name, splits(), about=ABOUT)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos", "set"]
    (tmp_path / "empty").mkdir()
    write(tmp_path / "empty", splits(), about=ABOUT)
    assert Dataset.open(tmp_path / "empty").splits == SPLITS


def test_two_writers_of_one_process_are_two_writers(tmp_path: Path):
    begun, end = threading.Event(), threading.Event()

    def waits() -> Iterator[Example]:
        for row in splits()["train"]:
            begun.set()
            assert end.wait(20)
            yield row

    writer = threading.Thread(target=lambda: write(tmp_path / "set", {"train": waits()}, about=ABOUT))
    writer.start()
    try:
        assert begun.wait(20)
        start = time.perf_counter()
        with pytest.raises(DataError, match="another process is writing it"):
            write(tmp_path / "set", splits(), about=ABOUT)
        assert time.perf_counter() - start < 5
    finally:
        end.set()
        writer.join()
    assert Dataset.open(tmp_path / "set").splits == {"train": 11}
