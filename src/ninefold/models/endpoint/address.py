"""Names of models that answer elsewhere: on a server, ``openai:URL#model``, or in a batch, ``batch:PATH``."""

from typing import Any

PREFIX = "openai:"
"""Prefix of endpoint names; the URL follows and, after a #, the server's name of the model."""

BATCH = "batch:"
"""Prefix of answers that were collected before; the path of their file or folder follows."""


def is_elsewhere(name: str) -> bool:
    """Whether a name is that of a model without weights here."""
    return name.startswith((PREFIX, BATCH))


def split(name: str) -> tuple[str, str]:
    """Return the URL and the model's name, which may be empty, of an address."""
    url, _, model = name.removeprefix(PREFIX).partition("#")
    return url, model


def identity(model: str) -> dict[str, Any]:
    """Return the identity of a served model: the same on every host and port; a run may resume on another one."""
    return {"name": f"{PREFIX}{model}", "family": "endpoint", "nano": False, "model": model, "adapter": None}
