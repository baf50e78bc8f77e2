"""Captions, what a scripted server says about them, and the engine that asks it."""

import json
from pathlib import Path
from typing import Any

from chat_server import ChatServer

from ninefold.captions.caption import Caption
from ninefold.captions.engines.endpoint.engine import EndpointEngine


def caption(number: int) -> Caption:
    return Caption(f"c{number}", f"A room with thing {number}. The lamp stands left of the sofa number {number}.")


CAPTIONS = [caption(number) for number in range(12)]


def said(number: str) -> str:
    """Return JSON with one pair about the sofa of that number, in words that a token limit can cut."""
    return json.dumps({"pairs": [{"question": f"What is left of the sofa number {number}?", "answer": "The lamp"}]})


def writes(picture: Any, prompt: str) -> str:
    return said(prompt.rstrip(".").rpartition(" ")[2])


def server(**script: Any) -> ChatServer:
    return ChatServer(**{"answer": writes, **script})


def engine(server: ChatServer, responses: Path | None = None, **options: Any) -> EndpointEngine:
    return EndpointEngine(f"openai:{server.url}", responses=responses, **{"first_wait": 0.001, **options})


def asked(server: ChatServer) -> list[str]:
    """Return the prompts of the requests that a server has seen, in order."""
    return [body["messages"][0]["content"] for body in server.requests]
