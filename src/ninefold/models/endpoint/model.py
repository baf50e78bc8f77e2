"""A model on an OpenAI-compatible server (vLLM, SGLang, a hosted one), asked by chat completions. No torch here.

Greedy decoding is requested with temperature 0. Settings of the server are not visible here: vLLM, for example, takes
penalties from the checkpoint's ``generation_config.json`` unless it is started with ``--generation-config vllm``.
"""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from functools import partial
from typing import Literal

import numpy as np

from ninefold.errors import ModelError
from ninefold.models.endpoint import address, reply
from ninefold.models.endpoint.chat import Chat
from ninefold.models.endpoint.client import Client
from ninefold.models.endpoint.in_flight import work_on
from ninefold.models.endpoint.option_scores import OptionScorer
from ninefold.models.endpoint.patience import Patience
from ninefold.models.endpoint.refusals import Refused
from ninefold.types import Example, Prediction


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

    @property
    def request_changes(self) -> Mapping[str, str]:
        """What became of each parameter of the requests that the server refused, with its reason."""
        return self._chat.form.changes

    def answer_each(
        self,
        examples: Iterable[Example],
        keep: Callable[[Example, Prediction], None],
        *,
        scoring: Literal["generate", "choice"] = "generate",
        max_new_tokens: int = 15,
        known: Container[str] = frozenset(),
    ) -> None:
        """Answer examples one by one, several at once, and hand over every prediction as it comes, in any order.

        An example that the server refuses, or fails to answer, has a prediction with the reason (see `Patience`).

        Args:
            examples: The examples.
            keep: Takes an example and its prediction; called on several threads.
            scoring: Whether the answer is generated text or the most likely option.
            max_new_tokens: Maximum number of tokens of a generated answer.
            known: Ids of examples that the server answered before and that are not asked again.

        Raises:
            DataError: If an image cannot be read.
            ModelError: If the server refuses all requests, or fails repeatedly.
        """
        scorer = OptionScorer(self._chat)
        answer = partial(self._generated, max_new_tokens) if scoring == "generate" else partial(_chosen, scorer)
        patience = Patience(self._chat.client, answer, keep, _refused)
        asked = (example for example in examples if example.id not in known or patience.trust(example))
        work_on(asked, patience.ask, at_once=self.concurrency)
        patience.end()

    def predict(self, examples: Sequence[Example], *, max_new_tokens: int = 15) -> list[Prediction]:
        """Answer in free text by greedy decoding; one prediction per example, in the given order.

        Raises:
            DataError: If an image cannot be read.
            ModelError: If the server refuses all requests, or fails repeatedly.
        """
        return self._in_order(examples, max_new_tokens=max_new_tokens)

    def choice_scores(self, examples: Sequence[Example]) -> list[tuple[float, ...]]:
        """Return, for each example, the log-probability of answering with exactly each option, the end token included.

        Raises:
            DataError: If an image cannot be read.
            ModelError: If an example has no options, or the server refuses it or does not report ``prompt_logprobs``.
        """
        if open_ended := next((example.id for example in examples if not example.options), None):
            raise ModelError(f"example {open_ended}: has no options to rank; let the model write its answer instead")
        found = self._in_order(examples, scoring="choice")
        if refused := next((each for each in found if each.scores is None), None):
            raise ModelError(f"{self.name}: example {refused.id}: {refused.refused}")
        return [each.scores for each in found if each.scores is not None]

    def hidden_states(self, examples: Sequence[Example]) -> np.ndarray:
        """Raise an error: a server reports no hidden states."""
        raise ModelError(f"{self.name}: a server tells no hidden states; name the checkpoint itself with --model")

    def image_input(self, example: Example) -> None:
        """Return None: only the server knows the model's image input."""

    def _in_order(
        self,
        examples: Sequence[Example],
        *,
        scoring: Literal["generate", "choice"] = "generate",
        max_new_tokens: int = 15,
    ) -> list[Prediction]:
        found: dict[int, Prediction] = {}

        def keep(example: Example, prediction: Prediction) -> None:
            found[id(example)] = prediction

        self.answer_each(examples, keep, scoring=scoring, max_new_tokens=max_new_tokens)
        return [found[id(example)] for example in examples]

    def _generated(self, max_new_tokens: int, example: Example) -> Prediction:
        said = self._chat.complete(
            [self._chat.user_turn(example)],
            about=f"example {example.id}",
            read=partial(reply.read, max_new_tokens=max_new_tokens),
            max_tokens=max_new_tokens,
        )
        client = self._chat.client
        refused = None if said.refused is None else client.line(said.refused)
        return Prediction(example.id, client.redacted(said.text), said.truncated, refused=refused)


def _refused(example: Example, error: Refused) -> Prediction:
    return Prediction(example.id, "", refused=error.reason)


def _chosen(scorer: OptionScorer, example: Example) -> Prediction:
    scores = scorer.scores(example)
    return Prediction(example.id, example.options[scores.index(max(scores))], scores=scores)
