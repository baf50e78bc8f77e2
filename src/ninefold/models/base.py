"""What a model is to the rest of the house: a few methods, and nothing about how it computes."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from ninefold.types import Example, Prediction


class Model(Protocol):
    """Anything that answers examples. What a model cannot do raises `ninefold.errors.ModelError`."""

    @property
    def name(self) -> str:
        """The name it was asked for by, as tables and figures show it."""
        ...

    @property
    def identity(self) -> Mapping[str, object]:
        """All of the model that changes its answers, in JSON's types: checkpoint, adapter, precision.

        The key ``adapter`` is ``None`` for a base model.
        """
        ...

    def predict(self, examples: Sequence[Example], *, max_new_tokens: int = 15) -> list[Prediction]:
        """Answer in free text by greedy decoding; one prediction an example, in the order given."""
        ...

    def choice_scores(self, examples: Sequence[Example]) -> list[tuple[float, ...]]:
        """Return, for each example, one log-probability per option, in the order of its options."""
        ...
