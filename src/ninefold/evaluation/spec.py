"""What an evaluation is told; read by the command line, so nothing heavy is imported."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ninefold.models.shortcuts import ALL_SHORTCUTS, Shortcuts


@dataclass(frozen=True)
class EvaluateSpec:
    """Which model answers which questions, and how."""

    model: str
    """A name from `ninefold models`, a hub id, a folder, or a server: openai:http://host:port/v1#model."""
    data: Path
    """The folder of a data set."""
    adapter: Path | None = None
    """A training run, or the folder of a PEFT adapter, that tunes the model."""
    split: str | None = None
    """Which part of the data set; "test" where there is one."""
    limit: int | None = None
    """Stop after so many examples."""
    scoring: Literal["generate", "choice"] = "generate"
    """Whether the model writes its answer (greedy decoding, the paper's way) or ranks the options by likelihood."""
    max_new_tokens: int = 15
    """Tokens after which a written answer is cut."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """What the model computes in."""
    device: str = "auto"
    """A torch device, e.g. "cuda:1"; "auto" takes a GPU where there is one."""
    trust_remote_code: bool = False
    """Whether code that comes with the checkpoint may run."""
    fast: Shortcuts = ALL_SHORTCUTS
    """Short cuts, which change no answer."""
