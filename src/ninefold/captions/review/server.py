"""The server of the review page, on loopback: Starlette and uvicorn, of the extra ``captions``."""

import errno
import json
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import urlencode

from ninefold.captions.review import page, verdicts
from ninefold.captions.review.guard import Guard
from ninefold.captions.review.review import Review
from ninefold.errors import NinefoldError, RunError, system_error

LARGEST_BODY = 32_768
"""Largest body of a request, in bytes."""

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Page:
    """A review page that is ready to be served: its port is taken, and its link is known."""

    link: str
    """Its address, with the token."""
    _server: Any
    _listener: socket.socket

    @classmethod
    def of(cls, review: Review, *, port: int = 0, judge: str = "") -> "Page":
        """Take a port of loopback for a review.

        Args:
            review: The review.
            port: The port; 0 for any that is free.
            judge: The judge's name in the link; without one, the page asks.

        Raises:
            RunError: If Starlette or uvicorn is not installed, or the port is taken.
        """
        try:
            import uvicorn
        except ImportError as error:
            raise _not_installed() from error
        token = secrets.token_urlsafe(32)
        query = urlencode({"token": token} | ({"judge": verdicts.named(judge)} if judge else {}))
        config = uvicorn.Config(
            app(review, token), log_config=None, access_log=False, lifespan="off", ws="none", server_header=False,
            timeout_graceful_shutdown=2,
        )  # fmt: skip
        listener = _listen(port)
        return cls(f"http://{LOOPBACK}:{listener.getsockname()[1]}/?{query}", uvicorn.Server(config), listener)

    def serve(self) -> None:
        """Answer requests until Ctrl-C or `stop`.

        Raises:
            KeyboardInterrupt: After Ctrl-C.
        """
        try:
            self._server.run(sockets=[self._listener])
        finally:
            self._listener.close()

    def stop(self) -> None:
        """End `serve` in another thread."""
        self._server.should_exit = True


def app(review: Review, token: str) -> Any:
    """Return the ASGI application of a review.

    Raises:
        RunError: If Starlette is not installed.
    """
    try:
        from starlette.applications import Starlette
        from starlette.routing import Route
    except ImportError as error:
        raise _not_installed() from error
    gets: dict[str, Callable[[Review, Any], Any]] = {
        "/": _page,
        "/pairs/{at:int}": _pair,
        "/images/{at:int}": _image,
        "/verdicts": _verdicts,
        "/summary": _summary,
        "/export.csv": _csv,
    }
    routes = [Route(path, partial(answer, review), methods=["GET"]) for path, answer in gets.items()]
    routes.append(Route("/verdicts", partial(_judge, review), methods=["POST"]))
    refused = {NinefoldError: _refused, OSError: _refused, IndexError: _missing}
    return Guard(Starlette(routes=routes, exception_handlers=refused), token)


def _page(review: Review, request: Any) -> Any:
    return _html(page.judging(review))


def _summary(review: Review, request: Any) -> Any:
    return _html(page.summary(review, request.query_params.get("token", "")))


def _pair(review: Review, request: Any) -> Any:
    return _json(review.shown(request.path_params["at"]))


def _image(review: Review, request: Any) -> Any:
    from starlette.responses import Response

    return Response(review.image(request.path_params["at"]), media_type="image/webp")


def _verdicts(review: Review, request: Any) -> Any:
    judge = verdicts.named(request.query_params.get("judge", ""))
    found = review.verdicts(judge).items()
    given = [{"at": at, "verdict": one.verdict, "note": one.note, "seconds": one.seconds} for at, one in found]
    return _json({"judge": judge, "verdicts": given})


def _csv(review: Review, request: Any) -> Any:
    from starlette.responses import Response

    headers = {"content-disposition": 'attachment; filename="verdicts.csv"'}
    return Response(review.csv().encode(errors="replace"), media_type="text/csv", headers=headers)


async def _judge(review: Review, request: Any) -> Any:
    from starlette.concurrency import run_in_threadpool

    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY:
            return _json({"error": "the request is too long"}, status=413)
    try:
        given = _Given.read(bytes(body))
    except (ValueError, TypeError, KeyError, RecursionError):
        return _json({"error": "the request is no verdict"}, status=400)
    await run_in_threadpool(review.judge, given.judge, given.at, given.verdict, given.note, given.seconds)
    return _json({"saved": True})


@dataclass(frozen=True)
class _Given:
    """A verdict as a request gives it."""

    judge: str
    at: int
    verdict: str
    note: str
    seconds: float

    @classmethod
    def read(cls, body: bytes) -> "_Given":
        """Read the JSON of a request.

        Raises:
            ValueError, TypeError, KeyError, RecursionError: If it is none.
        """
        found = json.loads(body)
        given = cls(*(found[name] for name in ("judge", "at", "verdict", "note", "seconds")))
        texts = (given.judge, given.verdict, given.note)
        if not all(isinstance(text, str) for text in texts) or type(given.at) is not int:
            raise TypeError
        seconds = float(given.seconds)
        if not 0 <= seconds < float("inf"):
            raise ValueError
        # Half of a surrogate pair is no text that a file could hold.
        return replace(given, note=given.note.encode(errors="replace").decode(), seconds=seconds)


def _html(content: str) -> Any:
    from starlette.responses import HTMLResponse

    # The page has a stricter policy of its own; this one holds what a page cannot say.
    return HTMLResponse(content, headers={"content-security-policy": "frame-ancestors 'none'; form-action 'none'"})


def _json(value: Any, status: int = 200) -> Any:
    from starlette.responses import JSONResponse

    return JSONResponse(value, status_code=status)


def _refused(request: Any, error: Exception) -> Any:
    line = str(error) if isinstance(error, NinefoldError) else system_error(error)
    return _json({"error": line}, status=422 if isinstance(error, NinefoldError) else 500)


def _missing(request: Any, error: Exception) -> Any:
    return _json({"error": "no such pair"}, status=404)


def _not_installed() -> RunError:
    return RunError("the review page needs Starlette and uvicorn: pip install 'ninefold[captions]'")


def _listen(port: int) -> socket.socket:
    """Return a socket that listens on a port of loopback.

    Raises:
        RunError: If the port is taken, not allowed, or none.
    """
    if not 0 <= port < 65536:
        raise RunError(f"--port {port}: must be between 0 and 65535")
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
        listener.listen(64)
    except OSError as error:
        listener.close()
        wrong = {errno.EADDRINUSE: "another program uses it", errno.EACCES: "it needs permission"}
        raise RunError(
            f"--port {port}: {wrong.get(error.errno or 0, error.strerror)}; name another one, or 0 for any that is free"
        ) from error
    return listener
