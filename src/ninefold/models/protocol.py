"""The protocol of models: the few methods that all other rooms use, independent of the computation."""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from ninefold.errors import ModelError
from ninefold.types import Example, Prediction

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class ImageInput:
    """The image that a model receives after preprocessing."""

    image: tuple[int, int]
    """Width and height of the original image."""
    pixels: tuple[int, int] | None
    """Width and height of all tiles together, without a thumbnail and with padding; ``None`` if unknown."""
    tiles: int
    """Number of tiles that the vision tower encodes, including a thumbnail; 0 if unknown."""
    image_tokens: int
    """Number of image tokens in the sequence; 0 for a dual encoder, which has no such sequence."""
    prompt_tokens: int
    """Length of the whole prompt in tokens, including image tokens."""
    share: float = 1.0
    """Fraction of the image's area that is kept: less than 1 if the image is cropped."""


class Model(Protocol):
    """A model that answers examples. Unsupported methods raise `ninefold.errors.ModelError`.

    A user's own model that inherits from this class needs only ``name`` and `predict`.
    """

    @property
    def name(self) -> str:
        """The name by which it was opened, for tables and figures."""
        ...

    @property
    def identity(self) -> Mapping[str, object]:
        """Everything about the model that changes its answers, in JSON types: checkpoint, adapter, precision.

        The key ``adapter`` is ``None`` for a base model.
        """
        return {"name": self.name, "adapter": None}

    def predict(self, examples: Sequence[Example], *, max_new_tokens: int = 15) -> list[Prediction]:
        """Answer in free text by greedy decoding; one prediction per example, in the given order."""
        ...

    def choice_scores(self, examples: Sequence[Example]) -> list[tuple[float, ...]]:
        """Return, for each example, one log-probability per option, in the order of its options."""
        raise ModelError(f"{self.name}: ranks no options; leave out --scoring choice")

    def hidden_states(self, examples: Sequence[Example]) -> "np.ndarray":
        """Return the hidden states of each prompt's last token, (examples, layers, width) in single precision.

        Layers are the decoder's, without the embeddings; the last one is after the final norm.
        """
        raise ModelError(f"{self.name}: has no hidden states")

    def image_input(self, example: Example) -> ImageInput | None:
        """Return the image that the model receives for an example; ``None`` if unknown."""
        return None

    @property
    def image_settings(self) -> Mapping[str, object]:
        """Settings of the image processor by name, in JSON types; empty if `image_input` returns ``None``."""
        return {}


@runtime_checkable
class OneByOne(Protocol):
    """A model that answers each example on its own, such as one on a server: it has no batches."""

    name: str
    """Its name."""

    @property
    def request_changes(self) -> Mapping[str, str]:
        """What became of each setting that could not be requested as it is, with the reason."""
        ...

    def answer_each(
        self,
        examples: Iterable[Example],
        keep: Callable[[Example, Prediction], None],
        *,
        scoring: Literal["generate", "choice"],
        max_new_tokens: int,
        known: Container[str],
    ) -> None:
        """Answer examples and hand over every prediction as it comes, in any order and on any thread.

        Examples whose ids are ``known`` were answered before, and are passed over.
        """
        ...


class Trainable(Model, Protocol):
    """A model with local weights, with the methods that training needs."""

    model: Any
    """The network, a torch module."""
    checkpoint: Any
    """Its checkpoint, a `ninefold.models.families.Checkpoint`."""
    family: Any
    """Its family, a `ninefold.models.family.Family`."""
    encoder: Any
    """The encoder, which decodes and measures images: ``image(example)``, ``image_bytes``, ``cost(example)``."""

    def trial_logits(self, network: Any) -> Any:
        """Return a network's logits for one fixed example.

        ``network`` is ``model``, or ``model`` with an adapter.
        """
        ...

    def with_network(self, network: Any, identity: Mapping[str, object]) -> "Trainable":
        """Return this model with another network in place of its own, such as its own with an adapter."""
        ...

    def training_batch(self, examples: Sequence[Example], decoded: Sequence[Any]) -> dict[str, Any]:
        """Return the tensors of a batch with the true answers, including ``labels`` (-100: not learned)."""
        ...

    def logits(self, network: Any, batch: Mapping[str, Any]) -> tuple[Any, Any, Any]:
        """Return the logits of a batch, the true class of each row of them, and the example of each.

        There is one row for each label that is not -100, as in `losses`.
        """
        ...

    def losses(self, network: Any, batch: Mapping[str, Any]) -> tuple[Any, Any]:
        """Return the cross-entropies (K) of a batch, and the row (K) of each.

        There is one for each label that is not -100: one per answer token, or one per example for a dual encoder.
        ``network`` is ``model``, or its wrapper for training.
        """
        ...
