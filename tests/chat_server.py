"""A real HTTP server on loopback that speaks chat completions as vLLM does, for a model with a script."""

import base64
import io
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import loopback
from PIL import Image

DROP = "drop"
"""A fault: the connection is closed without an answer."""


@dataclass
class ChatServer:
    """The script of a server, and what it has seen."""

    answer: Callable[[Any, str], str]
    """From a picture, which is None in a request without one, and a prompt to an answer."""
    models: list[str] = field(default_factory=lambda: ["tiny"])
    faults: deque[Any] = field(default_factory=deque)
    """What the next requests get instead of an answer: (status, headers, body), the raw bytes of an answer, a function
    that changes the answer, or `DROP`."""
    refusal: Callable[[dict[str, Any]], Any] = lambda body: None
    """From a request to what it always gets instead of an answer, such as (status, headers, body), or None."""
    delay: Callable[[int], float] = lambda count: 0.0
    """Seconds before the answer to the nth request."""
    dribble: float = 0.0
    """Seconds between the bytes of an answer."""
    logprobs: bool = True
    end: str = "<end>"
    """What the template closes an assistant's turn with."""
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    most: int = 0
    """Requests that were under way at once, at most."""
    url: str = ""
    _now: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _numbers: dict[str, int] = field(default_factory=dict)

    def reply(self, body: dict[str, Any]) -> dict[str, Any]:
        """Answer a request for a chat completion."""
        picture, prompt = asked(body["messages"][0])
        words = self.answer(picture, prompt).split(" ")
        limit = body.get("max_tokens") or body.get("max_completion_tokens", 999)
        choice = {
            "message": {"role": "assistant", "content": " ".join(words[:limit])},
            "finish_reason": "length" if len(words) > limit else "stop",
        }
        usage = {"prompt_tokens": len(prompt.split()), "completion_tokens": min(len(words), limit)}
        told = self._prompt_logprobs(body, prompt, words) if self.logprobs and "prompt_logprobs" in body else None
        return {"object": "chat.completion", "choices": [choice], "prompt_logprobs": told, "usage": usage}

    def _prompt_logprobs(self, body: dict[str, Any], prompt: str, truth: list[str]) -> list[Any]:
        """Give -0.125 to every token of an answer that stands where the true one has it, -2 to others, -5 elsewhere."""
        tokens = [
            ("<user>", -5.0),
            *[("<image>", -5.0)] * 4,
            *((word, -5.0) for word in prompt.split()),
            ("<end>", -5.0),
        ]
        tokens.append(("<assistant>", -5.0))
        if not body["add_generation_prompt"]:
            said = body["messages"][1]["content"].split(" ")
            finished = [] if body["continue_final_message"] else [self.end]
            for place, word in enumerate(filter(None, [*said, *finished])):
                right = place <= len(truth) and word == [*truth, self.end][place]
                tokens.append((word, -0.125 if right else -2.0))
            tokens += [("\n", -7.0)] if finished else []
        entries = [
            {str(self._numbers.setdefault(word, len(self._numbers))): {"logprob": chance, "decoded_token": word}}
            for word, chance in tokens
        ]
        return [None, *entries[1:]]

    @contextmanager
    def counted(self) -> Iterator[int]:
        """Count a request while it is under way, and tell its number."""
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
            number = len(self.requests)
        try:
            yield number
        finally:
            with self._lock:
                self._now -= 1


@contextmanager
def serving(script: ChatServer) -> Iterator[ChatServer]:
    """Serve a script at its ``url`` until the block ends."""
    with loopback.served(_handler(script)) as url:
        script.url = f"{url}/v1"
        yield script


def asked(message: dict[str, Any]) -> tuple[Image.Image | None, str]:
    """Return the picture, if there is one, and the text of a user's turn."""
    if isinstance(message["content"], str):
        return None, message["content"]
    image, text = message["content"]
    head, _, data = image["image_url"]["url"].partition(";base64,")
    assert head.startswith("data:image/")
    return Image.open(io.BytesIO(base64.b64decode(data))), text["text"]


def _handler(script: ChatServer) -> type[loopback.Handler]:
    class Handler(loopback.Handler):
        def do_GET(self) -> None:
            self._send(200, {}, {"data": [{"id": name} for name in script.models]})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with script.counted() as number:
                script.requests.append(body)
                script.keys.append(self.headers["Authorization"])
                time.sleep(script.delay(number))
                fault = script.faults.popleft() if script.faults else script.refusal(body)
                if fault == DROP or isinstance(fault, bytes):
                    self.close_connection = True
                    self.wfile.write(b"" if fault == DROP else fault)
                elif callable(fault):
                    self._send(200, {}, fault(script.reply(body)))
                else:
                    self._send(*(fault or (200, {}, script.reply(body))))

        def _send(self, status: int, headers: dict[str, str], body: object) -> None:
            text = body if isinstance(body, str | bytes) else json.dumps(body)
            content = text.encode() if isinstance(text, str) else text
            try:
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                for part in (content,) if not script.dribble else map(bytes, zip(content, strict=True)):
                    self.wfile.write(part)
                    time.sleep(script.dribble)
            except ConnectionError:  # who asked is gone, as after a time-out
                self.close_connection = True

    return Handler
