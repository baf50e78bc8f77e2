"""Training that kills itself before a change of its run folder, and then goes on: ``python kills.py JOB``.

``JOB`` is a JSON file: ``spec`` (fields of `TrainSpec`), ``folder`` of the runs, and ``before``, the changes that are
tried; all if it is empty. A line of JSON is printed: the number of ``tried`` changes, and the ``failures`` among them.

Every training runs in a fork of this process, which has imported everything.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from ninefold import store
from ninefold.models.spec import ModelSpec
from ninefold.training.spec import TrainSpec
from ninefold.training.train import train

RESULTS = ("adapter/adapter_model.safetensors", "adapter/adapter_config.json", "history.json", "metrics.json")

CHANGES = {"os.mkdir": 0, "os.rename": 1, "os.remove": 0, "os.rmdir": 0, "shutil.rmtree": 0}
"""Audit events that change a folder, and which argument is the path."""


def main() -> None:
    """Kill a training before each of some changes, and print what differs afterwards."""
    job = json.loads(Path(sys.argv[1]).read_text())
    folder, spec = Path(job["folder"]), job["spec"]
    spec = TrainSpec(**{**spec, "model": ModelSpec(spec["model"]), "data": tuple(map(Path, spec["data"]))})
    listed = folder / "changes.json"
    assert in_fork(lambda: list_changes(spec, folder / "unbroken", listed)) == 0
    changes = json.loads(listed.read_text())
    expected = results(folder / "unbroken")
    tried = [changes.index(change) for change in job["before"]] or range(len(changes))
    failures = {}
    for number in tried:
        out = folder / f"killed-{number}"
        killed = in_fork(lambda out=out, number=number: train_until(spec, out, number))
        again = in_fork(lambda out=out: train(spec, out))
        left = [path.name for path in out.iterdir() if path.name == "checkpoints" or store.is_temporary(path)]
        if killed != -signal.SIGKILL or again or left or results(out) != expected:
            failures[f"{number}: {changes[number]}"] = [killed, again, left]
    print(json.dumps({"tried": len(tried), "failures": failures}))


def results(run: Path) -> dict[str, bytes]:
    """Return the results of a run that must not depend on kills."""
    return {name: (run / name).read_bytes() for name in RESULTS if (run / name).exists()}


def list_changes(spec: TrainSpec, out: Path, listed: Path) -> None:
    """Train, and write the list of all changes of the run folder."""
    changes: list[str] = []
    before_changes(out, lambda event, path: changes.append(f"{event} {path}"))
    train(spec, out)
    listed.write_text(json.dumps(changes))


def train_until(spec: TrainSpec, out: Path, number: int) -> None:
    """Train, and kill the process before a change."""
    left = [number]

    def count(*_: object) -> None:
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1

    before_changes(out, count)
    train(spec, out)


def before_changes(out: Path, call: Callable[[str, str], object]) -> None:
    """Call a function with the name and the path of each change within a folder, before it is made."""

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR):
            path = arguments[0]
        elif event in CHANGES:
            path = arguments[CHANGES[event]]
        else:
            return
        # `shutil.rmtree` names files within a folder that it has opened.
        within = event in {"os.remove", "os.rmdir"} and arguments[1] != -1
        if within or (isinstance(path, str | os.PathLike) and out in Path(path).parents):
            call(event, str(path).removeprefix(f"{out}/"))

    sys.addaudithook(hook)


def in_fork(function: Callable[[], object]) -> int:
    """Return the exit code of a function in a fork of this process; the negative of a signal that ended it."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            function()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    main()
