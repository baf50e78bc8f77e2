"""The base URL of a server, and the API key to it, from the environment."""

import os
from urllib.parse import urlsplit

import httpx2

from ninefold.errors import ModelError

KEYS = ("NINEFOLD_API_KEY", "OPENAI_API_KEY")
"""Environment variables for the server's API key; the first one set is used."""


def checked(url: str) -> str:
    """Return the base URL of a server without a slash at its end.

    Raises:
        ModelError: If it is no URL, or contains a user, a password or a query.
    """
    # Neither error contains the address: it may include a password.
    if "@" in url or "?" in url:
        raise ModelError(
            f"the server's address holds a user, a password or a query; put its key in {KEYS[0]} (environment) instead"
        )
    try:
        parts = urlsplit(url)
        sound = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0 and httpx2.URL(url).host
    except (ValueError, httpx2.InvalidURL):
        sound = False
    if not sound:
        raise ModelError("the server's address is no URL; write openai:http://host:port/v1#model")
    return url.rstrip("/")


def api_key() -> tuple[str, str]:
    """Return the environment variable that holds the API key, and the key; both empty if none is set.

    Raises:
        ModelError: If the variable holds what cannot be a key.
    """
    name = next((name for name in KEYS if os.environ.get(name, "").strip()), "")
    key = os.environ.get(name, "").strip()
    if not (key.isascii() and key.isprintable()):
        raise ModelError(f"{name}: holds letters that no key has; set it again")
    return name, key
