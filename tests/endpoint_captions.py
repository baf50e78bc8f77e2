"""Captions, what a scripted server says about them, and the engine that asks it."""

import json
from pathlib import Path
from typing import Any

from chat_server import ChatServer

from ninefold.captions.caption import Caption
from ninefold.captions.engines.endpoint import prompts
from ninefold.captions.engines.endpoint.engine import EndpointEngine
from ninefold.captions.engines.endpoint.language_model import LanguageModel
from ninefold.captions.engines.endpoint.prompts import Prompt


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


def model(server: ChatServer, responses: Path | None = None, **connection: Any) -> LanguageModel:
    return LanguageModel(f"openai:{server.url}", responses=responses, **{"first_wait": 0.001, **connection})


def engine(
    server: ChatServer,
    responses: Path | None = None,
    *,
    prompt: Prompt = prompts.PAIRS,
    retry_failed: bool = False,
    max_new_tokens: int = 8192,
    **connection: Any,
) -> EndpointEngine:
    asked = model(server, responses, **connection)
    return EndpointEngine(asked, prompt=prompt, retry_failed=retry_failed, max_new_tokens=max_new_tokens)


def asked(server: ChatServer) -> list[str]:
    """Return the prompts of the requests that a server has seen, in order."""
    return [body["messages"][0]["content"] for body in server.requests]
