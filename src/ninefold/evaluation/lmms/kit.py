"""lmms-eval in an environment of its own: whether an interpreter has it, and its run as a child process."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ninefold import console
from ninefold.errors import RunError, first_line
from ninefold.version import __version__

TRIED = "0.7.3"
"""The version of lmms-eval that this was tried with."""

_LOOK = """
import json
from importlib import metadata
def version(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
offered = any(point.name == "ninefold" for point in metadata.entry_points(group="lmms_eval.models"))
print(json.dumps({"lmms_eval": version("lmms_eval"), "ninefold": version("ninefold") if offered else None}))
"""

_PROGRESS = re.compile(r"ninefold: (\d+) of (\d+)\s*$")
_FAILED = re.compile(r"Error during evaluation: (.*?)(?: Please set `--verbosity=DEBUG`.*)?$")

_REMEDIES = {
    "torchvision::nms": "its torchvision is a build for another torch: remove it there (pip uninstall torchvision)",
    "Tasks not found": "`lmms-eval tasks list` prints the known ones; a task folder of your own is --benchmark-dir",
    "ConnectionError": "its data are not on this machine; put them into --benchmark-dir (docs/lmms-eval.md)",
    "TokenNotFound": "it loads its data from the Hugging Face Hub as a user: log in there (hf auth login), or download "
    "them once into --benchmark-dir (docs/lmms-eval.md)",
}
"""What to do, by a part of lmms-eval's message."""


@dataclass(frozen=True)
class Kit:
    """An environment with lmms-eval."""

    python: Path
    """Its interpreter."""
    version: str
    """The version of lmms-eval."""

    def run(self, arguments: Sequence[str], folder: Path, log: Path, *, told: Callable[[int, int], object]) -> None:
        """Run lmms-eval, and wait for it.

        Args:
            arguments: Its arguments.
            folder: Its working directory.
            log: The file that keeps everything it prints.
            told: Called with the numbers of answers and of requests as they are printed.

        Raises:
            RunError: If it ends with an error; the message is its own.
        """
        command = [str(self.python), "-m", "lmms_eval", *arguments]
        variables = {"PYTHONUNBUFFERED": "1", "TQDM_MININTERVAL": "60", "COLUMNS": "200"}
        failed, last = "", ""
        with (
            log.open("a", encoding="utf-8") as file,
            subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, **variables},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            ) as child,
        ):
            assert child.stdout is not None
            try:
                for line in child.stdout:
                    file.write(line)
                    plain = re.sub(r"\x1b\[[0-9;]*m", "", line).strip()
                    last = plain or last
                    failed = found[1] if (found := _FAILED.search(plain)) else failed
                    if progress := _PROGRESS.search(plain):
                        told(int(progress[1]), int(progress[2]))
            except BaseException:
                # The child would go on without anybody who reads what it says.
                child.terminate()
                raise
        if child.returncode or failed:
            reason = _ended(child.returncode) if child.returncode < 0 else _told(failed or last)
            raise RunError(f"lmms-eval {self.version}: {reason} (all it printed: {log})")


def find(python: Path) -> Kit:
    """Return the environment of an interpreter.

    Raises:
        RunError: If it does not run, or lacks lmms-eval or this version of ninefold; the message says what to install.
    """
    # A path with a link in it stays as it is: the interpreter of a virtual environment is a link.
    python = python.expanduser().absolute()
    found = _looked(python)
    if found["lmms_eval"] is None:
        raise RunError(
            f"--lmms-python {python}: has no lmms-eval; install it there: {python} -m pip install lmms-eval=={TRIED}"
        )
    if found["ninefold"] != __version__:
        there = "has no ninefold" if found["ninefold"] is None else f"has ninefold {found['ninefold']}"
        raise RunError(
            f"--lmms-python {python}: {there}, which offers our models to lmms-eval; install {__version__} there: "
            f"{python} -m pip install ninefold=={__version__}"
        )
    if found["lmms_eval"] != TRIED:
        console.warn(f"lmms-eval {found['lmms_eval']}: not tried with it, but with {TRIED}")
    return Kit(python, found["lmms_eval"])


def _looked(python: Path) -> dict[str, str | None]:
    """Return the versions of lmms-eval and of ninefold that an interpreter has; None for one that it lacks."""
    try:
        done = subprocess.run(
            [python, "-c", _LOOK], capture_output=True, text=True, errors="replace", check=False, timeout=120
        )
        lines = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
        reason = lines[-1] if lines else _ended(done.returncode)
        found = json.loads(lines[-1]) if done.returncode == 0 and lines else None
    except subprocess.TimeoutExpired as error:
        reason, found = f"no answer in {error.timeout:g} s", None
    except (OSError, ValueError) as error:
        reason, found = first_line(error), None
    if not isinstance(found, dict) or found.keys() != {"lmms_eval", "ninefold"}:
        raise RunError(f"--lmms-python {python}: is no Python interpreter that runs ({reason:.200})")
    return found


def _ended(code: int) -> str:
    """Return how a process ended, in words."""
    if code >= 0:
        return f"ended with code {code}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    return f"was killed ({name})" + (", perhaps because memory ran out" if name == "SIGKILL" else "")


def _told(message: str) -> str:
    remedy = next((remedy for part, remedy in _REMEDIES.items() if part in message), None)
    told = message.rstrip(".") or "ended without a word"
    return told if remedy is None else f"{told}; {remedy}"
