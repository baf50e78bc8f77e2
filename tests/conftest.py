"""What several rooms' tests share."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny_llava(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random checkpoint of the real LLaVA classes, small enough to run in milliseconds."""
    from tiny import save_tiny_llava

    folder = tmp_path_factory.mktemp("models") / "tiny-llava"
    save_tiny_llava(folder)
    return folder
