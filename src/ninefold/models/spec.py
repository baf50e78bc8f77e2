"""Which model, and how it is opened: the options that training and evaluation share. No torch here."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from ninefold.models.family import Precision
from ninefold.models.shortcuts import ALL_SHORTCUTS, Shortcuts


@dataclass(frozen=True)
class ModelSpec:
    """A model by name, with everything that decides how it is opened."""

    name: Annotated[str, tyro.conf.arg(name="model")]
    """A name from `ninefold models`, a hub id, a folder, or a server: openai:http://host:port/v1#model."""
    adapter: Path | None = None
    """A training run, or the folder of a PEFT adapter, that tunes the model."""
    dtype: Precision = "auto"
    """Floating-point type of the forward pass; by default float32 on a CPU, and the checkpoint's own on a GPU."""
    device: str = "auto"
    """A torch device, e.g. "cuda:1"; "auto" takes a GPU where there is one."""
    trust_remote_code: bool = False
    """Whether code that comes with the checkpoint may run."""
    shortcuts: Shortcuts = ALL_SHORTCUTS
    """Short cuts, which change no answer."""


def base_spec(model: str, dtype: Precision = "auto", trust_remote_code: bool = False) -> ModelSpec:
    """A model to be trained: without an adapter, on the devices that training chooses.

    Args:
        model: A name from `ninefold models`, a hub id or a local folder.
        dtype: Floating-point type of the forward pass; by default float32 on a CPU, and the checkpoint's own on a GPU.
        trust_remote_code: Whether code that comes with the checkpoint may run.
    """
    return ModelSpec(model, dtype=dtype, trust_remote_code=trust_remote_code)
