"""A model behind an OpenAI-compatible URL (vLLM, SGLang, a hosted one), asked by chat completions. No torch here.

Greedy decoding is asked for with temperature 0. Settings of the server cannot be seen from here: vLLM, for one, takes
penalties from the checkpoint's ``generation_config.json`` unless it is started with ``--generation-config vllm``.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from ninefold.errors import ModelError
from ninefold.models.endpoint import address
from ninefold.models.endpoint.chat import Chat
from ninefold.models.endpoint.client import Client
from ninefold.models.endpoint.option_scores import OptionScorer
from ninefold.types import Example, Prediction

Result = TypeVar("Result")


class Endpoint:
    """A model on a server; implements `ninefold.models.protocol.Model`."""

    def __init__(
        self, name: str, *, concurrency: int = 8, tries: int = 8, first_wait: float = 1.0, timeout: float = 300.0
    ) -> None:
        """Find a server and the model it serves.

        Args:
            name: ``openai:http://host:port/v1#model``; without ``#model`` the only one that the server has.
            concurrency: Number of requests at once.
            tries: How often a request is sent before it is given up.
            first_wait: Approximate seconds before the second try; the wait doubles with every further one.
            timeout: Seconds that an answer may take.

        Raises:
            ModelError: If the name is no such URL, nothing answers there, or it must be said which model is meant.
        """
        url, model = address.split(name)
        client = Client(url, connections=concurrency, tries=tries, first_wait=first_wait, timeout=timeout)
        self._chat = Chat(client, model)
        self.concurrency = concurrency
        self.model = self._chat.model
        self.identity: Mapping[str, object] = address.identity(self.model)
        self.name = str(self.identity["name"])
        self.image_settings: Mapping[str, object] = {}

    def predict(self, examples: Sequence[Example], *, max_new_tokens: int = 15) -> list[Prediction]:
        """Answer in free text by greedy decoding; one prediction an example, in the order given.

        Raises:
            DataError: If an image cannot be read.
            ModelError: If the server refuses, or fails again and again.
        """

        def answer(example: Example) -> Prediction:
            reply = self._chat.complete(
                [self._chat.user_turn(example)], about=f"example {example.id}", max_tokens=max_new_tokens
            )
            try:
                choice = reply["choices"][0]
                text = choice["message"]["content"]
                return Prediction(example.id, "" if text is None else str(text), choice["finish_reason"] == "length")
            except (KeyError, IndexError, TypeError) as error:
                raise ModelError(f"{self._chat.url}: its answer is no chat completion; is it the URL's /v1?") from error

        return self._each(answer, examples)

    def choice_scores(self, examples: Sequence[Example]) -> list[tuple[float, ...]]:
        """Return, for each example, the log-probability of answering with exactly each option, the end token included.

        Raises:
            DataError: If an image cannot be read.
            ModelError: If an example has no options, or the server does not report what is needed.
        """
        if open_ended := next((example.id for example in examples if not example.options), None):
            raise ModelError(f"example {open_ended}: has no options to rank; let the model write its answer instead")
        return self._each(OptionScorer(self._chat, examples[0]).scores, examples) if examples else []

    def hidden_states(self, examples: Sequence[Example]) -> np.ndarray:
        """Refuse: a server reports no hidden states."""
        raise ModelError(f"{self.name}: a server tells no hidden states; name the checkpoint itself with --model")

    def image_input(self, example: Example) -> None:
        """Return nothing: what becomes of an image is known to the server alone."""

    def _each(self, function: Callable[[Example], Result], examples: Sequence[Example]) -> list[Result]:
        with ThreadPoolExecutor(self.concurrency) as pool:
            return list(pool.map(function, examples))
