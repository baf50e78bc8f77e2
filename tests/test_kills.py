"""A few kills and second processes, in short; `kills.py` runs every command many times."""

import signal
from itertools import islice
from pathlib import Path

import forked
import pytest
import scripted
from bench import Bench, Case

# Imported once, for all forked processes.
import ninefold.captions.checks.chain
import ninefold.captions.run
import ninefold.captions.sources.reading
import ninefold.cli.data
import ninefold.evaluation.evaluate
import ninefold.evaluation.score
import ninefold.nano.photos  # noqa: F401
from ninefold.captions import spool
from ninefold.captions.engines import catalog
from ninefold.cli import main
from ninefold.data.format import dataset
from ninefold.data.format.card import About
from ninefold.data.sources.synthetic import SyntheticSpec, examples
from ninefold.evaluation.predict import predict
from ninefold.models.fake import FakeModel
from ninefold.models.registry import REGISTERED


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The bench of a command line on a small data set and a scripted model."""
    monkeypatch.setitem(REGISTERED, "scripted", lambda spec: FakeModel(lambda each: "center", name="scripted"))
    monkeypatch.setitem(predict.__kwdefaults__, "chunk", 4)
    monkeypatch.setitem(catalog.REGISTERED, "scripted", scripted.Scripted)
    monkeypatch.setattr(spool, "BLOCK_CAPTIONS", 2)
    captions = [(f"c{number}", f"A cup is left of a plate{number}.", f"{number % 2}.png") for number in range(5)]
    scripted.written(tmp_path / "captions.jsonl", captions)
    parts = examples(SyntheticSpec(split="test", canvas=96))
    rows = {split: islice(part, 10) for split, part in parts.items()}
    dataset.write(tmp_path / "few", rows, about=About("a few", "A few rows.", {}))
    (tmp_path / "trials").mkdir()

    def of(arguments: str) -> Bench:
        return Bench(
            Case("command", arguments, timed=frozenset({"timing.json"})),
            tmp_path / "trials",
            {"inputs": str(tmp_path)},
            seed=0,
        )

    return of


@pytest.mark.parametrize(
    "arguments",
    [
        "evaluate --model scripted --data {inputs}/few --out run",
        "nano world --pictures 2 --out world",
        "captions run {inputs}/captions.jsonl --text-field text --id-field id --engine scripted --out set",
    ],
)
def test_killed_or_begun_twice_a_command_ends_with_the_same_bytes(bench, arguments: str):
    tried = bench(arguments)
    tried.kill_at_changes(3)
    tried.kill_at_random(1)
    tried.run_two(2)
    assert tried.tally.faults == []
    assert (tried.tally.identical, tried.tally.pairs) == (6, 2)
    assert tried.tally.kills >= 3


def test_a_kill_amid_the_first_file_of_a_data_set_blocks_nothing(tmp_path: Path):
    (tmp_path / ".set.partial").mkdir()
    (tmp_path / ".set.partial" / ".writing.json.abc.ninefold").write_text("{")
    parts = examples(SyntheticSpec(split="test", canvas=96))
    rows = {split: islice(part, 10) for split, part in parts.items()}
    dataset.write(tmp_path / "set", rows, about=About("a few", "A few rows.", {}))
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_a_command_that_ends_otherwise_after_a_kill_is_found(tmp_path: Path):
    def work() -> None:
        with Path("begun").open("a") as file:
            file.write("once more\n")
        Path("done").mkdir(exist_ok=True)

    tried = Bench(Case("append", "", work=work), tmp_path, {"inputs": ""}, seed=0)
    assert tried.changes == 2
    tried.kill_at_changes(2)
    # Killed before its first change, it has changed nothing.
    assert (tried.tally.identical, tried.tally.different) == (1, 1)
    assert "begun" in tried.tally.faults[0]


def test_the_files_that_a_kill_leaves_at_the_very_end_are_removed(bench, tmp_path: Path):
    tried = bench("evaluate --model scripted --data {inputs}/few --out run")
    run = tried.root / "undisturbed" / "run"
    for left in (".lock", ".metrics.json.abc.ninefold"):
        (run / left).write_text("process 1 on another-host")
    tried._finish(run.parent)
    assert tried.tally.faults == []
    assert not run.exists()  # as nothing differs


def test_a_process_with_other_settings_is_refused_while_and_after_the_first_one_works(tmp_path: Path):
    def world(pictures: int, log: str, **stop: object) -> forked.Command:
        words = ["nano", "world", "--pictures", str(pictures), "--out", "world"]
        return forked.start(lambda: main(words), tmp_path, tmp_path / log, **stop)

    # Stopped before it takes the lock, the other one is the first.
    late = world(3, "late.log", at="open .world.lock", sent=signal.SIGSTOP)
    late.wait(until_stopped=True)
    first = world(2, "first.log", at=4, sent=signal.SIGSTOP)
    first.wait(until_stopped=True)
    second = world(3, "second.log")
    assert second.wait() == 2 and f"process {first.process} on" in second.said()
    for command in (first, late):
        command.send(signal.SIGCONT)
        command.wait()
    assert (first.code, late.code) == (0, 2)
    assert "pictures 2, asked 3" in late.said()
