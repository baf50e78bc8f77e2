"""Options of an evaluation; the command line reads them, hence no heavy imports."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ninefold.errors import DataError, DesignError
from ninefold.models.spec import ModelSpec
from ninefold.specs import check_choices, folder_of


@dataclass(frozen=True)
class EvaluateSpec:
    """A model, the questions to answer, and the method of answering."""

    model: ModelSpec
    """The model and its options."""
    data: Path
    """Folder of the data set."""
    parent: str | None = None
    """The base that a full checkpoint or a served model was tuned from, as a run of it or a name for --model; the
    report then compares the two. Not needed for adapters and models made by `ninefold train`: their base is known."""
    split: str | None = None
    """The split to evaluate; by default "test", if the data set has one."""
    limit: int | None = None
    """Number of examples, spread evenly over the answers; by default all."""
    scoring: Literal["generate", "choice"] = "generate"
    """Method of answering: "generate" decodes text greedily, as in the paper; "choice" computes the log-probability
    of each option and takes the most likely one."""
    orders: Literal["as-made", "all"] = "as-made"
    """Orders of the options: those that the data set was made with, or "all": each question is asked once in every
    order of a balanced design (18 of nine labels), and the metrics say how far answers depend on the order."""
    max_new_tokens: int = 15
    """Maximum number of tokens of a generated answer; a longer one is cut off, and invalid without a label."""
    trust_data: bool = False
    """Do not compare each decoded image with the data set's manifest; all else is compared in any case."""

    def __post_init__(self) -> None:
        """Refuse values that are no choice or out of range. A model may be its name, and the data an open data set."""
        check_choices(self)
        if self.max_new_tokens < 1:
            raise DesignError(f"--max-new-tokens {self.max_new_tokens}: at least one token must be generated")
        if self.limit is not None and self.limit < 1:
            raise DataError(f"--limit {self.limit}: at least one example must be asked")
        object.__setattr__(self, "model", ModelSpec.of(self.model))
        object.__setattr__(self, "data", folder_of(self.data))
