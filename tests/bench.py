"""A command that is killed, or begun twice, at any moment, and afterwards ends with the same bytes or not."""

import json
import random
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path

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
    parts: bool = False
    """Whether it has worker processes, which are killed one by one too."""
    work: Callable[[], object] | None = None
    """A function that is called instead of the command line."""


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
        self.work = case.work or partial(command_line, words)
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

    def kill_in_a_row(self, count: int) -> None:
        """Kill the command so many times, each time after some more changes of files, then let it end."""
        folder, most = self._folder("row"), 2 * self.changes // count
        while self.tally.kills < count:
            command = self._start(folder, at=self.random.randrange(most))
            self._count(command)
            if command.code == 0:
                self._finish(folder)
                folder = self._folder(f"row-{self.tally.kills}")
        self._finish(folder)

    def kill_parts(self, count: int) -> None:
        """Kill one process of the command at a random moment: its own, which the others must notice, or a worker's."""
        for number in range(count):
            folder = self._folder(f"part-{number}")
            command = self._start(folder)
            if command.wait(self.random.uniform(0, self.seconds)) is None:
                own = number % 2 == 0
                command.kill_one(self.random, own=own)
                if own and not command.all_ended():
                    self.tally.faults.append(f"{folder}: workers go on after their process was killed")
                    command.send(signal.SIGKILL)
                self.tally.kills += 1
            if command.wait() not in {0, -signal.SIGKILL}:
                self.tally.faults.append(f"{command.log}: exit code {command.code}: {command.said()}")
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


def command_line(words: list[str]) -> None:
    """Run a command line of ninefold."""
    sys.argv = ["ninefold", *words]
    main(words)
