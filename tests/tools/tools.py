"""The environments of other people's tools, in which tests open what ninefold exports.

`make tools` makes them (see `install.py`), one folder a tool: under ``.tools`` of the project, or in the folder that
the variable ``NINEFOLD_TOOLS`` names.
"""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "CUDA_VISIBLE_DEVICES": "",
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
"""Variables that keep a tool from the network and from more than its share of the processor."""


def folder() -> Path:
    """Return the folder of all environments."""
    return Path(os.environ.get("NINEFOLD_TOOLS") or ROOT / ".tools")


def python_of(name: str) -> Path:
    """Return the interpreter of a tool's environment; the test is skipped where there is none."""
    if not (folder() / name / "ready").exists():
        pytest.skip(f"{name} is not installed: `make tools` installs it in an environment of its own")
    return folder() / name / "bin" / "python"


def run(
    name: str, script: str, *arguments: object, cwd: Path, timeout: float = 600, variables: Mapping[str, str] = {}
) -> Any:
    """Run a Python script in a tool's environment, and return the JSON of its last line.

    Args:
        name: Name of the tool; the test is skipped where it is not installed.
        script: The script's text; it sees its arguments in ``sys.argv[1:]``.
        arguments: Its arguments.
        cwd: Its working directory, which also takes what the tool caches.
        timeout: Its limit in seconds.
        variables: Further variables of its environment.
    """
    python = python_of(name)
    cache = {
        "HF_HOME": str(cwd / ".cache"),
        "XDG_CACHE_HOME": str(cwd / ".cache"),
        "MODELSCOPE_CACHE": str(cwd / ".cache"),
    }
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [python, "-c", script, *map(str, arguments)],
        cwd=cwd,
        env={**kept, **OFFLINE, **cache, **variables},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.strip().splitlines()[-1])
