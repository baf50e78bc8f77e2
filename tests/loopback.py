"""Real HTTP servers on loopback."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# What is on loopback is not asked for through a proxy.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"


class Handler(BaseHTTPRequestHandler):
    """A handler of requests that keeps its connections open and prints nothing."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or every answer would wait for an acknowledgment of its header

    def log_message(self, *about: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    request_queue_size = 64  # By default, more than 5 connections at once wait for a second.

    def handle_error(self, *about: object) -> None:
        # A client may close a connection at any time.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(*about)  # type: ignore[arg-type]


@contextmanager
def served(handler: type[Handler]) -> Iterator[str]:
    """Answer requests until the block ends; yield the URL."""
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
