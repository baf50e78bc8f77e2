"""Options of layer-wise probes; the command line reads them, hence no heavy imports."""

from dataclasses import dataclass
from pathlib import Path

from ninefold.errors import DesignError
from ninefold.evaluation.spec import EvaluateSpec
from ninefold.models.spec import ModelSpec
from ninefold.specs import check_choices, folder_of


@dataclass(frozen=True)
class ProbeSpec:
    """A model, the examples whose hidden states are probed, and the folds of the cross-validation."""

    model: ModelSpec
    """The model and its options; one with a language model's layers, which dual encoders such as CLIP lack."""
    data: Path
    """Folder of the data set; the answers of its examples are the classes."""
    split: str | None = None
    """The split to probe; by default "test", if the data set has one."""
    limit: int | None = None
    """Number of examples, spread evenly over the answers; by default all."""
    folds: int = 3
    """Number of folds, as in the paper; each is predicted by a probe that was trained on the others."""
    seed: int = 0
    """Seed of the assignment of examples to folds."""
    keep_states: bool = False
    """Keep the hidden states in `states/` after the probes; by default they are removed, because they take much room:
    0.8 GB for 28 layers of 3,584 numbers and 3,888 examples."""
    trust_data: bool = False
    """Do not compare each decoded image with the data set's manifest; all else is compared in any case."""

    def __post_init__(self) -> None:
        """Refuse values out of range. A model may be its name, and the data an open data set."""
        check_choices(self)
        if self.folds < 2:
            raise DesignError(f"--folds {self.folds}: at least two are needed, one to train on and one to test on")
        if self.seed < 0:
            raise DesignError(f"--seed {self.seed}: must not be negative")
        object.__setattr__(self, "model", ModelSpec.of(self.model))
        object.__setattr__(self, "data", folder_of(self.data))

    @property
    def asked(self) -> EvaluateSpec:
        """Return the evaluation of the same model on the same examples."""
        return EvaluateSpec(self.model, self.data, split=self.split, limit=self.limit, trust_data=self.trust_data)
