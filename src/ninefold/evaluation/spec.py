"""Options of an evaluation; the command line reads them, so nothing heavy is imported."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ninefold.models.spec import ModelSpec


@dataclass(frozen=True)
class EvaluateSpec:
    """A model, the questions it answers, and how it answers."""

    model: ModelSpec
    """Which model, and how it is opened."""
    data: Path
    """The folder of a data set."""
    parent: str | None = None
    """The base that a model with weights of its own, or a served one, was tuned from, for the report to compare them: a
    run of it, or a name as --model takes it. Of an adapter, and of what `ninefold train` made, it is known."""
    split: str | None = None
    """The split of the data set; "test" where there is one."""
    limit: int | None = None
    """Only the first so many examples."""
    scoring: Literal["generate", "choice"] = "generate"
    """Whether the model writes its answer (greedy decoding, the paper's way) or ranks the options by likelihood."""
    max_new_tokens: int = 15
    """Tokens of an answer at most; a longer one is cut."""
