"""The address of a model on a server, ``openai:URL#model``, and its identity, which does not contain the URL."""

from typing import Any

PREFIX = "openai:"
"""Prefix of endpoint names; the URL follows and, after a #, the server's name of the model."""


def split(name: str) -> tuple[str, str]:
    """Return the URL and the model's name, which may be empty, of an address."""
    url, _, model = name.removeprefix(PREFIX).partition("#")
    return url, model


def identity(model: str) -> dict[str, Any]:
    """Return the identity of a served model: the same on every host and port; a run may resume on another one."""
    return {"name": f"{PREFIX}{model}", "family": "endpoint", "nano": False, "model": model, "adapter": None}
