"""Answers of models and replies of servers, drawn at random: a scored run, or one line that says what is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
from chat_server import DROP, ChatServer, serving
from hostile import ODD, attempt, check, copied, fuzz, run
from hypothesis import given
from hypothesis import strategies as st

from ninefold.captions.engines.endpoint.engine import EndpointEngine
from ninefold.captions.engines.endpoint.salvage import salvaged
from ninefold.models import registry
from ninefold.models.endpoint.model import Endpoint
from ninefold.models.fake import FakeModel

WORDS = [
    *("red", "top left", "<think>", "</think>", "<answer>", "</answer>", "A", "(B)", "**", "not", "\n\n", " - ", "\0"),
    *("\ud800", "\x1b[31m", "\u202e", "é", "\u0301", "<|end|>", "length", "</script>", '"', "\r", "x" * 300),
]
ANSWERS = st.lists(st.sampled_from(WORDS) | st.text(st.characters(), max_size=3), max_size=5).map("".join)

KEYS = [
    "choices", "message", "content", "text", "finish_reason", "index", "error", "code", "type", "detail", "param",
    "object", "usage", "logprobs", "data", "completion_tokens", "reasoning_content", "reasoning", "reasoning_details",
    "refusal", "prompt_logprobs", "logprob", "id", "loc", "msg", "thinking",
]  # fmt: skip
LEAVES = st.sampled_from([*ODD, *WORDS, "stop", "content_filter", 429, "429", "rate_limit_exceeded"])
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
)
HEADERS = st.sampled_from(
    [
        {}, {}, {}, {"Retry-After": "nan"}, {"Retry-After": "-1"}, {"Retry-After": "x"}, {"Content-Length": "-5"},
        {"Content-Encoding": "gzip"}, {"Content-Length": "x"}, {"Content-Encoding": "what"}, {"Location": "http://x/\x1b"},
    ]
)  # fmt: skip


@st.composite
def replies(draw: st.DrawFn) -> Any:
    """Draw a reply of a server: of the usual shape with odd values, or of any shape, status and headers."""
    how = draw(st.sampled_from(["chat", "chat", "chat", "tree", "bytes", "drop"]))
    if how == "drop":
        return draw(st.sampled_from([DROP, b"HTTP/1.1 200", b"HTTP/1.1 999 x\r\n\r\n", b"\0" * 9]))
    message = {"content": draw(ANSWERS | TREES), "reasoning": draw(TREES)}
    body = {"choices": [{"message": message, "finish_reason": draw(LEAVES)}]} if how == "chat" else draw(TREES)
    text = json.dumps(body).encode() if how != "bytes" else draw(st.binary(max_size=20))
    return draw(st.sampled_from([200] * 6 + [204, 302, 400, 403, 422, 500])), draw(HEADERS), text


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Endpoints that hardly wait."""
    options = {"concurrency": 2, "tries": 2, "first_wait": 0.001, "timeout": 5.0}
    monkeypatch.setattr(Endpoint.__init__, "__kwdefaults__", options)
    for name in ("tries", "first_wait"):
        monkeypatch.setitem(EndpointEngine.__init__.__kwdefaults__, name, options[name])
    monkeypatch.delenv("NINEFOLD_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@fuzz(6)
@given(faults=st.lists(replies(), min_size=1, max_size=4), scoring=st.sampled_from(["generate", "generate", "choice"]))
def test_replies(photos: Path, impatient: None, tmp_path: Path, faults: list[Any], scoring: str) -> None:
    with copied(to=tmp_path / "one"), serving(ChatServer(lambda picture, prompt: "center")) as server:
        server.faults.extend(faults)
        options = ["--data", photos, "--limit", "3", "--scoring", scoring, "--out", tmp_path / "one" / "run"]
        # The second begins where the first could not go on.
        codes = [run("evaluate", "--model", f"openai:{server.url}", *options, about=str(faults))[0] for _ in range(2)]
        scored = 0 not in codes or run("score", tmp_path / "one" / "run", about=str(faults))[0] == 0
        check(scored, "a finished run is scored", str(faults))


@fuzz(6)
@given(answers=st.lists(ANSWERS, min_size=1, max_size=4))
def test_answers(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: list[str]) -> None:
    fake = FakeModel(lambda row: answers[len(row.id) % len(answers)])
    monkeypatch.setitem(registry.REGISTERED, "odd", lambda spec: fake)
    with copied(to=tmp_path / "one"):
        out = tmp_path / "one" / "run"
        page = ["report", out, "--out", tmp_path / "one" / "page.html"]
        for command in (["evaluate", "--model", "odd", "--data", photos, "--out", out], ["score", out], page):
            check(run(*command, about=str(answers))[0] == 0, "every answer is scored and shown", str(answers))


PARTS = [
    *(
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        '"',
        "'",
        "\\",
        "\n",
        "```",
        "```json",
        "null",
        "True",
        "12",
        "<think>",
        "</think>",
    ),
    *('"question"', '"answer"', "'q':", '"pairs": [', "Where is the cat?", '"Where is it?"', '"left"', "\\u0041"),
    *('{"question": "What is on the mat?", "answer": "A cat"}', '{"question": "Where is the cat?", "answer": "On'),
    "\ud800",
]
WHOLE = '[{"question": "What is on the mat?", "answer": "A cat"}]'
OUTPUTS = st.lists(st.sampled_from(PARTS) | st.text(st.characters(), max_size=2), max_size=12).map("".join)


@fuzz(100)
@given(text=OUTPUTS, truncated=st.booleans())
def test_salvage(text: str, truncated: bool) -> None:
    said = attempt(lambda: salvaged(text, truncated=truncated), text)
    check(said is not None, "any text can be read", text)
    for question, answer in said.pairs if said else ():
        check(question.isprintable() and question and answer, "pairs are lines of text", text)
        check("\\" in text or all(word in text for word in question.split()), "nothing is added", text)


@fuzz(3)
@given(faults=st.lists(replies(), max_size=4), outputs=st.lists(OUTPUTS | st.just(WHOLE), max_size=3))
def test_pairs_of_a_server(impatient: None, tmp_path: Path, faults: list[Any], outputs: list[str]) -> None:
    about, outputs = f"{faults} {outputs}", [WHOLE, *outputs]
    script = ChatServer(lambda picture, prompt: outputs[len(prompt) % len(outputs)])
    with copied(to=tmp_path / "one"), serving(script):
        rows = [{"id": f"c{n}", "text": f"The cat sits on the mat {'x' * n}."} for n in range(6)]
        (tmp_path / "one" / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        script.faults.extend(faults)
        options = ["--engine", f"openai:{script.url}", "--text-field", "text", "--id-field", "id", "--filter", "none"]
        options += ["--timeout", "5", "--out", tmp_path / "one" / "set"]
        # The second begins where the first could not go on.
        for _ in range(2):
            code, _ = run("captions", "run", tmp_path / "one" / "rows.jsonl", *options, about=about)
        if code == 0:
            counts = json.loads((tmp_path / "one" / "set" / "counts.json").read_text())
            check(counts["failed"] + counts["captions_kept"] == 6, "every caption is counted", about)
