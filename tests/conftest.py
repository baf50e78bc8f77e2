"""What several rooms' tests share."""

import os
from pathlib import Path

import pytest

# Two test processes with as many threads each as the machine has cores would wait for each other most of the time.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def tiny_llava(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random checkpoint of the real LLaVA classes, small enough to run in milliseconds."""
    from tiny import save_tiny_llava

    folder = tmp_path_factory.mktemp("models") / "tiny-llava"
    save_tiny_llava(folder)
    return folder
