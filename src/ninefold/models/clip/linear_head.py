"""A linear head on the frozen image features of a dual encoder: does its vision know where a thing is?

It reads no question, so it can only be right about the one thing in an image. No torch here.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from ninefold import images
from ninefold.analysis import readout
from ninefold.errors import DataError, ModelError
from ninefold.models import identity
from ninefold.models.checkpoint.files import check_safetensors
from ninefold.models.protocol import ImageInput
from ninefold.models.registry import Fitted, register_model
from ninefold.models.spec import ModelSpec
from ninefold.runs import layout, lineage
from ninefold.store import file_hash
from ninefold.types import Example, Prediction

if TYPE_CHECKING:
    from ninefold.models.clip.image_features import Kind
    from ninefold.models.clip.model import DualEncoder

KINDS: tuple["Kind", ...] = ("pooled", "patches")
"""The features that a head may read."""


class LinearHead:
    """A linear head on a frozen dual encoder; implements `ninefold.models.protocol.Model`.

    Without an adapter it is untrained, and takes the first option.
    """

    def __init__(self, name: str, base: ModelSpec, kind: "Kind", spec: ModelSpec) -> None:
        """Describe the model; its base is opened when it is first needed.

        Args:
            name: The model's name.
            base: The dual encoder.
            kind: The features that the head reads.
            spec: The model and its options.

        Raises:
            ModelError: If there is no such base, or the adapter holds no head.
        """
        self.name = name
        self.kind = kind
        self.base_spec = base
        self._weights = None if spec.adapter is None else lineage.adapter_folder(spec.adapter) / layout.ADAPTER_WEIGHTS
        if self._weights is not None and not self._weights.is_file():
            raise ModelError(f"{spec.adapter}: holds no linear head, as it has no {layout.ADAPTER_WEIGHTS}")

    @property
    def identity(self) -> Mapping[str, object]:
        """The base, the features and the head."""
        base = identity.resolve(self.base_spec) or self.base.identity
        adapter = None if self._weights is None else file_hash(self._weights)
        return {"name": self.name, "base": dict(base), "features": self.kind, "adapter": adapter}

    @cached_property
    def base(self) -> "DualEncoder":
        """The dual encoder.

        Raises:
            ModelError: If it cannot be opened, or is another kind of model.
        """
        from ninefold.models.clip.model import DualEncoder

        return DualEncoder.load(self.base_spec)

    @property
    def image_settings(self) -> Mapping[str, object]:
        """Settings of the base's image processor."""
        return self.base.image_settings

    def image_input(self, example: Example) -> ImageInput:
        """Return the image that the base receives."""
        side = self.base.encoder.side
        size = images.size(example.image, name=f"example {example.id}")
        return ImageInput(size, (side, side), tiles=1, image_tokens=0, prompt_tokens=0)

    def predict(self, examples: Sequence[Example], *, max_new_tokens: int = 15) -> list[Prediction]:
        """Answer with the option of the largest value, in the given order."""
        return [
            Prediction(example.id, example.options[scores.index(max(scores))], scores=scores)
            for example, scores in zip(examples, self.choice_scores(examples), strict=True)
        ]

    def choice_scores(self, examples: Sequence[Example]) -> list[tuple[float, ...]]:
        """Return the log-softmax of the values of each example's options.

        Raises:
            ModelError: If an example has no options, or one that the head was not trained on.
        """
        if open_ended := next((example.id for example in examples if not example.options), None):
            raise ModelError(f"example {open_ended}: has no options, and {self.name} can do nothing but choose")
        if self._weights is None or not examples:
            return [(-float(np.log(len(example.options))),) * len(example.options) for example in examples]
        head, labels = self._head
        values_NC = head.values(self.features(examples))
        return [self._scores(example, row_C, labels) for example, row_C in zip(examples, values_NC, strict=True)]

    def hidden_states(self, examples: Sequence[Example]) -> NoReturn:
        """Raise an error: a linear head has no layers."""
        raise ModelError(f"{self.name}: a linear head has no hidden states; probe a model that writes")

    def features(self, examples: Sequence[Example]) -> np.ndarray:
        """Return the features (examples, width) that the head reads."""
        from ninefold.models.clip.image_features import image_features

        return image_features(self.base, examples, self.kind)

    def _scores(self, example: Example, row_C: np.ndarray, labels: Sequence[str]) -> tuple[float, ...]:
        if unknown := [option for option in example.options if option not in labels]:
            raise ModelError(f"{self.name}: was trained on {', '.join(labels)}, not on {unknown[0]!r}")
        values = row_C[[labels.index(option) for option in example.options]].astype(np.float64)
        return tuple((values - np.log(np.exp(values - values.max()).sum()) - values.max()).tolist())

    @cached_property
    def _head(self) -> tuple[readout.Readout, list[str]]:
        from safetensors.numpy import load_file

        assert self._weights is not None
        check_safetensors(self._weights)
        held = load_file(self._weights)
        if held.keys() != {"weights", "offsets", "labels"}:
            raise ModelError(f"{self._weights}: holds no linear head; name a training run of {self.name}")
        return readout.Readout(held["weights"], held["offsets"]), held["labels"].tobytes().decode().split("\n")


def register_heads(base: str, name: str) -> None:
    """Register the heads of a dual encoder as the models ``NAME-pooled`` and ``NAME-patches``, which can be trained."""
    for kind in KINDS:
        opener = partial(LinearHead, f"{name}-{kind}", ModelSpec(base), kind)
        register_model(f"{name}-{kind}", opener, fit=partial(_fit, opener))


def _fit(
    opener: "partial[LinearHead]", spec: ModelSpec, train: Sequence[Example], validation: Sequence[Example], seed: int
) -> Fitted:
    """Return the head with the least validation loss; the solution is exact, and the seed changes nothing."""
    head = opener(spec)
    labels = sorted({example.answer for example in train})
    if unknown := sorted({example.answer for example in validation} - set(labels)):
        raise DataError(f"{head.name}: the validation examples have the answer {unknown[0]!r}, which no training has")
    classes, features = [], []
    for examples in (train, validation):
        shown = list(examples)
        classes.append(np.array([labels.index(example.answer) for example in shown]))
        features.append(head.features(shown))
    fitted = readout.fit(features[0], classes[0], features[1], classes[1], len(labels))
    arrays = {
        "weights": np.ascontiguousarray(fitted.weights_DC, np.float32),
        "offsets": fitted.offsets_C,
        "labels": np.frombuffer("\n".join(labels).encode(), np.uint8),
    }
    return Fitted(arrays, *(fitted.loss(some, known) for some, known in zip(features, classes, strict=True)))
