"""Commands that are killed, or begun twice, at any moment: they go on from what is on disk and end with the same bytes.

    python tests/kills.py --count 20

runs every long command once without a disturbance, and then again and again: killed (SIGKILL) up to three times at
random moments, killed before one of its changes of files, or stopped there while a second process with the same output
runs. Each time the command is then repeated, and all bytes are compared with those of the undisturbed run: no file may
be missing, different, or left over. Prints a table and ends with 1 if anything differs. Needs Linux or macOS.
"""

import argparse
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path

# The bytes of training are promised at equal numbers of threads.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import forked

from ninefold.cli import main

TIMES = {"provenance.json", "seconds.json", "summary.json"}
"""Files that hold times, which are not compared."""

KILLS = 3
"""Largest number of kills in a row."""

REFUSED = re.compile(r"ninefold: .*(another process|process \d+ on \S+)")
"""What a second process says if the first one is at work."""


@dataclass(frozen=True)
class Case:
    """A command to disturb."""

    name: str
    """Its name in the table."""
    arguments: str
    """Its arguments, separated by blanks; ``{inputs}`` stands for the folder of inputs."""
    given: tuple[str, ...] = ()
    """Inputs that are copied to where it works, because it changes or replaces them."""
    timed: frozenset[str] = frozenset()
    """Further files of it that hold times."""
    work: Callable[[], object] | None = None
    """A function that is called instead of the command line."""


CASES = (
    Case("data synthetic", "data synthetic --split test --canvas 90 --out set"),
    Case(
        "data coco",
        "data coco --annotations {inputs}/world/annotations.json --images {inputs}/world/images --split train "
        "--out set",
    ),
    Case("nano world", "nano world --pictures 8 --out world"),
    Case("evaluate, scripted", "evaluate --model scripted --data {inputs}/few --split train --out run"),
    Case("evaluate, tiny LLaVA", "evaluate --model {inputs}/tiny --data {inputs}/few --split train --out run"),
    Case("evaluate, nano", "evaluate --model nano --data {inputs}/few --split train --limit 9 --out run"),
    Case("evaluate, server", "evaluate --model openai:{server}#tiny --data {inputs}/asked --out run"),
    Case(
        "train, LoRA",
        "train --model {inputs}/tiny --data {inputs}/few --batch 8 --epochs 2 --checkpoint-steps 3 "
        "--learning-rate 1e-3 --out run",
    ),
    Case(
        "train, full",
        "train --model {inputs}/tiny --data {inputs}/few --batch 8 --epochs 2 --checkpoint-steps 2 --method full "
        "--out run",
    ),
    Case("data, replaced", "data synthetic --split test --canvas 90 --overwrite --out set", given=("old/set",)),
    Case("world, replaced", "nano world --pictures 8 --overwrite --out world", given=("old/world",)),
    Case(
        "evaluate, replaced",
        "evaluate --model scripted --data {inputs}/few --split train --overwrite --out run",
        given=("old/run",),
    ),
    Case(
        "train, replaced",
        "train --model {inputs}/tiny --data {inputs}/few --batch 8 --epochs 1 --overwrite --out tuning",
        given=("old/tuning",),
    ),
    Case("score", "score run", given=("run",)),
    Case("report", "report {inputs}/run {inputs}/tuning --out report.html"),
    Case("demo", "", timed=frozenset({"report.html"}), work=lambda: _demo(Path("demo"))),
)


@dataclass
class Tally:
    """What came of the disturbances of a command."""

    kills: int = 0
    pairs: int = 0
    identical: int = 0
    different: int = 0
    failed: int = 0
    faults: list[str] = field(default_factory=list)


