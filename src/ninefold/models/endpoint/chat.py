"""Chat completions of a served model: the message that asks an example, and the reply of the server."""

from collections.abc import Callable
from typing import Any, TypeVar

from ninefold.errors import DataError, ModelError
from ninefold.models.endpoint.address import PREFIX
from ninefold.models.endpoint.client import Client
from ninefold.models.endpoint.refusals import Refused
from ninefold.models.endpoint.reply import OddReply
from ninefold.models.endpoint.request_form import RequestForm
from ninefold.portable import data_url
from ninefold.types import Example, ImageSource

Result = TypeVar("Result")


class Chat:
    """A model on a server, asked by chat completions; shared by threads."""

    def __init__(self, client: Client, model: str = "", *, image_url: Callable[[ImageSource], str] = data_url) -> None:
        """Select a model of a server.

        Args:
            client: The connection to the server.
            model: The server's name of the model; empty if it has only one.
            image_url: A function from an image to the URL to send.

        Raises:
            ModelError: If no server answers at the URL, or it has several models and none is named.
        """
        client.greet()
        self.client = client
        self.url = client.url
        self.image_url = image_url
        self.form = RequestForm(client.url)
        self.model = model or _only_model(client)

    def complete(
        self,
        messages: list[dict[str, Any]],
        *,
        about: str,
        read: Callable[[Any], Result],
        longest: float | None = None,
        **options: object,
    ) -> Result:
        """Return what is read from the server's reply to messages, decoded greedily.

        A parameter that the server refuses is left out or renamed, once and for all requests (see `RequestForm`).

        Args:
            messages: The messages of the conversation so far.
            about: The request's name in errors, e.g. its example.
            read: A function of the reply; `OddReply` if it is not what was asked for.
            longest: Maximum seconds for the whole reply, if less than for other requests.
            options: Further fields of the request, such as ``max_tokens``.

        Raises:
            Refused: If the server refuses this one request, or answers it with something else.
            ModelError: If the server refuses all requests, or fails repeatedly.
        """
        plain = {"model": self.model, "messages": messages, "temperature": 0, "seed": 0, **options}
        while True:
            body = self.form.formed(plain)
            try:
                return self.client.send("POST", "/chat/completions", body, about=about, read=read, longest=longest)
            except Refused as error:
                if not self.form.adapt(body, error):
                    raise

    def user_turn(self, example: Example) -> dict[str, Any]:
        """Return the message that asks an example, the image before the text.

        Raises:
            DataError: If the image cannot be read.
        """
        try:
            url = self.image_url(example.image)
        except DataError as error:
            raise DataError(f"example {example.id}: {error}") from error
        image = {"type": "image_url", "image_url": {"url": url}}
        return {"role": "user", "content": [image, {"type": "text", "text": example.prompt}]}


def _only_model(client: Client) -> str:
    try:
        names = client.send("GET", "/models", about="its list of models", read=_names)
    except Refused as error:
        raise ModelError(f"{error}; say which model is meant: {PREFIX}{client.url}#name") from error
    if len(names) != 1:
        listed = client.line(", ".join(sorted(names)[:20])) or "none"
        raise ModelError(f"{client.url}: say which model is meant, {PREFIX}{client.url}#name; it has: {listed}")
    return names[0]


def _names(reply: Any) -> list[str]:
    rows = reply.get("data") if isinstance(reply, dict) else None
    if not isinstance(rows, list):
        raise OddReply("lists no models")
    names = [row.get("id") for row in rows if isinstance(row, dict)]
    return [name for name in names if isinstance(name, str) and name.isprintable()]
