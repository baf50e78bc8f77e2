"""The address of a model on a server, ``openai:URL#model``, and its identity, which knows no URL."""

from typing import Any

PREFIX = "openai:"
"""What the names of endpoints begin with; a URL follows, and after a # the name the server gives the model."""


def split(name: str) -> tuple[str, str]:
    """Return the URL and the model's name, which may be empty, of an address."""
    url, _, model = name.removeprefix(PREFIX).partition("#")
    return url, model


def identity(model: str) -> dict[str, Any]:
    """Return the identity of a served model: the same on every host and port, as its run goes on from any of them."""
    return {"name": f"{PREFIX}{model}", "family": "endpoint", "nano": False, "model": model, "adapter": None}