class Bench:
    """One command, its undisturbed run, and the disturbances of it."""

    def __init__(self, case: Case, root: Path, places: dict[str, str], seed: int) -> None:
        """Run the command once, undisturbed."""
        self.case, self.inputs = case, Path(places["inputs"])
        self.root = root / re.sub(r"\W+", "-", case.name)
        self.root.mkdir()
        self.random = random.Random(f"{seed} {case.name}")
        self.tally, self.started = Tally(), 0
        words = [word.format_map(places) for word in case.arguments.split()]
        self.work = case.work or partial(_command, words)
        folder = self._folder("undisturbed")
        begun = time.monotonic()
        command = self._start(folder)
        if command.wait() != 0:
            raise SystemExit(f"{case.name}: {command.said()}")
        self.seconds = time.monotonic() - begun
        self.changes = command.changes
        self.expected = contents(folder, case.timed)

    def kill_at_random(self, count: int) -> None:
        """Kill the command up to three times in a row, at random moments; so many times."""
        for number in range(count):
            folder = self._folder(f"random-{number}")
            for _ in range(self.random.randint(1, KILLS)):
                command = self._start(folder)
                if command.wait(self.random.uniform(0, self.seconds)) is None:
                    command.send(signal.SIGKILL)
                self._count(command)
            self._finish(folder)

    def kill_at_changes(self, count: int) -> None:
        """Kill the command before a change of files; so many times, or once before each if there are fewer."""
        for at in self._some_changes(count):
            folder = self._folder(f"change-{at}")
            # Every other one is killed again while it recovers.
            for place in (at, self.random.randrange(at + 1))[: self.random.randint(1, 2)]:
                self._count(self._start(folder, at=place))
            self._finish(folder)

    def kill_before(self, changes: Iterable[str]) -> None:
        """Kill the command before each of some changes of files, such as "os.rename run/metrics.json"."""
        for number, change in enumerate(changes):
            folder = self._folder(f"named-{number}")
            self._count(self._start(folder, at=change))
            self._finish(folder)

    def run_two(self, count: int) -> None:
        """Stop the command before a change of files, run it in a second process, and let the first one go on."""
        for at in self._some_changes(count):
            folder = self._folder(f"two-{at}")
            first = self._start(folder, at=at, sent=signal.SIGSTOP)
            first.wait(until_stopped=True)
            second = self._start(folder)
            second.wait()
            first.send(signal.SIGCONT)
            first.wait()
            self.tally.pairs += 1
            commands = (first, second)
            fine = all(c.code == 0 or (c.code == 2 and REFUSED.search(c.said())) for c in commands)
            self._finish(folder, "" if fine else "".join(f"exit code {c.code}: {c.said()}" for c in commands))

    def _some_changes(self, count: int) -> list[int]:
        return sorted(self.random.sample(range(self.changes), min(count, self.changes)))

    def _folder(self, name: str) -> Path:
        folder = self.root / name
        folder.mkdir()
        for given in self.case.given:
            shutil.copytree(self.inputs / given, folder / Path(given).name)
        return folder

    def _start(self, folder: Path, *, at: int | str | None = None, sent: int = signal.SIGKILL) -> forked.Command:
        self.started += 1
        return forked.start(self.work, folder, folder.with_suffix(f".{self.started}.log"), at=at, sent=sent)

    def _count(self, command: forked.Command) -> None:
        if command.wait() == -signal.SIGKILL:
            self.tally.kills += 1
        elif command.code != 0:
            self.tally.faults.append(f"{command.log}: exit code {command.code}: {command.said()}")

    def _finish(self, folder: Path, fault: str = "") -> None:
        """Run the command to its end, and compare what it has written."""
        command = self._start(folder)
        if command.wait() != 0 or fault:
            command.send(signal.SIGKILL)
            self.tally.failed += 1
            self.tally.faults.append(f"{folder}: {fault or f'exit code {command.code}: {command.said()}'}")
            return
        found = contents(folder, self.case.timed)
        unequal = sorted(
            name for name in found.keys() | self.expected.keys() if found.get(name) != self.expected.get(name)
        )
        if unequal:
            self.tally.different += 1
            self.tally.faults.append(f"{folder}: different, missing or left over: {', '.join(unequal[:5])}")
        else:
            self.tally.identical += 1
            shutil.rmtree(folder)


def contents(folder: Path, timed: Iterable[str] = ()) -> dict[str, str]:
    """Return the hash of each file in a folder, hidden ones too; of files that hold times, only that they are there."""
    found = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_dir() or path.name in TIMES | {*timed}:
            found[name] = "there"
        elif path.name == "status.json":
            found[name] = json.loads(path.read_text())["state"]
        else:
            found[name] = sha256(path.read_bytes()).hexdigest()
    return found


