"""What several rooms' tests share."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ninefold import plugins

# Two test processes with as many threads each as the machine has cores would wait for each other most of the time.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_collection_finish() -> None:
    """Leave the imported libraries out of garbage collections, which then take a fifth off the time of heavy tests."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def tiny_llava(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LLaVA checkpoint with random weights; its vision tower has learned absolute positions."""
    from tiny import save_tiny_llava

    folder = tmp_path_factory.mktemp("models") / "tiny-llava"
    save_tiny_llava(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_qwen2_vl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Qwen2-VL checkpoint with random weights, whose pictures keep their own sizes."""
    from tiny import save_tiny_qwen2_vl

    folder = tmp_path_factory.mktemp("models") / "tiny-qwen2-vl"
    save_tiny_qwen2_vl(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_llava_onevision(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LLaVA-OneVision-1.5 checkpoint with random weights, of the port's classes."""
    from tiny import save_tiny_llava_onevision

    folder = tmp_path_factory.mktemp("models") / "tiny-llava-onevision"
    save_tiny_llava_onevision(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_molmo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Molmo checkpoint with random weights, of the port's classes."""
    from tiny import save_tiny_molmo

    folder = tmp_path_factory.mktemp("models") / "tiny-molmo"
    save_tiny_molmo(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CLIP checkpoint with random weights, laid out as the official folder."""
    from tiny import save_tiny_clip

    folder = tmp_path_factory.mktemp("models") / "tiny-clip"
    save_tiny_clip(folder)
    return folder


@pytest.fixture(autouse=True)
def plugins_as_before() -> Iterator[None]:
    """Forget plugins that a test has loaded: workers of later tests would import their files, too."""
    before = list(plugins.LOADED)
    yield
    plugins.LOADED[:] = before


@pytest.fixture(scope="session")
def ray_here() -> Iterator[None]:
    """A Ray of this machine alone, with two workers."""
    ray = pytest.importorskip("ray", reason="Ray is an extra: pip install 'ninefold[cluster]'")
    quiet = {"include_dashboard": False, "log_to_driver": False}
    # "local": never another one that runs on this machine.
    ray.init("local", num_cpus=2, num_gpus=0, object_store_memory=80_000_000, **quiet)
    yield
    ray.shutdown()
