"""A real headless Chromium, driven over a pair of pipes (the DevTools protocol); no further library is needed."""

import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium")
"""Path of the browser, if there is one."""

SECONDS = 20
"""Longest wait for the browser."""


class Tab:
    """A page in the browser."""

    def __init__(self, browser: "_Pipe", session: str) -> None:
        self._browser = browser
        self._session = session

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol."""
        return self._browser.call(method, parameters, self._session)

    def value(self, script: str) -> Any:
        """Return the value of a JavaScript expression."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise AssertionError(found["exceptionDetails"])
        return found["result"].get("value")

    def wait(self, script: str) -> Any:
        """Wait until a JavaScript expression is true, and return its value."""
        ends = time.monotonic() + SECONDS
        while time.monotonic() < ends:
            found = self.value(script)
            if found:
                return found
            time.sleep(0.01)
        raise AssertionError(f"never true: {script}; the page says {self.value('document.body.innerText')[:500]!r}")

    def open(self, address: str) -> None:
        """Open an address, or the same one again."""
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=address)
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'")

    def press(self, key: str, code: str = "") -> None:
        """Press a key: a letter or digit, or a named one such as ArrowLeft."""
        text = {"text": key} if len(key) == 1 else {}
        numbers = {"ArrowLeft": 37, "ArrowRight": 39, "Escape": 27, "Tab": 9, "Enter": 13}
        if key == "Enter":
            text = {"text": "\r"}
        number = numbers.get(key) or ord(key.upper())
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, code=code, windowsVirtualKeyCode=number, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=code, windowsVirtualKeyCode=number)


class _Pipe:
    """The two pipes of a browser: messages are JSON, each ended by a zero byte."""

    def __init__(self, reader: int, writer: int) -> None:
        self._reader, self._writer = reader, writer
        self._rest = b""
        self._number = 0

    def call(self, method: str, parameters: dict[str, Any], session: str | None = None) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        os.write(self._writer, json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0")
        while True:
            answer = json.loads(self._next())
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']}")
                return dict(answer["result"])

    def _next(self) -> bytes:
        while b"\0" not in self._rest:
            if not select.select([self._reader], [], [], SECONDS)[0]:
                raise AssertionError("the browser does not answer")
            part = os.read(self._reader, 1 << 20)
            if not part:
                raise AssertionError("the browser has ended")
            self._rest += part
        message, _, self._rest = self._rest.partition(b"\0")
        return message


def _pipe() -> tuple[int, int]:
    """Return the ends of a pipe, with numbers that are not 3 and 4."""
    low = os.pipe()
    reader, writer = (fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 64) for end in low)
    for end in low:
        os.close(end)
    return reader, writer


@contextlib.contextmanager
def opened(profile: Path, *options: str) -> Iterator[Tab]:
    """Start a browser with a new profile folder, and yield its only page; it ends with the block."""
    assert CHROMIUM is not None
    # Chromium reads its commands from descriptor 3 and writes to 4. Ours must be others, whatever is open here.
    commands_out, commands_in = _pipe()
    answers_out, answers_in = _pipe()
    arguments = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--disable-extensions", "--disable-background-networking", "--remote-debugging-pipe",
        f"--user-data-dir={profile}", *options, "about:blank",
    ]  # fmt: skip
    null = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1, 2)]
    moved = [(os.POSIX_SPAWN_DUP2, commands_out, 3), (os.POSIX_SPAWN_DUP2, answers_in, 4)]
    process = os.posix_spawn(CHROMIUM, arguments, os.environ, file_actions=[*null, *moved], setpgroup=0)
    os.close(commands_out)
    os.close(answers_in)
    try:
        pipe = _Pipe(answers_out, commands_in)
        targets = pipe.call("Target.getTargets", {})["targetInfos"]
        page = next(target["targetId"] for target in targets if target["type"] == "page")
        session = pipe.call("Target.attachToTarget", {"targetId": page, "flatten": True})["sessionId"]
        yield Tab(pipe, session)
    finally:
        os.killpg(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(commands_in)
        os.close(answers_out)
