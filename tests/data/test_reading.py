import io
import multiprocessing
import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from tracing import traced

from ninefold.data.format import reading, shards
from ninefold.data.format.dataset import About, Dataset, write
from ninefold.data.format.reading import StoredExamples
from ninefold.data.sources.synthetic import SyntheticSpec, examples
from ninefold.errors import DataError

ABOUT = About(title="A set", description="For tests.", spec={})


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """A split in shards of 6 rows and row groups of 3, and another whose name begins alike."""
    folder = tmp_path_factory.mktemp("sets") / "set"
    rows = iter(list(islice(examples(SyntheticSpec("test", canvas=96))["test"], 25)))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(shards, "GROUP_ROWS", 3)
        patched.setattr(shards, "SHARD_ROWS", 6)
        write(folder, {"train": islice(rows, 20), "train_more": rows}, about=ABOUT)
    return Dataset.open(folder)


def test_a_sequence_is_what_reading_yields(data: Dataset):
    rows, found = list(data.read("train")), data.sequence("train")
    assert len(found) == len(rows) == 20
    assert list(found) == rows
    assert [found[index] for index in range(20)] == rows
    order = np.random.default_rng(0).permutation(20).tolist()
    assert [found[index] for index in order] == [rows[index] for index in order]
    assert found[-1] == rows[-1] and found[2:17:3] == rows[2:17:3] and found[::-1] == rows[::-1]
    for index in (20, -21):
        with pytest.raises(IndexError, match="of 20"):
            found[index]
    assert len(data.sequence("train_more")) == len(list(data.read("train_more"))) == 5


def test_a_limit_keeps_some_examples_in_order(data: Dataset):
    found = data.sequence("train", limit=7)
    assert len(found) == 7
    assert list(found) == [found[index] for index in range(7)] == list(data.read("train", limit=7))
    assert len(data.sequence("train", limit=100)) == 20
    with pytest.raises(IndexError):
        found[7]


def test_it_reads_what_is_asked_for_and_forgets_what_was(data: Dataset, monkeypatch: pytest.MonkeyPatch):
    asked: list[tuple[str, int]] = []
    read = StoredExamples._read

    def watched(self: StoredExamples, shard: Path, group: int) -> pa.Table:
        asked.append((shard.name[:11], group))
        return read(self, shard, group)

    monkeypatch.setattr(StoredExamples, "_read", watched)
    found = data.sequence("train")
    assert asked == []
    assert found[4].id and found[5].id and found[3].id
    assert asked == [("train-00000", 1)]
    assert found[19].id and found[0].id and found[4].id
    assert asked == [("train-00000", 1), ("train-00003", 0), ("train-00000", 0)]
    monkeypatch.setattr(reading, "CACHE_BYTES", 1)
    found = data.sequence("train")
    assert found[0].id and found[3].id and found[0].id
    assert asked[3:] == [("train-00000", 0), ("train-00000", 1), ("train-00000", 0)]
    assert len(found._cache) == 1


def ids(found: StoredExamples, some: list[int], answers: "multiprocessing.Queue[list[str]]") -> None:
    answers.put([found[index].id for index in some])


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_workers_read_for_themselves(data: Dataset, start: str):
    found = data.sequence("train")
    expected = [found[index].id for index in (13, 2)]
    context = multiprocessing.get_context(start)
    answers = context.Queue()
    worker = context.Process(target=ids, args=(found, [13, 2], answers))
    worker.start()
    assert answers.get(timeout=60) == expected
    worker.join()


def test_a_pickle_holds_no_rows(data: Dataset):
    found = data.sequence("train")
    size = len(pickle.dumps(found))
    rows = list(found)
    assert [found[index] for index in range(20)] == rows
    again = pickle.loads(pickle.dumps(found))
    assert len(pickle.dumps(found)) == size
    assert not again._cache and list(again) == rows and again[11] == rows[11]


def test_threads_may_share_it(data: Dataset, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reading, "CACHE_BYTES", 1)
    found, rows = data.sequence("train"), list(data.read("train"))
    order = np.random.default_rng(1).integers(0, 20, 400).tolist()
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(found.__getitem__, order)) == [rows[index] for index in order]


@pytest.mark.parametrize("damage", ["truncate", "remove"])
def test_files_that_break_while_they_are_read_are_named(tmp_path: Path, damage: str):
    write(tmp_path / "set", {"test": examples(SyntheticSpec("test", canvas=48, grid=3))["test"]}, about=ABOUT)
    found = Dataset.open(tmp_path / "set").sequence("test")
    [shard] = (tmp_path / "set" / "data").iterdir()
    if damage == "truncate":
        shard.write_bytes(shard.read_bytes()[:500])
    else:
        shard.unlink()
    with pytest.raises(DataError, match=r"test-00000-of-00001\.parquet: not readable as parquet .*make the data set"):
        found[0]


def test_memory_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Twelve megabytes of images, in row groups of 0.2, pass through less than 1.5."""
    monkeypatch.setattr(shards, "GROUP_BYTES", 200_000)
    monkeypatch.setattr(reading, "CACHE_BYTES", 400_000)
    one = next(examples(SyntheticSpec("test", canvas=96))["test"])
    noise = np.random.default_rng(0)
    rows = [replace(one, id=str(number), factors={}, image=noisy(noise)) for number in range(120)]
    write(tmp_path / "set", {"test": rows}, about=ABOUT)
    data = Dataset.open(tmp_path / "set")
    del rows
    found = data.sequence("test")
    before, peak = pa.total_allocated_bytes(), 0
    with traced() as memory:
        for _ in found:
            peak = max(peak, pa.total_allocated_bytes() - before)
        for index in noise.permutation(120).tolist():
            assert len(found[index].image) > 90_000
            peak = max(peak, pa.total_allocated_bytes() - before)
        python = memory()[1]
    assert max(peak, python) < 1_500_000


def noisy(noise: np.random.Generator) -> bytes:
    file = io.BytesIO()
    Image.fromarray(noise.integers(0, 256, (180, 180, 3), np.uint8)).save(file, "PNG")
    return file.getvalue()
