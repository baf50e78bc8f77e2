"""What tests of training share."""

from pathlib import Path


def assert_same_adapter(run: Path, other: Path) -> None:
    name = "adapter/adapter_model.safetensors"
    assert (run / name).read_bytes() == (other / name).read_bytes()
