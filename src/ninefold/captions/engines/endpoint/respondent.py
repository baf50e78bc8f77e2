"""What answers requests about captions, and what asks it: shared by models on servers and on clusters."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ninefold.captions.caption import Caption
from ninefold.captions.engines.endpoint.prompts import Prompt
from ninefold.captions.engines.endpoint.responses import Response, Responses, Usage


@dataclass(frozen=True)
class Request:
    """What is asked about a caption, and how the reply is read."""

    prompt: Prompt
    """The prompt."""
    max_new_tokens: int
    """Maximum number of tokens of the answer."""
    schema: Mapping[str, Any] | None = None
    """JSON schema of the answer; None for free text."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of the request."""
    text_of: Callable[[Any], str] | None = None
    """Text that is kept of the server's whole reply; by default what the model says."""
    is_good: Callable[[Response], bool] = lambda response: True
    """Whether a response that was kept before is to be used, rather than asked for once more."""

    def settings(self) -> dict[str, Any]:
        """Return everything but the prompt that determines the response, in JSON types."""
        return {
            "temperature": 0,
            "max_new_tokens": self.max_new_tokens,
            "schema": self.schema,
            **self.fields,
        }


class Respondent(ABC):
    """A language model that answers requests about captions, with the responses that it has given."""

    name: str
    """Its name in options and cards."""
    model: str
    """The name of the model."""

    def __init__(self, responses: Path | None) -> None:
        """Open the file that keeps responses as they come; None to keep them in memory.

        Raises:
            DataError: If the file is broken.
        """
        self._responses = Responses(responses)

    @property
    def usage(self) -> Usage:
        """What the requests of this process have cost so far."""
        return self._responses.usage

    @property
    def usage_of_all_runs(self) -> Usage:
        """What all responses that are kept have cost, also those of earlier processes."""
        return self._responses.total()

    @property
    def request_changes(self) -> Mapping[str, str]:
        """What became of each parameter of the requests that was refused, with its reason."""
        return {}

    def keep_in(self, responses: Path, *, earlier: Path | None = None) -> None:
        """Keep responses in another file from now on; ``earlier`` is read too, and nobody writes to it meanwhile."""
        self._responses.close()
        self._responses = Responses(responses, earlier=earlier)

    @abstractmethod
    def respond(self, captions: Sequence[Caption], request: Request) -> list[Response]:
        """Return the response about each caption, in order.

        A caption that is refused has a response with the reason, which is not kept.

        Raises:
            ModelError: If the model cannot be asked, or fails repeatedly.
            DataError: If the file of responses cannot be read or written.
        """


class Asking:
    """What asks a language model one request about each caption: an engine, or a filter."""

    def __init__(self, model: Respondent, request: Request) -> None:
        """Select a model, and what it is asked."""
        self._model = model
        self._request = request
        self.name = model.name

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
