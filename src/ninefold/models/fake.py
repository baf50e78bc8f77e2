"""A scripted model without torch: every layer above the models is tested with it in milliseconds."""

from collections.abc import Callable, Mapping, Sequence

from ninefold.types import Example, Prediction


class FakeModel:
    """A model that answers with whatever a function returns; its tokens are words."""

    def __init__(self, answer: Callable[[Example], str], *, name: str = "fake", adapter: str | None = None) -> None:
        self.answer = answer
        self.name = name
        self.identity: Mapping[str, object] = {"name": name, "adapter": adapter}

    def predict(self, examples: Sequence[Example], *, max_new_tokens: int = 15) -> list[Prediction]:
        """Answer by script; an answer of more words than ``max_new_tokens`` is cut."""
        return [self._cut(example, max_new_tokens) for example in examples]

    def choice_scores(self, examples: Sequence[Example]) -> list[tuple[float, ...]]:
        """Return 0 for the option that the script answers with, and -1 for every other one."""
        return [tuple(float(option == self.answer(example)) - 1 for option in example.options) for example in examples]

    def _cut(self, example: Example, max_new_tokens: int) -> Prediction:
        text = self.answer(example)
        words = text.split(" ")
        if len(words) <= max_new_tokens:
            return Prediction(example.id, text)
        return Prediction(example.id, " ".join(words[:max_new_tokens]), truncated=True)
