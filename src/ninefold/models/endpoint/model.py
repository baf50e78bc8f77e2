"""A model on an OpenAI-compatible server (vLLM, SGLang, a hosted one), asked by chat completions. No torch here.

Greedy decoding is requested with temperature 0. Settings of the server are not visible here: vLLM, for example, takes
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
        """Connect to a server and find its model.

        Args:
            name: ``openai:http://host:port/v1#model``; without ``#model`` the server's only one.
            concurrency: Number of simultaneous requests.
            tries: Maximum number of tries of a request.
            first_wait: Approximate seconds before the second try; the wait doubles with each further try.
            timeout: Maximum seconds for an answer.

        Raises:
            ModelError: If the name is not such a URL, no server answers, or it has several models and none is named.
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
        """Answer in free text by greedy decoding; one prediction per example, in the given order.

        Raises:
            DataError: If an image cannot be read.
            ModelError: If the server refuses, or fails repeatedly.
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
            ModelError: If an example has no options, or the server does not report ``prompt_logprobs``.
        """
        if open_ended := next((example.id for example in examples if not example.options), None):
            raise ModelError(f"example {open_ended}: has no options to rank; let the model write its answer instead")
        return self._each(OptionScorer(self._chat, examples[0]).scores, examples) if examples else []

    def hidden_states(self, examples: Sequence[Example]) -> np.ndarray:
        """Raise an error: a server reports no hidden states."""
        raise ModelError(f"{self.name}: a server tells no hidden states; name the checkpoint itself with --model")

    def image_input(self, example: Example) -> None:
        """Return None: only the server knows the model's image input."""

    def _each(self, function: Callable[[Example], Result], examples: Sequence[Example]) -> list[Result]:
        with ThreadPoolExecutor(self.concurrency) as pool:
            return list(pool.map(function, examples))
