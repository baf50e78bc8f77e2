"""Worker processes that are measured side by side, each of which answers a line of JSON with a line of JSON.

A worker may run in an environment of its own that holds a peer alone: nothing of ninefold is imported here.
"""

import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

READY = "ready\n"


class Worker:
    """A worker process, as the script that measures it sees it; it begins at once."""

    def __init__(self, script: str, job: dict[str, Any], *, python: str | None = None) -> None:
        """Run a script of this folder on a job, with this or another Python interpreter."""
        self.python = python or sys.executable
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115
        command = [self.python, str(Path(__file__).parent / script), json.dumps(job)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True
        )
        self._line()

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a question, with the most memory so far in MB as ``peak``."""
        self.process.stdin.write(f"{json.dumps(question)}\n")
        self.process.stdin.flush()
        return json.loads(self._line())

    def close(self) -> None:
        """End the process."""
        self.process.stdin.close()
        self.process.wait()

    def _line(self) -> str:
        line = self.process.stdout.readline()
        if not line:
            self.errors.seek(0)
            raise SystemExit(f"{self.python}: {self.process.args[1]} failed:\n{self.errors.read()[-2000:]}")
        return line


def serve(make: Callable[..., Callable[..., dict[str, Any]]]) -> None:
    """Be a worker: answer the questions of standard input with what ``make`` returns for the job, given by keywords."""
    # Whatever a library prints must not mix with the answers.
    answers, sys.stdout = sys.stdout, sys.stderr
    answer = make(**json.loads(sys.argv[1]))
    print(READY, end="", file=answers, flush=True)
    for line in sys.stdin:
        found = answer(**json.loads(line))
        print(json.dumps({**found, "peak": peak_memory()}), file=answers, flush=True)


def peak_memory() -> float:
    """Return the most memory in MB that this process has held."""
    # Linux hands the largest size of a parent down to its children in what `resource` tells.
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
