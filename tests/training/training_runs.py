"""What tests of training share."""

from pathlib import Path

import torch
from safetensors.torch import load_file


def assert_same_adapter(run: Path, other: Path) -> None:
    name = "adapter/adapter_model.safetensors"
    assert (run / name).read_bytes() == (other / name).read_bytes()


def assert_close_adapter(run: Path, other: Path) -> None:
    """The same on a CPU; on a GPU the same up to rounding, as sums depend on what is computed together."""
    if not torch.cuda.is_available():
        return assert_same_adapter(run, other)
    one, two = (load_file(folder / "adapter" / "adapter_model.safetensors") for folder in (run, other))
    assert one.keys() == two.keys()
    for name, weight in one.items():
        torch.testing.assert_close(weight, two[name], rtol=1e-3, atol=1e-4)
    return None
