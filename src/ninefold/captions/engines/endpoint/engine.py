"""The engine of a served language model: one request a caption, for JSON that holds its pairs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ninefold import store
from ninefold.captions.blocks import Block, process_block
from ninefold.captions.caption import Caption
from ninefold.captions.engines.endpoint import prompts, salvage, wording
from ninefold.captions.engines.endpoint.blocks_at_once import outcomes
from ninefold.captions.engines.endpoint.language_model import LanguageModel, Request, Respondent
from ninefold.captions.engines.endpoint.responses import Response, Usage
from ninefold.captions.engines.protocol import Filter
from ninefold.captions.pair import Generated

SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "pairs": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"question": {"type": "string"}, "answer": {"type": "string"}},
                "required": ["question", "answer"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["pairs"],
    "additionalProperties": False,
}
"""JSON schema of an answer. It has no limits of length, with which some servers' grammars become huge."""


class EndpointEngine:
    """A served language model that writes pairs.

    Implements `ninefold.captions.engines.protocol.Engine` and `ninefold.captions.blocks.Spreading`.
    """

    def __init__(
        self,
        model: str | Respondent,
        *,
        responses: Path | None = None,
        prompt: Path | None = None,
        retry_failed: bool = False,
        max_new_tokens: int = 8192,
        concurrency: int = 64,
        timeout: float = 300.0,
        tries: int = 8,
        first_wait: float = 1.0,
    ) -> None:
        """Connect to a server and find its model.

        Args:
            model: ``openai:http://host:port/v1#model``, without ``#model`` the server's only one; or any other model,
                with which the settings of connections mean nothing.
            responses: File that keeps responses as they come, so that no run pays one twice; None for memory.
            prompt: File of another prompt, with ``{description}`` where the caption goes.
            retry_failed: Whether responses kept before in which no pair could be read are asked for once more.
            max_new_tokens: Maximum number of tokens of an answer.
            concurrency: Maximum number of simultaneous requests.
            timeout: Maximum seconds for an answer.
            tries: Maximum number of tries of a request.
            first_wait: Approximate seconds before the second try; the wait doubles with each further try.

        Raises:
            ModelError: If no server answers at the URL, or it has several models and none is named.
            DataError: If the prompt has no place for the caption, or the file of responses is broken.
        """
        self._request = Request(prompts.chosen(prompt, prompts.PAIRS), max_new_tokens, schema=SCHEMA)
        if retry_failed:
            self._request = replace(self._request, is_good=_is_usable)
        self._model: Respondent = (
            LanguageModel(
                model, responses=responses, concurrency=concurrency, timeout=timeout, tries=tries, first_wait=first_wait
            )
            if isinstance(model, str)
            else model
        )
        self.name = self._model.name

    @property
    def usage(self) -> Usage:
        """What the requests of this process have cost so far."""
        return self._model.usage

    @property
    def usage_of_all_runs(self) -> Usage:
        """What all responses of the file have cost, also those of earlier processes."""
        return self._model.usage_of_all_runs

    @property
    def request_changes(self) -> Mapping[str, str]:
        """What became of each parameter of the requests that the server refused."""
        return self._model.request_changes

    def keep_in(self, responses: Path, *, earlier: Path | None = None) -> None:
        """Keep responses in another file from now on; ``earlier`` is read too, and nobody writes to it meanwhile."""
        self._model.keep_in(responses, earlier=earlier)

    def settings(self) -> Mapping[str, Any]:
        """Return the model, the prompt's hash and the limits; not the URL, so that another host may go on."""
        return {
            "engine": "endpoint",
            "model": self._model.model,
            "prompt": self._request.prompt.hash,
            **self._request.settings(),
            "schema": store.content_id(SCHEMA),
            "reader": salvage.VERSION,
        }

    def generate(self, captions: Sequence[Caption]) -> list[Generated]:
        """Return what the model writes about each caption, in order; several are asked at once.

        Raises:
            ModelError: If the server refuses all requests, or fails repeatedly.
            DataError: If the file of responses cannot be read or written.
        """
        responses = self._model.respond(captions, self._request)
        return [_generated(caption, response) for caption, response in zip(captions, responses, strict=True)]

    def spread(self, blocks: Iterable[Block], judge: Filter | None) -> Iterator[tuple[int, Sequence[Generated]]]:
        """Yield number and outcome of each block as it ends; several are under way, on threads.

        Raises:
            NinefoldError: If the server refuses all requests, or fails repeatedly; or if the filter cannot go on.
        """
        return outcomes(blocks, lambda block: process_block(block.captions, judge, self))


def _is_usable(response: Response) -> bool:
    return not _generated(Caption("", ""), response).failed


def _generated(caption: Caption, response: Response) -> Generated:
    tokens = {"prompt": response.prompt_tokens, "completion": response.completion_tokens}
    if response.refused is not None:
        return Generated(failed=f"refused: {response.refused}", raw=response.text, tokens=tokens)
    said = salvage.salvaged(response.text, truncated=response.truncated)
    if said.broken and not said.pairs:
        return Generated(failed=said.broken, raw=response.text, tokens=tokens)
    return Generated(
        wording.pairs_of(caption, said.pairs),
        broken=said.broken,
        raw=response.text if said.broken else "",
        tokens=tokens,
    )