@contextmanager
def inputs(root: Path) -> Iterator[dict[str, str]]:
    """Yield the folder of inputs that the commands read, and the address of a server; made in forked processes."""
    folder = root / "inputs"
    folder.mkdir()
    _prepare()
    for work in (_make_sets, _make_model):
        _done(partial(work, folder), folder)
    for words in (
        "nano world --pictures 12 --out world",
        "evaluate --model scripted --data few --split train --out run",
        "train --model tiny --data few --batch 8 --epochs 1 --out tuning",
        "data coco --annotations world/annotations.json --images world/images --out old/set",
        "nano world --pictures 3 --out old/world",
        "evaluate --model scripted --data few --split train --limit 9 --out old/run",
        "train --model tiny --data few --batch 8 --epochs 1 --seed 1 --out old/tuning",
    ):
        _done(partial(_command, words.split()), folder)
    server = forked.start(_serve, folder, folder / "server.log")
    try:
        while not (folder / "address").exists():
            time.sleep(0.01)
        yield {"inputs": str(folder), "server": (folder / "address").read_text()}
    finally:
        server.send(signal.SIGKILL)
        server.wait()


def measure(names: Sequence[str], count: int, seed: int, root: Path) -> list[Tally]:
    """Disturb commands, print a row of the table for each, and return what came of it."""
    print("| command | seconds | changes of files | kills | two at once | identical | different | failed |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    tallies = []
    with inputs(root) as places:
        for case in CASES:
            if case.name not in names:
                continue
            bench = Bench(case, root, places, seed)
            bench.kill_at_random(count)
            bench.kill_at_changes(count)
            bench.run_two(-(-count // 2))
            tally = bench.tally
            cells = (tally.kills, tally.pairs, tally.identical, tally.different, tally.failed)
            shown = (case.name, f"{bench.seconds:.1f}", bench.changes, *cells)
            print(f"| {' | '.join(map(str, shown))} |", flush=True)
            print(*tally.faults, sep="\n", end="\n" if tally.faults else "", file=sys.stderr, flush=True)
            tallies.append(tally)
    return tallies


def _prepare() -> None:
    """Import what commands import, once for all forked processes, and make the parts of outputs small and many."""
    import matplotlib.backends.backend_pdf
    import matplotlib.font_manager  # noqa: F401
    import peft.tuners.lora.model  # noqa: F401
    import tiny  # noqa: F401

    import ninefold.models.vlm.model
    import ninefold.report.page
    import ninefold.studies.run
    import ninefold.training.train  # noqa: F401
    from ninefold.data.format import shards
    from ninefold.evaluation.predict import predict
    from ninefold.models.fake import FakeModel
    from ninefold.models.registry import register_model
    from ninefold.space import LABELS

    shards.GROUP_ROWS, shards.SHARD_ROWS = 200, 1000
    predict.__kwdefaults__["chunk"] = 8
    model = FakeModel(lambda example: LABELS[len(example.question) % 9], name="scripted")
    register_model("scripted", lambda spec: model)


def _make_sets(folder: Path) -> None:
    from itertools import islice

    from endpoint_examples import example

    from ninefold.data.format import dataset
    from ninefold.data.format.card import About
    from ninefold.data.sources.synthetic import SyntheticSpec, examples

    parts = examples(SyntheticSpec(split="train", canvas=96))
    few = {split: list(islice(part, 0, 72, 3)) for split, part in parts.items()}
    dataset.write(folder / "few", few, about=About("a few", "A few rows.", {}))
    dataset.write(folder / "asked", {"test": map(example, range(45))}, about=About("asked", "Colors.", {}))


def _make_model(folder: Path) -> None:
    from tiny import save_tiny_llava

    save_tiny_llava(folder / "tiny")


def _serve() -> None:
    from chat_server import ChatServer, serving
    from endpoint_examples import sees

    script = ChatServer(sees, delay=lambda number: 0.01)
    with serving(script):
        Path("address.new").write_text(script.url)
        Path("address.new").rename("address")
        signal.pause()


def _demo(out: Path) -> None:
    from ninefold.studies.demo import demo

    demo(out, limit=9, pictures=6, epochs=1)


def _command(words: list[str]) -> None:
    sys.argv = ["ninefold", *words]
    main(words)


def _done(work: Callable[[], object], folder: Path) -> None:
    """Run a function in a forked process."""
    command = forked.start(work, folder, folder / "inputs.log")
    if command.wait() != 0:
        raise SystemExit(f"the inputs cannot be made: {command.said()}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10, help="disturbances of each kind, for every command")
    parser.add_argument("--only", nargs="*", default=[case.name for case in CASES], help="names of commands")
    parser.add_argument("--seed", type=int, default=0, help="seed of the moments")
    options = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="ninefold-kills-"))
    os.environ["XDG_CACHE_HOME"] = str(place / "cache")
    total = measure(options.only, options.count, options.seed, place)
    if any(tally.faults for tally in total):
        sys.exit(f"what differs is in {place}")
    shutil.rmtree(place)
