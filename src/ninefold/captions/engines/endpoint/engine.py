"""The engine of a served language model: one request a caption, for JSON that holds its pairs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ninefold import store
from ninefold.captions.blocks import Block, process_block
from ninefold.captions.caption import Caption
from ninefold.captions.engines.endpoint import prompts, salvage, wording
from ninefold.captions.engines.endpoint.blocks_at_once import outcomes
from ninefold.captions.engines.endpoint.prompts import Prompt
from ninefold.captions.engines.endpoint.respondent import Asking, Request, Respondent
from ninefold.captions.engines.endpoint.responses import Response
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


class EndpointEngine(Asking):
    """A language model that writes pairs.

    Implements `ninefold.captions.engines.protocol.Engine` and `ninefold.captions.blocks.Spreading`.
    """

    def __init__(
        self,
        model: Respondent,
        *,
        prompt: Prompt = prompts.PAIRS,
        retry_failed: bool = False,
        max_new_tokens: int = 8192,
    ) -> None:
        """Name a model, and what it is asked.

        Args:
            model: The model.
            prompt: The prompt.
            retry_failed: Whether responses kept before in which no pair could be read are asked for once more.
            max_new_tokens: Maximum number of tokens of an answer.
        """
        request = Request(prompt, max_new_tokens, schema=SCHEMA)
        super().__init__(model, replace(request, is_good=_is_usable) if retry_failed else request)

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
