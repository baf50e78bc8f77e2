"""The device of a model's computation, found without torch if possible."""

import os
import resource
import sys
from pathlib import Path

from ninefold.errors import ModelError, first_line

_NODES = ("nvidia*", "nvhost*", "nvgpu*", "nvmap", "kfd", "dxg")
"""Device nodes of GPUs that torch calls "cuda": NVIDIA (also Jetson), AMD, and WSL."""

_SHARED = 0.95
"""Fraction of a GPU's memory that processes share; the rest holds what the driver keeps for each."""


def on_cpu(device: str) -> bool:
    """Whether a model computes on the CPU.

    Args:
        device: A torch device, or "auto": a GPU if there is one.
    """
    return used_device(device).partition(":")[0] == "cpu"


def used_device(device: str) -> str:
    """Return the torch device that a model computes on: for "auto" a GPU if there is one, otherwise the CPU."""
    if device != "auto":
        return device
    return "cuda" if has_gpu() else "cpu"


def check_device(device: str) -> None:
    """Refuse a device that torch does not have here, before any weights are read.

    Raises:
        ModelError: If nothing can be computed on it.
    """
    if device in {"auto", "cpu"}:
        return
    if device.partition(":")[0] == "cuda" and not has_gpu():
        raise ModelError(f"--device {device}: torch finds no GPU here; choose cpu or auto")
    import torch

    try:
        torch.zeros(1, device=device).cpu()
    except Exception as error:  # of many types, by device
        usable = "cpu, cuda:0 or auto" if has_gpu() else "cpu or auto"
        # For a word that is no device, torch lists all that it may be compiled for.
        why = "it is no device" if "device type at start" in str(error) else first_line(error)
        raise ModelError(f"--device {device}: torch cannot use it here ({why}); choose {usable}") from error


def has_gpu() -> bool:
    """Whether torch finds a GPU; torch is imported, which takes seconds, only if the machine has one."""
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in {"", "-1"}
    missing = sys.platform.startswith("linux") and not any(node for name in _NODES for node in Path("/dev").glob(name))
    if hidden or missing or sys.platform == "darwin":
        return False
    import torch

    return torch.cuda.is_available()


def share_gpu(count: int) -> None:
    """Limit this process to its share of the GPU's memory, before a model is opened.

    Args:
        count: Number of processes that use the GPU.
    """
    if count > 1 and has_gpu():
        import torch

        torch.cuda.set_per_process_memory_fraction(_SHARED / count)


def peak_memory() -> dict[str, int]:
    """Return the peak memory of this process in MiB: on the "cpu", and on the "gpu" if there is one."""
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak = {"cpu": largest >> (20 if sys.platform == "darwin" else 10)}  # bytes on macOS, KiB elsewhere
    torch = sys.modules.get("torch")  # A served model does not need torch.
    return peak | ({"gpu": torch.cuda.max_memory_allocated() >> 20} if torch and torch.cuda.is_available() else {})
