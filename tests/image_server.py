"""A real HTTP server on loopback that serves images, and what is given instead of one."""

import io
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import loopback
from PIL import Image


def jpeg(color: str = "red") -> bytes:
    """Return a small image."""
    buffer = io.BytesIO()
    Image.new("RGB", (24, 16), color).save(buffer, "JPEG")
    return buffer.getvalue()


@dataclass
class ImageServer:
    """A server and what it was asked for."""

    url: str = ""
    asked: Counter[str] = field(default_factory=Counter)
    busy: int = 1
    """Times that "/busy" is refused before it is served."""
    there: set[str] = field(default_factory=set)
    """Further paths with an image."""


@contextmanager
def image_server() -> Iterator[ImageServer]:
    """Run a server whose paths tell what it does."""
    server = ImageServer()

    class Handler(loopback.Handler):
        def do_GET(self) -> None:
            server.asked[self.path] += 1
            kind = self.path.strip("/").partition("-")[0]
            if kind == "slow":
                self._send(200, b"", {"Content-Length": "9"})
                time.sleep(1)
            elif kind == "huge":
                self._send(200, jpeg() + bytes(50_000))
            elif kind == "page":
                self._send(200, b"<html>gone</html>")
            elif kind == "cut":
                self._send(200, jpeg()[:300])
            elif kind == "moved":
                self._send(302, b"", {"Location": "red-moved"})
            elif kind == "loop":
                self._send(302, b"", {"Location": self.path})
            elif kind == "elsewhere":
                self._send(302, b"", {"Location": "file:///etc/hostname"})
            elif kind == "dropped":
                self.close_connection = True
            elif kind == "busy" and server.asked[self.path] <= server.busy:
                self._send(503, b"")
            elif kind in ("red", "blue", "busy") or self.path in server.there:
                self._send(200, jpeg("blue" if kind == "blue" else "red"))
            else:
                self._send(404, b"none")

        def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    with loopback.served(Handler) as server.url:
        yield server
