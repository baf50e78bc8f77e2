"""The guard of the review server: who may ask it, and the headers of every answer.

The server listens on loopback, where every page in the user's browser could send requests to it. So a request needs the
token of the link; its host must be loopback by name, against DNS rebinding; and what changes something needs the token
in a header, which no page of another site can set, besides an origin that is the server's own.

The token is no cookie, because a browser sends cookies of 127.0.0.1 to the servers of all its ports.
"""

import hmac
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
"""Names of the host in requests; a tunnel may have another port."""

TOKEN = "x-review-token"
"""The header of the token."""

SAFE = frozenset({"GET", "HEAD"})

HEADERS: Mapping[str, str] = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}
"""Headers of every answer; a page brings a policy of its own."""


class Guard:
    """An ASGI application that passes only the requests of the link's holder to another one."""

    def __init__(self, app: Any, token: str) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return  # There are no web sockets here.

        async def send_guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                present = {name for name, _ in message["headers"]}
                added = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] = [*message["headers"], *(pair for pair in added if pair[0] not in present)]
            await send(message)

        reason = refusal(scope["method"], _headers(scope), scope["query_string"].decode("latin-1"), self._token)
        if reason is None:
            await self._app(scope, receive, send_guarded)
            return
        body = json.dumps({"error": reason}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send_guarded({"type": "http.response.start", "status": 403, "headers": headers})
        await send_guarded({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def refusal(method: str, headers: Mapping[str, list[str]], query: str, token: str) -> str | None:
    """Return why a request is refused; None if it is not.

    Args:
        method: Its method.
        headers: The values of each header, by its name in lower case.
        query: The query of its address.
        token: The token of the link.
    """
    hosts = headers.get("host", [])
    if len(hosts) != 1 or _name(hosts[0]) not in HOSTS:
        return "the request is for another host"
    given = headers.get(TOKEN, [])
    if method in SAFE and not given:
        given = parse_qs(query).get("token", [])
    if len(given) != 1 or not hmac.compare_digest(given[0].encode(), token.encode()):
        return "the token is missing or wrong; open the link that the command has printed"
    if method not in SAFE:
        site = headers.get("sec-fetch-site", ["same-origin"])
        origin = headers.get("origin", [f"http://{hosts[0]}"])
        if site != ["same-origin"] or origin != [f"http://{hosts[0]}"]:
            return "the request comes from another site"
    return None


def _name(host: str) -> str | None:
    """Return the name in a host header, in lower case; IPv6 addresses keep their brackets."""
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return None
    return None if name is None or "@" in host else f"[{name}]" if ":" in name else name


def _headers(scope: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return found
