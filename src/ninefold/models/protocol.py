"""The protocol of models: the few methods that all other rooms use, and nothing of how they compute."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ninefold.errors import ModelError
from ninefold.types import Example, Prediction

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class ImageInput:
    """The image that a model finally receives."""

    image: tuple[int, int]
    """Width and height of the image as it is."""
    pixels: tuple[int, int] | None
    """Width and height of all tiles together, without a thumbnail and with padding; ``None`` where it is not known."""
    tiles: int
    """Number of tiles that the vision tower encodes, with a thumbnail of the whole; 0 where it is not known."""
    image_tokens: int
    """Number of image tokens in the sequence; 0 for a dual encoder, which has no such sequence."""
    prompt_tokens: int
    """Length of the whole prompt in tokens, with the image tokens."""
    share: float = 1.0
    """Share of the image's area that is kept: less than 1 where the sides are cropped."""


class Model(Protocol):
    """A model that answers examples. What it cannot do raises `ninefold.errors.ModelError`.

    A model of a user's own needs only ``name`` and `predict` where it inherits from this class.
    """

    @property
    def name(self) -> str:
        """The name it was opened by, as tables and figures show it."""
        ...

    @property
    def identity(self) -> Mapping[str, object]:
        """Everything about the model that changes its answers, in JSON's types: checkpoint, adapter, precision.

        The key ``adapter`` is ``None`` for a base model.
        """
        return {"name": self.name, "adapter": None}

    def predict(self, examples: Sequence[Example], *, max_new_tokens: int = 15) -> list[Prediction]:
        """Answer in free text by greedy decoding; one prediction an example, in the order given."""
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
        """Return the image that the model receives of an example; ``None`` where that is not known here."""
        return None

    @property
    def image_settings(self) -> Mapping[str, object]:
        """Settings of the image processor by name, in JSON's types; empty where `image_input` returns ``None``."""
        return {}


class Trainable(Model, Protocol):
    """A model whose weights are local, with what training needs besides."""

    model: Any
    """The network, a module of torch."""
    checkpoint: Any
    """Its checkpoint, a `ninefold.models.families.Checkpoint`."""
    family: Any
    """Its family, a `ninefold.models.family.Family`."""
    encoder: Any
    """Decodes and measures images: ``image(example)``, ``image_bytes``, ``cost(example)``."""

    def training_batch(self, examples: Sequence[Example], decoded: Sequence[Any]) -> dict[str, Any]:
        """Return the tensors of a batch with the true answers, ``labels`` among them (-100: not learned)."""
        ...

    def losses(self, network: Any, batch: Mapping[str, Any]) -> tuple[Any, Any]:
        """Return the cross-entropies (K) of a batch, and the row (K) each belongs to.

        There is one for each label that is not -100: one an answer token, or one an example where it is chosen from a
        list. ``network`` is ``model``, or what wraps it to train it.
        """
        ...
