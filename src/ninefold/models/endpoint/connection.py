"""HTTP requests to one server, each with a limit on its whole time and on the size of its answer."""

import asyncio
import ssl
import threading
import urllib.request
import zlib
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

import httpx2

from ninefold.errors import ModelError

LARGEST_BODY = 16 << 20
"""Maximum size of an answer in bytes, after decompression."""

CONNECT_TIMEOUT = 20.0
"""Maximum seconds until a connection is established."""

GREETING_TIMEOUT = 30.0
"""Maximum seconds until a server shows that it is there."""


class Unanswered(Exception):
    """A request without a complete answer: no connection, a broken one, or no end in time; a retry may succeed."""


class Late(Unanswered):
    """A request without a complete answer in time."""


class Unusable(Exception):
    """An answer that is too large or in an unknown encoding; a retry would give the same."""


class Response(NamedTuple):
    """A complete answer."""

    status: int
    """HTTP status."""
    phrase: str
    """The status in words."""
    headers: Mapping[str, str]
    """Header fields, their names in any case."""
    body: bytes
    """The body, decompressed."""


class Connection:
    """Connections to a server, shared by threads.

    Requests run in an event loop on a thread of their own: there, a request can be stopped at any moment, while a
    blocking one ends only when its next byte arrives. The thread ends with the process, whatever is under way.
    """

    def __init__(self, url: str, headers: Mapping[str, str], *, connections: int, timeout: float) -> None:
        """Prepare requests; nothing is sent yet.

        Args:
            url: The base URL.
            headers: Header fields of every request; never sent to another host, because redirects are not followed.
            connections: Maximum number of simultaneous requests.
            timeout: Maximum seconds of a request, from the first byte sent to the last one received.

        Raises:
            ModelError: If the environment names a proxy that cannot be used, or the URL is none.
        """
        self._url, self._timeout = url, timeout
        self._http = _client(url, headers, connections, timeout)
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="ninefold requests", daemon=True).start()

    def request(self, method: str, path: str, body: bytes | None = None, *, longest: float | None = None) -> Response:
        """Return the answer to a request.

        Args:
            method: "GET" or "POST".
            path: The path after the base URL.
            body: The content to send, as JSON.
            longest: Maximum seconds, if less than for other requests.

        Raises:
            Unanswered: If there is no complete answer in time.
            Unusable: If the answer is too large, or compressed in an unknown way.
        """
        timeout = min(self._timeout, longest or self._timeout)
        future = asyncio.run_coroutine_threadsafe(self._answer(method, path, body, timeout), self._loop)
        try:
            response = future.result()
        except (TimeoutError, httpx2.ReadTimeout) as error:
            raise Late(f"no complete answer within {timeout:g} s") from error
        except httpx2.HTTPError as error:
            raise Unanswered(str(error) or type(error).__name__) from error
        except (OSError, UnicodeError) as error:  # such as a host name that no name server can be asked for
            raise Unanswered(str(error)) from error
        finally:
            future.cancel()
        return response._replace(body=_decompressed(response))

    async def _answer(self, method: str, path: str, body: bytes | None, timeout: float) -> Response:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        async with (
            asyncio.timeout(timeout),
            self._http.stream(method, self._url + path, content=body, headers=headers) as response,
        ):
            parts, size = [], 0
            async for part in response.aiter_raw():
                parts.append(part)
                size += len(part)
                if size > LARGEST_BODY:
                    raise _too_large()
            return Response(response.status_code, response.reason_phrase, response.headers, b"".join(parts))


def _client(url: str, headers: Mapping[str, str], connections: int, timeout: float) -> httpx2.AsyncClient:
    host = httpx2.URL(url).host
    try:
        return httpx2.AsyncClient(
            # Answers are short: compression saves nothing, and a small compressed body may be a huge one.
            headers={"Accept-Encoding": "identity", **headers},
            limits=httpx2.Limits(max_connections=connections, max_keepalive_connections=connections),
            timeout=httpx2.Timeout(timeout, connect=min(timeout, CONNECT_TIMEOUT)),
            verify=_certificates(),
            # Proxies of the environment are opened even where NO_PROXY names this host; then they may be of any kind.
            trust_env=not urllib.request.proxy_bypass(host),
        )
    except (ImportError, ValueError, httpx2.InvalidURL) as error:
        # The message of the error may contain the proxy's password.
        socks = ' (SOCKS proxies need: pip install "httpx2[socks]")' if isinstance(error, ImportError) else ""
        raise ModelError(
            f"{url}: the proxy that the environment names (HTTP_PROXY, HTTPS_PROXY or ALL_PROXY) cannot be used{socks};"
            f" unset it, or put {host} into NO_PROXY"
        ) from error


@cache
def _certificates() -> ssl.SSLContext:
    """Return the certificates that the system trusts; reading them takes longer than most requests."""
    return httpx2.create_ssl_context()


def _decompressed(response: Response) -> bytes:
    """Return the body of an answer, of which no more is ever decompressed than is allowed."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding in {"", "identity"} or not response.body:
        return response.body
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        raise Unusable(f"its answer is compressed as {encoding!r:.40}, which was not asked for")
    decompressor = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        body = decompressor.decompress(response.body, LARGEST_BODY)
    except zlib.error as error:
        raise Unanswered("its compressed answer is broken") from error
    if decompressor.unconsumed_tail:
        raise _too_large()
    return body


def _too_large() -> Unusable:
    return Unusable(f"its answer is larger than {LARGEST_BODY >> 20} MiB")
