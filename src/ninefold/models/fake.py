"""A scripted model without torch, for fast tests of everything above the models."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ninefold import images
from ninefold.errors import ModelError
from ninefold.models.protocol import ImageInput
from ninefold.types import Example, Prediction


class FakeModel:
    """A model whose answers are the results of a function; its tokens are words."""

    def __init__(self, answer: Callable[[Example], str], *, name: str = "fake", adapter: str | None = None) -> None:
        self.answer = answer
        self.name = name
        self.identity: Mapping[str, object] = {"name": name, "adapter": adapter}
        self.image_settings: Mapping[str, object] = {"size": "as it is"}

    def predict(self, examples: Sequence[Example], *, max_new_tokens: int = 15) -> list[Prediction]:
        """Answer by script; an answer of more words than ``max_new_tokens`` is cut."""
        return [self._cut(example, max_new_tokens) for example in examples]

    def choice_scores(self, examples: Sequence[Example]) -> list[tuple[float, ...]]:
        """Return 0 for the option that the script answers with, and -1 for every other one."""
        return [tuple(float(option == self.answer(example)) - 1 for option in example.options) for example in examples]

    def hidden_states(self, examples: Sequence[Example]) -> np.ndarray:
        """Raise an error: a scripted model has no layers."""
        raise ModelError(f"{self.name}: a scripted model has no hidden states")

    def image_input(self, example: Example) -> ImageInput:
        """Return the image unchanged, as one token; the words of the prompt are the others."""
        size = images.size(example.image, name=f"example {example.id}")
        return ImageInput(size, size, tiles=1, image_tokens=1, prompt_tokens=1 + len(example.prompt.split(" ")))

    def _cut(self, example: Example, max_new_tokens: int) -> Prediction:
        text = self.answer(example)
        words = text.split(" ")
        if len(words) <= max_new_tokens:
            return Prediction(example.id, text)
        return Prediction(example.id, " ".join(words[:max_new_tokens]), truncated=True)
