"""Replies of chat completions: the text that a model says, however a server puts it."""

import json
from typing import Any, Literal, NamedTuple

from ninefold.questions.formats import thoughts

_CUT = {"length", "max_tokens", "model_length", "max_output_tokens", "max_completion_tokens"}
_FILTERED = {
    "content_filter", "safety", "recitation", "blocklist", "prohibited_content", "spii", "refusal", "sensitive",
    "image_safety",
}  # fmt: skip
_REASONING = ("reasoning_content", "reasoning", "thinking")


class OddReply(Exception):
    """A reply that is no chat completion; the message says what is wrong with it."""


class Reply(NamedTuple):
    """What a model says."""

    text: str
    """Its text. Parts of a structured reply are joined, with thoughts in think tags."""
    truncated: bool
    """Whether the token limit cut it off."""
    refused: str | None
    """The reason why there is no answer, or None."""


def read(reply: Any, max_new_tokens: int) -> Reply:
    """Read the reply to a request for a chat completion.

    Raises:
        OddReply: If it holds no message.
    """
    choice = _first_choice(reply)
    message = choice.get("message")
    if not isinstance(message, dict):
        content = message if isinstance(message, str) else choice.get("text")
        if not isinstance(content, str):
            raise OddReply("its reply holds no message")
        message = {"content": content}
    finish = str(choice.get("finish_reason") or "").lower()
    truncated = finish in _CUT or (not finish and tokens(reply, "completion") >= max_new_tokens)
    text, thought = _text(message.get("content")), _reasoning(message)
    # A model that used up its tokens without a word was thinking, whether the server shows it or not.
    if not text.strip() and (thought or truncated):
        text = thoughts.as_thought(thought)
    refusal = message.get("refusal")
    if isinstance(refusal, str) and refusal.strip():
        return Reply(text, truncated, f"refusal: {refusal}")
    return Reply(text, truncated, f"finish_reason {finish}" if finish in _FILTERED else None)


def _first_choice(reply: Any) -> dict[str, Any]:
    choices = reply.get("choices") if isinstance(reply, dict) else None
    if not isinstance(choices, list):
        raise OddReply("its answer is no chat completion; is it the URL's /v1?")
    found = [choice for choice in choices if isinstance(choice, dict)]
    if not found:
        raise OddReply("its reply holds no choices")
    return min(found, key=lambda choice: index if isinstance(index := choice.get("index"), int) else 0)


def tokens(reply: Any, kind: Literal["prompt", "completion"]) -> int:
    """Return the number of tokens that a reply states for its prompt or for what was generated, or 0."""
    usage = reply.get("usage") if isinstance(reply, dict) else None
    count = usage.get(f"{kind}_tokens") if isinstance(usage, dict) else None
    return min(max(0, count), 1 << 40) if isinstance(count, int) else 0


def _text(content: Any) -> str:
    """Return the text of a message's content: a text, or a list of parts."""
    if content is None or isinstance(content, str):
        return content or ""
    parts = content if isinstance(content, list) else [content]
    return "".join(map(_part, parts))


def _part(part: Any) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        return json.dumps(part)
    kind = str(part.get("type", "text"))
    for name in ("text", "thinking", "reasoning", "refusal"):
        if isinstance(part.get(name), str | list):
            text = _text(part[name])
            thinks = name in {"thinking", "reasoning"} or kind in {"thinking", "reasoning"}
            return thoughts.as_thought(text, finished=True) if thinks else text
    return f"[{kind}]"


def _reasoning(message: dict[str, Any]) -> str:
    """Return the thought that a server keeps apart from the content, or ""."""
    for name in _REASONING:
        if message.get(name):
            return _text(message[name])
    details = message.get("reasoning_details")
    details = details if isinstance(details, list) else []
    return "".join(str(part["text"]) for part in details if isinstance(part, dict) and part.get("text"))
