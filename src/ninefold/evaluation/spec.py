"""Options of an evaluation; the command line reads them, so nothing heavy is imported."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ninefold.models.spec import ModelSpec


@dataclass(frozen=True)
class EvaluateSpec:
    """Which model answers which questions, and how."""

    model: ModelSpec
    """Which model, and how it is opened."""
    data: Path
    """The folder of a data set."""
    split: str | None = None
    """Which part of the data set; "test" where there is one."""
    limit: int | None = None
    """Stop after so many examples."""
    scoring: Literal["generate", "choice"] = "generate"
    """Whether the model writes its answer (greedy decoding, the paper's way) or ranks the options by likelihood."""
    max_new_tokens: int = 15
    """Tokens after which a written answer is cut."""
