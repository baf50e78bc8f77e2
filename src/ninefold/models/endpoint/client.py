"""JSON requests to a server, with retries; the API key is sent in one header and appears nowhere else."""

import email.utils
import json
import math
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from functools import partial
from time import sleep
from typing import Any, TypeVar

from ninefold import console
from ninefold.errors import ModelError
from ninefold.models.endpoint import refusals
from ninefold.models.endpoint.base_url import KEYS, api_key, checked
from ninefold.models.endpoint.connection import GREETING_TIMEOUT, Connection, Late, Response, Unanswered, Unusable
from ninefold.models.endpoint.refusals import Refused
from ninefold.models.endpoint.reply import OddReply
from ninefold.models.endpoint.window import Window
from ninefold.seeding import rng

Result = TypeVar("Result")

LONGEST_WAIT = 120.0
"""Maximum seconds between two tries, whatever a server requests."""

FEW_TRIES = 3
"""Maximum number of tries of a request that is answered, but with no chat completion; also of one that fails while
others are answered."""

LATE_TRIES = 2
"""Maximum number of tries of a request that is not answered in time, which takes long enough."""

ANSWERED = 200
"""HTTP status of an answer."""

_TRANSIENT = {408, 409, 425, 429}
"""HTTP statuses below 500 after which a retry may succeed."""

_BUSY = {409, 425, 429, 503, 529}
"""HTTP statuses of a server that answers some requests and puts off others, whichever they are."""

_MESSAGE_LENGTH = 200
"""Maximum number of characters of a server's message in an error."""

_SECRET_LENGTH = 6
"""Minimum length of a key that is kept secret; servers without keys are often given a word such as "x"."""


