"""A language model on a server: asked with one text, greedily, at most once for each text and setting."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from ninefold import store
from ninefold.captions.caption import Caption
from ninefold.captions.engines.endpoint.respondent import Request, Respondent
from ninefold.captions.engines.endpoint.responses import Response
from ninefold.errors import ModelError
from ninefold.models.endpoint import address, reply
from ninefold.models.endpoint.chat import Chat
from ninefold.models.endpoint.client import Client
from ninefold.models.endpoint.in_flight import work_on
from ninefold.models.endpoint.patience import Patience
from ninefold.models.endpoint.refusals import Refused
from ninefold.models.endpoint.structured import Structured
from ninefold.models.endpoint.window import Window

Result = TypeVar("Result")

SIGN_OF_LIFE = 120.0
"""Maximum seconds in which a server that works answers a request for one token."""

_LENGTH = re.compile(r"max_(?:completion_)?tokens|context", re.IGNORECASE)
"""Pattern of a server's words on an answer or a prompt that may be too long."""


class LanguageModel(Respondent):
    """A language model on a server."""

    def __init__(
        self,
        name: str,
        *,
        responses: Path | None = None,
        concurrency: int = 64,
        tries: int = 8,
        first_wait: float = 1.0,
        timeout: float = 300.0,
    ) -> None:
        """Connect to a server and find its model.

        Args:
            name: ``openai:http://host:port/v1#model``; without ``#model`` the server's only one.
            responses: File that keeps responses as they come; None to keep them in memory.
            concurrency: Maximum number of simultaneous requests; how many there are follows the server (see `Window`).
            tries: Maximum number of tries of a request.
            first_wait: Approximate seconds before the second try; the wait doubles with each further try.
            timeout: Maximum seconds for an answer.

        Raises:
            ModelError: If the name is not such a URL, no server answers, or it has several models and none is named.
            DataError: If the file of responses is broken.
        """
        super().__init__(responses)
        url, model = address.split(name)
        window = Window(concurrency)
        self._client = Client(
            url, connections=concurrency, tries=tries, first_wait=first_wait, timeout=timeout, window=window
        )
        self._chat = Chat(self._client, model)
        self._structured = Structured(self._chat, "pairs")
        self._concurrency = concurrency
        self._answered: Caption | None = None
        self.model = self._chat.model
        self.name = str(address.identity(self.model)["name"])

    @property
    def request_changes(self) -> Mapping[str, str]:
        """What became of each parameter of the requests that the server refused, with its reason."""
        form = self._structured.form
        structured = {} if form in {None, "json_schema"} else {"response_format": f"sent as {form}"}
        return {**self._chat.form.changes, **structured}

    def respond(self, captions: Sequence[Caption], request: Request) -> list[Response]:
        """Return the response about each caption, in order; several are asked at once.

        A caption that the server refuses, or fails to answer while it answers others, has a response with the reason
        (see `Patience`), which is not kept.

        Raises:
            ModelError: If the server refuses all requests, or fails repeatedly.
            DataError: If the file of responses cannot be read or written.
        """
        found: dict[str, Response] = {}

        def keep(caption: Caption, response: Response) -> None:
            found[caption.id] = response

        patience: Patience[Caption, Response] = Patience(
            self._client, partial(self._answer, request), keep, _refused, ask_again=partial(self._show_life, request)
        )
        if self._answered is not None:
            patience.trust(self._answered)
        try:
            work_on(captions, patience.ask, at_once=min(self._concurrency, max(1, len(captions))))
            patience.end()
        except Refused as error:
            if not _LENGTH.search(error.words):
                raise
            raise ModelError(f"{error}; --max-new-tokens sets how many tokens an answer may have") from error
        return [found[caption.id] for caption in captions]

    def _answer(self, request: Request, caption: Caption) -> Response:
        messages = _messages(request, caption)
        key = store.content_id({"model": self.model, "messages": messages, **request.settings()}, 64)

        def ask() -> Response:
            response = self._complete(
                request, messages, about=f"caption {caption.id}", read=partial(self._read, request)
            )
            self._answered = caption
            return response

        return self._responses.get_or_ask(key, ask, is_good=request.is_good)

    def _complete(
        self,
        request: Request,
        messages: list[dict[str, Any]],
        *,
        about: str,
        read: Callable[[Any], Result],
        most: int | None = None,
        longest: float | None = None,
    ) -> Result:
        schema = request.schema
        ask = self._chat.complete if schema is None else partial(self._structured.complete, schema)
        length = most or request.max_new_tokens
        return ask(messages, about=about, read=read, longest=longest, max_tokens=length, **request.fields)

    def _read(self, request: Request, content: Any) -> Response:
        said = reply.read(content, request.max_new_tokens)
        text = said.text if request.text_of is None else request.text_of(content)
        return Response(
            _whole(self._client.redacted(text)),
            said.truncated,
            None if said.refused is None else _whole(self._client.line(said.refused)),
            reply.tokens(content, "prompt"),
            reply.tokens(content, "completion"),
        )

    def _show_life(self, request: Request, caption: Caption) -> None:
        """Ask about an answered caption for one token, which tells whether the server answers, and costs little."""
        messages, about = _messages(request, caption), f"caption {caption.id}, once more"
        self._complete(request, messages, about=about, read=lambda reply: True, most=1, longest=SIGN_OF_LIFE)


def _messages(request: Request, caption: Caption) -> list[dict[str, Any]]:
    return [{"role": "user", "content": request.prompt.about(caption.text)}]


def _refused(caption: Caption, error: Refused) -> Response:
    return Response("", refused=error.reason)


def _whole(text: str) -> str:
    """Return a text whose lone surrogates, which no file can hold, are replaced; pairs of them are joined."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
