"""JSON requests to a server, with retries; the API key is sent in one header and appears nowhere else."""

import email.utils
import os
from datetime import UTC, datetime
from time import sleep
from typing import Any
from urllib.parse import urlsplit

import httpx2

from ninefold.errors import ModelError
from ninefold.seeding import rng

KEYS = ("NINEFOLD_API_KEY", "OPENAI_API_KEY")
"""Environment variables for the server's API key; the first one set is used."""

LONGEST_WAIT = 120.0
"""Maximum seconds between two tries, whatever a server requests."""

_TRANSIENT = {408, 409, 429}
"""HTTP statuses below 500 after which a retry may succeed."""

_MESSAGE_LENGTH = 200
"""Maximum number of characters of a server's message in an error."""


class Client:
    """A connection to a server, shared by threads."""

    def __init__(self, url: str, *, connections: int, tries: int, first_wait: float, timeout: float) -> None:
        """Check an address; nothing is sent yet.

        Args:
            url: The base URL, usually ending in ``/v1``.
            connections: Maximum number of simultaneous requests.
            tries: Maximum number of tries of a request.
            first_wait: Approximate seconds before the second try; the wait doubles with each further try.
            timeout: Maximum seconds for an answer.

        Raises:
            ModelError: If it is not the address of a server, or contains a user, a password or a query.
        """
        self.url = _checked(url)
        self._tries = tries
        self._first_wait = first_wait
        self._variable, self._key = _key()
        self._http = httpx2.Client(
            headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
            limits=httpx2.Limits(max_connections=connections, max_keepalive_connections=connections),
            timeout=timeout,
        )

    def greet(self) -> None:
        """Check with one request that a server answers.

        Raises:
            ModelError: If none answers.
        """
        try:
            self._http.get(f"{self.url}/models")
        except httpx2.RequestError as error:
            raise ModelError(
                f"{self.url}: no server answers there ({self._line(str(error)) or type(error).__name__}); "
                "start it, or mend the address"
            ) from error

    def send(self, method: str, path: str, body: object = None, *, about: str) -> Any:
        """Send a request, with retries while they may succeed, and return the JSON of its answer.

        The wait doubles with every retry, with jitter to spread many callers; if the server states a time to wait, that
        is used.

        Args:
            method: "GET" or "POST".
            path: The path after the base URL.
            body: The content to send as JSON.
            about: The request's name in errors, e.g. its example.

        Raises:
            ModelError: If the server refuses the request, fails at every try, or does not answer with JSON.
        """
        problem, wait = "", None
        for attempt in range(self._tries):
            if attempt:
                jitter = rng(0, "backoff", about, attempt).uniform(0.5, 1.0)
                backoff = self._first_wait * 2 ** (attempt - 1) * jitter
                sleep(min(LONGEST_WAIT, backoff if wait is None else wait))
            try:
                response = self._http.request(method, self.url + path, json=body)
            except httpx2.RequestError as error:
                problem, wait = self._line(str(error)) or type(error).__name__, None
                continue
            if response.is_success:
                try:
                    return response.json()
                except ValueError as error:
                    raise ModelError(f"{self.url}: {about}: the server answers no JSON; is this its /v1?") from error
            problem, wait = f"status {response.status_code}, {self._message(response)}", _retry_after(response)
            if response.status_code < 500 and response.status_code not in _TRANSIENT:
                raise ModelError(f"{self.url}: {about}: {problem}{self._advice(response.status_code)}")
        raise ModelError(
            f"{self.url}: {about}: given up after {self._tries} tries ({problem}); "
            "mend the server, then the same command goes on from here"
        )

    def _advice(self, status: int) -> str:
        if status in {401, 403}:
            return f"; the key in {self._variable} is not taken" if self._key else f"; put a key in {KEYS[0]}"
        return "; does the address end in /v1, and is the model of this name there?" if status == 404 else ""

    def _message(self, response: httpx2.Response) -> str:
        """Return the first line of a server's error message."""
        try:
            content = response.json()
        except ValueError:
            content = None
        if isinstance(content, dict):
            inner = content.get("error") or content.get("message") or content.get("detail")
            content = inner.get("message") if isinstance(inner, dict) else inner
        return self._line(str(content or response.text)) or response.reason_phrase

    def _line(self, text: str) -> str:
        """Return the first line of a text, with the API key removed in case the server repeats it."""
        text = text.replace(self._key, "[key]") if self._key else text
        return text.strip().partition("\n")[0].strip()[:_MESSAGE_LENGTH]


def _checked(url: str) -> str:
    # Neither error contains the address: it may include a password.
    if "@" in url or "?" in url:
        raise ModelError(
            f"the server's address holds a user, a password or a query; put its key in {KEYS[0]} (environment) instead"
        )
    try:
        parts = urlsplit(url)
        sound = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise ModelError("the server's address is no URL; write openai:http://host:port/v1#model")
    return url.rstrip("/")


def _key() -> tuple[str, str]:
    """Return the environment variable that holds the API key, and the key; both empty if none is set."""
    name = next((name for name in KEYS if os.environ.get(name, "").strip()), "")
    key = os.environ.get(name, "").strip()
    if not (key.isascii() and key.isprintable()):
        raise ModelError(f"{name}: holds letters that no key has; set it again")
    return name, key


def _retry_after(response: httpx2.Response) -> float | None:
    """Return the seconds that a server asks to wait, given as a number or as a date."""
    wait = response.headers.get("retry-after", "")
    try:
        return max(0.0, float(wait))
    except ValueError:
        pass
    try:
        return max(0.0, (email.utils.parsedate_to_datetime(wait) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None
