"""Chat completions of a served model: the message that asks an example, and the reply of the server."""

from collections.abc import Callable
from typing import Any

from ninefold.errors import DataError, ModelError
from ninefold.models.endpoint.address import PREFIX
from ninefold.models.endpoint.client import Client
from ninefold.models.endpoint.data_url import data_url
from ninefold.types import Example, ImageSource


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
        self.model = model or _only_model(client)

    def complete(self, messages: list[dict[str, Any]], *, about: str, **options: object) -> Any:
        """Return the server's reply to messages, decoded greedily.

        Args:
            messages: The messages of the conversation so far.
            about: The request's name in errors, e.g. its example.
            options: Further fields of the request, such as ``max_tokens``.

        Raises:
            ModelError: If the server refuses, or fails repeatedly.
        """
        body = {"model": self.model, "messages": messages, "temperature": 0, "seed": 0, **options}
        return self.client.send("POST", "/chat/completions", body, about=about)

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
    reply = client.send("GET", "/models", about="its list of models")
    try:
        names = [str(row["id"]) for row in reply["data"]]
    except (KeyError, TypeError) as error:
        raise ModelError(f"{client.url}: lists no models; say which is meant: {PREFIX}{client.url}#name") from error
    if len(names) != 1:
        listed = ", ".join(sorted(names)[:20]) or "none"
        raise ModelError(f"{client.url}: say which model is meant, {PREFIX}{client.url}#name; it has: {listed}")
    return names[0]