class Client:
    """A connection to a server, shared by threads."""

    def __init__(
        self,
        url: str,
        *,
        connections: int,
        tries: int,
        first_wait: float,
        timeout: float,
        window: Window | None = None,
    ) -> None:
        """Check an address; nothing is sent yet.

        Args:
            url: The base URL, usually ending in ``/v1``.
            connections: Maximum number of simultaneous requests.
            tries: Maximum number of tries of a request.
            first_wait: Approximate seconds before the second try; the wait doubles with each further try.
            timeout: Maximum seconds for a whole answer.
            window: A bound on simultaneous requests that follows the server; None if there is no other bound.

        Raises:
            ModelError: If it is not the address of a server, or contains a user, a password or a query; or the
                environment names a proxy that cannot be used.
        """
        self.url = checked(url)
        self.tries = tries
        self._tries_if_failing = self._tries_if_busy = tries
        self._thread = threading.local()
        self._first_wait = first_wait
        self._window = window
        self._variable, self._key = api_key()
        self._asked_to_wait = False
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        self._connection = Connection(self.url, headers, connections=connections, timeout=timeout)

    def greet(self) -> None:
        """Check with one request that a server answers.

        Raises:
            ModelError: If none answers.
        """
        try:
            self._connection.request("GET", "/models", longest=GREETING_TIMEOUT)
        except (Unanswered, Unusable) as error:
            raise ModelError(
                f"{self.url}: no server answers there ({self.line(str(error))}); start it, or mend the address"
            ) from error

    def be_brief(self, *, also_if_busy: bool) -> None:
        """Give a request that fails few tries from now on; after replies that the server is busy, only if so wished."""
        self._tries_if_failing = self._few
        self._tries_if_busy = self._few if also_if_busy else self.tries

    @contextmanager
    def tried(self, times: int) -> Iterator[None]:
        """Give requests of this thread so many tries, whatever `be_brief` says, until the block ends."""
        before: int | None = getattr(self._thread, "tries", None)
        self._thread.tries = times
        try:
            yield
        finally:
            self._thread.tries = before

    def tried_briefly(self) -> AbstractContextManager[None]:
        """Give requests of this thread few tries until the block ends."""
        return self.tried(self._few)

    @property
    def _few(self) -> int:
        return min(FEW_TRIES, self.tries)

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        about: str,
        read: Callable[[Any], Result] = lambda reply: reply,
        longest: float | None = None,
    ) -> Result:
        """Send a request, with retries while they may succeed, and return what is read from the JSON of its answer.

        The wait doubles with every retry, with jitter to spread many callers; if the server states a time to wait, that
        is used, up to `LONGEST_WAIT`.

        Args:
            method: "GET" or "POST".
            path: The path after the base URL.
            body: The content to send as JSON.
            about: The request's name in errors, e.g. its example.
            read: A function of the answer; `OddReply` if it is not what was asked for.
            longest: Maximum seconds for the whole answer, if less than for other requests.

        Raises:
            Refused: If the server refuses this one request, or fails to answer it at every try.
            ModelError: If the server refuses all requests.
        """
        content = None if body is None else json.dumps(body).encode()
        request = partial(self._connection.request, method, path, content, longest=longest)
        attempt, odd, late, wait = 0, 0, 0, None
        while True:
            if attempt:
                self._pause(attempt, wait, about)
            attempt, wait, status = attempt + 1, None, ANSWERED
            try:
                response = request() if self._window is None else self._window.through(request)
                return read(self._checked_reply(response, about))
            except Unusable as error:
                raise self._refused(about, self.line(str(error)), status=ANSWERED) from error
            except (OddReply, RecursionError) as error:
                failure: Exception = error
                odd += 1
                if odd == self._few:
                    reason = self.line(str(error))
                    raise self._refused(about, reason, tries=attempt, may_pass=True, status=ANSWERED) from error
            except Unanswered as error:
                failure, status = error, 0
                late += isinstance(error, Late)
            except _Busy as error:
                failure, wait, status = error, error.wait, error.status
            if attempt >= self._most_tries(is_busy=status in _BUSY) or late >= LATE_TRIES:
                raise self._given_up(about, self.line(str(failure)), attempt, status) from failure

    def line(self, text: str) -> str:
        """Return the first line of a server's words, without control characters and without the API key."""
        first = next((line for line in map(str.strip, self.redacted(text).splitlines()) if line), "")
        return "".join(letter if letter.isprintable() else " " for letter in first)[:_MESSAGE_LENGTH].strip()

    def redacted(self, text: str) -> str:
        """Return a text with the API key removed, in case the server repeats it."""
        return text.replace(self._key, "[key]") if len(self._key) >= _SECRET_LENGTH else text

    def _most_tries(self, *, is_busy: bool) -> int:
        """Return the number of tries after which a request is given up, as of now."""
        of_thread: int | None = getattr(self._thread, "tries", None)
        return of_thread or (self._tries_if_busy if is_busy else self._tries_if_failing)

    def _pause(self, attempt: int, wait: float | None, about: str) -> None:
        backoff = self._first_wait * 2 ** (attempt - 1) * rng(0, "backoff", about, attempt).uniform(0.5, 1.0)
        if wait is not None and wait > LONGEST_WAIT and not self._asked_to_wait:
            self._asked_to_wait = True
            console.warn(f"{self.url}: asks to wait {wait:,.0f} s; asked again every {LONGEST_WAIT:.0f} s")
        sleep(min(LONGEST_WAIT, backoff if wait is None else wait))

    def _checked_reply(self, response: Response, about: str) -> Any:
        """Return the JSON of a good answer.

        Raises:
            _Busy: If a retry may succeed.
            OddReply: If it is no JSON, or an error of an unknown kind.
            Refused: If the server refuses this one request.
            ModelError: If it refuses all requests.
        """
        try:
            content = _json(response.body)
        except (ValueError, RecursionError) as error:
            if 200 <= response.status < 300:
                raise OddReply("the server answers no JSON; is this its /v1?") from error
            content = response.body[:4000].decode(errors="replace")
        status = response.status
        if 200 <= status < 300:
            found = refusals.error_of(content)
            if found is None:
                return content
            stated = refusals.status_of(found)
            if stated is None:
                raise OddReply(f"its reply is an error: {self.line(refusals.message_of(found)[0]) or 'without a word'}")
            content, status = found, stated
        message, words = refusals.message_of(content)
        filtered = refusals.is_filter(status, words)
        problem = f"status {status}, {'content filter: ' if filtered else ''}{self.line(message) or response.phrase}"
        if status >= 500 or status in _TRANSIENT:
            raise _Busy(problem, status, _retry_after(response.headers))
        advice = self._advice(status, response.headers)
        if refusals.is_of_one_request(status, words):
            may_pass = status in refusals.MAY_PASS
            facts = {"words": words, "filtered": filtered, "may_pass": may_pass, "status": status}
            raise self._refused(about, problem, advice, **facts)
        raise ModelError(f"{self.url}: {about}: {problem}{advice}")

    def _refused(self, about: str, reason: str, advice: str = "", **facts: Any) -> Refused:
        return Refused(f"{self.url}: {about}: {reason}{advice}", reason=reason, **facts)

    def _given_up(self, about: str, problem: str, tries: int, status: int) -> Refused:
        line = (
            f"{self.url}: {about}: given up after {tries} tries ({problem}); "
            "mend the server, then the same command goes on from here"
        )
        return Refused(line, reason=problem, tries=tries, may_pass=True, status=status)

    def _advice(self, status: int, headers: Mapping[str, str]) -> str:
        if status in {401, 403}:
            return f"; the key in {self._variable} is not taken" if self._key else f"; put a key in {KEYS[0]}"
        if 300 <= status < 400:
            there = self.line(headers.get("location", "").partition("?")[0])
            return f"; it sends elsewhere ({there or 'without saying where'}), name that address instead"
        return "; does the address end in /v1, and is the model of this name there?" if status == 404 else ""


class _Busy(Exception):
    """A failure after which a retry may succeed."""

    def __init__(self, problem: str, status: int, wait: float | None) -> None:
        super().__init__(problem)
        self.status = status
        self.wait = wait


def _json(body: bytes) -> Any:
    """Return the value of a JSON text in any Unicode encoding; what is no character in it is replaced."""
    return json.loads(body.decode(json.detect_encoding(body), "replace"))


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a server asks to wait, given as a number or as a date."""
    wait = headers.get("retry-after", "")
    try:
        seconds = float(wait)
    except ValueError:
        try:
            seconds = (email.utils.parsedate_to_datetime(wait) - datetime.now(UTC)).total_seconds()
        except (TypeError, ValueError, OverflowError):
            return None
    return None if math.isnan(seconds) else max(0.0, seconds)
