"""Servers that answer oddly: each reply is read, tried again, adapted to, or one example's invalid answer."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from chat_server import DROP, ChatServer, asked, serving
from endpoint_examples import EXAMPLES, endpoint, sees
from tracing import traced

from ninefold import store
from ninefold.errors import ModelError
from ninefold.evaluation.predict import predict
from ninefold.evaluation.score import score
from ninefold.models.endpoint import connection

EXAMPLE = EXAMPLES[0]
RIGHT = EXAMPLE.answer
KEY = "sk-never-to-be-told"


def chat(content: object, finish: object = "stop", **more: object) -> tuple[int, dict[str, str], dict[str, Any]]:
    message = {"role": "assistant", "content": content, **more}
    return 200, {}, {"choices": [{"index": 0, "message": message, "finish_reason": finish}], "usage": None}


def http(body: bytes, *, headers: str = "", version: str = "1.1") -> bytes:
    return f"HTTP/{version} 200 OK\r\n{headers}\r\n".encode() + body


GOOD = json.dumps(chat(RIGHT)[2]).encode()
INNER = {"choices": [{"message": None, "error": {"code": 502, "message": "upstream"}, "finish_reason": "error"}]}


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (chat([{"type": "text", "text": "top "}, {"type": "text", "text": "left"}]), RIGHT),
        (chat([{"type": "thinking", "thinking": ["right?"]}, "left"]), "<think>right?</think>left"),
        (chat([{"type": "text", "text": "see "}, {"type": "image_url", "image_url": {}}]), "see [image_url]"),
        (chat({"type": "text", "text": "left"}), "left"),
        (chat(7), "7"),
        (chat(None), ""),
        (chat(None, None), ""),
        (chat(None, "tool_calls", tool_calls=[{}]), ""),
        (chat("left", None), "left"),
        (chat("left", 3), "left"),
        (chat(RIGHT, reasoning_content="right?"), RIGHT),
        (chat(None, "stop", reasoning="right"), "<think>right"),
        (chat("", "stop", reasoning_details=[{"text": "right</think>left"}]), "<think>rightleft"),
        ((200, {}, {"choices": [{"text": "left"}]}), "left"),
        ((200, {}, {"choices": [{"message": "left"}]}), "left"),
        ((200, {}, {"choices": [{"index": 1, "text": "no"}, {"index": 0, "text": "left"}]}), "left"),
        ((200, {}, b"\xef\xbb\xbf" + GOOD), RIGHT),
        ((200, {}, GOOD.decode().encode("utf-16")), RIGHT),
        ((200, {}, GOOD.replace(b"top left", b"left \xff")), "left \ufffd"),
        ((200, {}, GOOD.replace(b"top left", b"left \\ud800")), "left \ufffd"),
        ((200, {}, GOOD.replace(b"null", b"NaN")), RIGHT),
        ((200, {"Content-Encoding": "gzip"}, gzip.compress(GOOD)), RIGHT),
        (http(GOOD, version="1.0"), RIGHT),
        (http(GOOD, headers=f"Content-Length: {len(GOOD)}\r\nConnection: close\r\n"), RIGHT),
    ],
)  # fmt: skip
def test_replies_that_are_read(server: ChatServer, tmp_path: Path, reply: object, text: str) -> None:
    server.faults.append(reply)
    predict(endpoint(server), [EXAMPLE], tmp_path, spec={}, progress=False)
    table = pd.read_parquet(tmp_path / "predictions.parquet")
    assert (table["text"][0], bool(table["truncated"][0]), len(server.requests)) == (text, False, 1)
    assert "refused" not in table


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (chat("<think> it may be bottom right. I see", "length"), "truncated"),
        (chat(None, "length", reasoning_content="it may be bottom right"), "truncated"),
        (chat("", "length", reasoning="bottom right </think> top left"), "truncated"),
        (chat("  \n", "length", reasoning="bottom right"), "truncated"),
        (chat(" ", "length"), "truncated"),
        (chat(None, "length"), "truncated"),
        (chat(None, "MAX_TOKENS"), "truncated"),
        (chat([{"type": "thinking", "thinking": "bottom right"}], "length"), "truncated"),
        ((200, {}, {"choices": [{"message": {"content": "it is"}}], "usage": {"completion_tokens": 15}}), "truncated"),
        (chat(None, "stop", reasoning_content="bottom right"), "empty"),
        (chat(" \n", "stop", reasoning="bottom right"), "empty"),
        (chat(None), "empty"),
        (chat("top", "content_filter"), "refused"),
        (chat(None, "SAFETY"), "refused"),
        (chat(None, refusal="I cannot help with that"), "refused"),
        ((400, {}, {"error": {"code": "content_filter", "message": "blocked"}}), "refused"),
        ((403, {}, {"error": {"message": "flagged", "code": 403}}), "refused"),
        ((200, {}, {"error": {"code": "content_filter", "message": "blocked"}}), "refused"),
    ],
)
def test_replies_without_an_answer(server: ChatServer, tmp_path: Path, reply: object, kind: str) -> None:
    server.faults.append(reply)
    predict(endpoint(server, concurrency=1), EXAMPLES[:2], tmp_path, spec={}, progress=False)
    metrics = score(tmp_path)
    assert (metrics["invalid"], metrics["invalid_by_class"][kind], metrics["accuracy"]) == (1, 1, 0.5)
    assert len(server.requests) == 2
    if kind == "truncated" and not (isinstance(reply[2], dict) and "usage" in reply[2] and reply[2]["usage"]):
        assert "were cut off while the model was thinking: raise --max-new-tokens" in metrics["warnings"][0]
    if kind == "refused":
        assert "1 of 2 answers were refused, the first with: " in metrics["warnings"][0]


@pytest.mark.parametrize(
    "fault",
    [
        (200, {}, {"error": {"code": 429, "message": "slow down"}}),
        (200, {}, {"error": {"code": "503", "message": "busy"}}),
        (200, {}, {"error": "busy"}),
        (200, {}, {"object": "error", "message": "busy", "type": "rate_limit_exceeded"}),
        (200, {}, INNER),
        (200, {}, {"choices": []}),
        (200, {}, {"choices": None}),
        (200, {}, {"choices": [{"index": 0}]}),
        (200, {}, "<!DOCTYPE html><html>Sign in</html>"),
        (200, {}, ""),
        (200, {}, "[" * 100_000),
        (200, {}, "1" * 5_000),
        (200, {"Content-Encoding": "gzip"}, b"no gzip"),
        (429, {"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}, ""),
        (425, {"Retry-After": "nan"}, ""),
        http(GOOD[:9], headers=f"Content-Length: {len(GOOD)}\r\n"),
        http(b"5\r\n{\"cho\r\n", headers="Transfer-Encoding: chunked\r\n"),
        b"no HTTP at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x" * 200_000,
        DROP,
    ],
    ids=str,
)  # fmt: skip
def test_replies_after_which_the_same_is_asked_again(server: ChatServer, fault: object) -> None:
    server.faults.append(fault)
    [answer] = endpoint(server, first_wait=0.0).predict([EXAMPLE])
    assert (answer.text, len(server.requests)) == (RIGHT, 2)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ((200, {}, {"error": {"code": 429, "message": "slow\x1b[3m down"}}), r"given up .* \(status 429, slow \[3m"),
        ((200, {}, "<html>"), "the server answers no JSON; is this its /v1"),
        ((200, {}, {"choices": []}), "its reply holds no choices"),
        ((200, {}, {"object": "list"}), "its answer is no chat completion"),
        ((200, {}, {"error": {"code": "invalid_api_key", "message": "no"}}), "status 401, no; put a key in"),
        ((200, {"Content-Encoding": "br"}, GOOD), "compressed as 'br', which was not asked for"),
        ((422, {}, {"detail": [{"loc": ["body", "n"], "msg": "too many"}]}), "status 422, body.n: too many"),
    ],
)  # fmt: skip
def test_what_goes_on_is_one_line(server: ChatServer, fault: object, told: str) -> None:
    server.faults.extend([fault] * 3)
    with pytest.raises(ModelError, match=f"^{server.url}: example e0: .*{told}") as caught:
        endpoint(server, tries=2, first_wait=0.0).predict([EXAMPLE])
    assert str(caught.value).isprintable()


def refusing(name: str, message: str) -> Callable[[dict[str, Any]], object]:
    return lambda body: (400, {}, {"error": {"message": message}}) if name in body else None


@pytest.mark.parametrize(
    ("name", "message", "became"),
    [
        ("temperature", "temperature is not supported", "left out"),
        ("seed", "Extra inputs are not permitted: seed", "left out"),
        ("max_tokens", "Unsupported: 'max_tokens'. Use 'max_completion_tokens'.", "sent as max_completion_tokens"),
    ],
)  # fmt: skip
def test_a_refused_parameter_is_adapted_to_once_and_recorded(
    server: ChatServer, tmp_path: Path, caplog: pytest.LogCaptureFixture, *, name: str, message: str, became: str
) -> None:
    server.refusal = refusing(name, message)
    predict(endpoint(server, concurrency=1), EXAMPLES[:4], tmp_path, spec={}, progress=False)
    assert [name in body for body in server.requests] == [True] + [False] * 4
    assert pd.read_parquet(tmp_path / "predictions.parquet")["text"].tolist() == [each.answer for each in EXAMPLES[:4]]
    assert store.read_json(tmp_path / "requests.json") == {name: f"{became}: status 400, {message}"}
    assert caplog.text.count(f"refuses {name}, which is {became} from here on") == 1


@pytest.mark.parametrize(
    ("message", "refused", "changes"),
    [
        (
            "max_tokens must be at least 16, got 15",
            lambda body: body.get("max_tokens", 16) < 16,
            {"max_tokens below 16": "sent as 16"},
        ),
        (
            "Invalid 'max_tokens': integer below minimum value. Expected a value >= 16, but got 15 instead.",
            lambda body: body.get("max_tokens", 16) < 16,
            {"max_tokens below 16": "sent as 16"},
        ),
        (
            "Unknown parameter: max_tokens, max_completion_tokens",
            lambda body: "max_tokens" in body or "max_completion_tokens" in body,
            {
                "max_tokens": "sent as max_completion_tokens",
                "max_completion_tokens": "left out (answers have no limit)",
            },
        ),
        (
            "1 validation error: temp must be > 0",
            lambda body: "temperature" in body,
            {"temperature": "left out"},
        ),
    ],
)
def test_each_refusal_of_a_value_is_adapted_to(
    server: ChatServer, tmp_path: Path, message: str, refused: Callable[[dict[str, Any]], bool], changes: dict[str, str]
) -> None:
    server.refusal = lambda body: (400, {}, {"error": {"message": message}}) if refused(body) else None
    predict(endpoint(server, concurrency=1), EXAMPLES[:4], tmp_path, spec={}, progress=False)
    assert pd.read_parquet(tmp_path / "predictions.parquet")["text"].tolist() == [each.answer for each in EXAMPLES[:4]]
    assert len(server.requests) == 4 + len(changes)
    recorded = store.read_json(tmp_path / "requests.json")
    assert recorded == {name: f"{became}: status 400, {message}" for name, became in changes.items()}


@pytest.mark.parametrize(
    "message",
    [
        "max_tokens must be at least 16",
        "max_tokens must be at most 8",
        "max_tokens must be at least 99999",
        "unexpected temperature, seed, max_tokens, max_completion_tokens",
    ],
)
def test_what_no_change_helps_is_refused_soon(server: ChatServer, message: str) -> None:
    server.refusal = lambda body: (400, {}, {"error": {"message": message}})
    with pytest.raises(ModelError, match=message):
        endpoint(server).predict([EXAMPLE])
    assert len(server.requests) <= 5


def test_several_parameters_are_adapted_to_and_a_length_is_none_of_them(server: ChatServer) -> None:
    named = "temperature", "seed", "max_tokens"
    server.refusal = lambda body: (
        (422, {}, {"detail": [{"loc": ["body", name], "msg": "extra"} for name in named if name in body]})
        if any(name in body for name in named)
        else None
    )
    asked = endpoint(server)
    assert [answer.text for answer in asked.predict(EXAMPLES)] == [each.answer for each in EXAMPLES]
    assert set(asked.request_changes) == set(named)
    server.refusal = refusing(
        "max_tokens", "'max_tokens' or 'max_completion_tokens' is too large: 15. The context is 9"
    )
    with pytest.raises(ModelError, match="is too large"):
        endpoint(server).predict([EXAMPLE])


@pytest.mark.parametrize("odd", [None, [], [None, {"7": {"logprob": float("nan")}}], [None, {}], "no list"])
def test_an_example_without_logprobs_cannot_be_chosen_for(server: ChatServer, tmp_path: Path, odd: object) -> None:
    def spoilt(reply: dict[str, Any]) -> dict[str, Any]:
        return {**reply, "prompt_logprobs": odd}

    def of_the_second(body: dict[str, Any]) -> object:
        return spoilt if sees(*asked(body["messages"][0])) == EXAMPLES[1].answer else None

    server.refusal = of_the_second
    predict(endpoint(server, concurrency=1), EXAMPLES[:3], tmp_path, spec={}, scoring="choice", progress=False)
    table = pd.read_parquet(tmp_path / "predictions.parquet")
    assert table["refused"].notna().tolist() == [False, True, False]
    assert "prompt_logprobs" in table["refused"][1]


def test_no_answer_may_be_huge_or_endless(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(connection, "LARGEST_BODY", 1 << 20)
    for body, headers in ((gzip.compress(bytes(16 << 20)), {"Content-Encoding": "gzip"}), (bytes(2 << 20), {})):
        server.faults.append((200, headers, body))
        with traced() as memory:
            with pytest.raises(ModelError, match="its answer is larger than 1 MiB"):
                endpoint(server).predict([EXAMPLE])
            assert memory()[1] < 8 << 20


def test_a_dribbling_server_has_a_deadline_as_a_whole(server: ChatServer) -> None:
    asking = endpoint(server, tries=2, first_wait=0.0, timeout=0.2)
    server.dribble = 0.05
    with pytest.raises(ModelError, match=r"given up after 2 tries \(no complete answer within 0.2 s\)"):
        asking.predict([EXAMPLE])
    server.dribble = 0.0


@pytest.mark.parametrize("proxy", ["socks5://user:hunter2@localhost:1", "gopher://user:hunter2@localhost:1"])
def test_a_proxy_that_cannot_be_used_is_one_line(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("all_proxy", proxy)
    assert endpoint(server).predict([EXAMPLE])[0].text == RIGHT  # NO_PROXY names the host
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.delenv("no_proxy")
    with pytest.raises(
        ModelError, match=r"proxy that the environment names .* cannot be used.*; unset it, or put"
    ) as caught:
        endpoint(server)
    assert "hunter2" not in str(caught.value)


def test_the_key_goes_to_no_other_host_and_is_stored_nowhere(
    server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("NINEFOLD_API_KEY", KEY)
    with serving(ChatServer(sees)) as other:
        server.faults.append((302, {"Location": f"{other.url}/chat/completions"}, ""))
        with pytest.raises(ModelError, match="it sends elsewhere"):
            endpoint(server).predict([EXAMPLE])
        assert other.requests == [] and other.keys == []
    server.refusal = refusing("seed", f"seed is refused to {KEY}")
    server.faults.extend([chat(f"{KEY} top left"), chat(None, refusal=f"not to {KEY}"), (413, {}, f"too long: {KEY}")])
    predict(endpoint(server, concurrency=1), EXAMPLES[:5], tmp_path, spec={}, progress=False)
    metrics = score(tmp_path)
    assert metrics["invalid_by_class"]["refused"] == 2
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert KEY.encode() not in written and KEY not in caplog.text
    assert b"[key]" in written and "[key]" in caplog.text


def test_a_word_that_is_no_secret_is_not_taken_out(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "left")
    assert endpoint(server).predict([EXAMPLE])[0].text == RIGHT
