"""The share of a machine that a worker process takes."""

import os

import pytest

from ninefold.studies import workers


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine of four cores and two GPUs; a worker's cores are written to the list."""
    for number in range(2):
        (tmp_path / f"nvidia{number}").touch()
    (tmp_path / "nvidiactl").touch()
    taken = []
    monkeypatch.setattr(workers, "_GPU_FILES", tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # So that it is restored.
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1, 2, 3}, raising=False)
    monkeypatch.setattr(os, "sched_setaffinity", lambda process, cores: taken.append(list(cores)), raising=False)
    return taken


@pytest.mark.parametrize(("slot", "cores", "gpu", "sharing"), [(0, [0], "0", 2), (1, [1], "1", 1), (2, [2], "0", 2)])
def test_three_workers_share_two_gpus(machine, slot, cores, gpu, sharing):
    assert workers._share(slot, 3) == sharing
    assert machine == [cores]
    assert os.environ["CUDA_VISIBLE_DEVICES"] == gpu


def test_all_workers_share_the_only_gpu(machine, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    assert workers._share(1, 2) == 2
    assert machine == [[2, 3]]
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "3"
