"""Runs on a server that are killed, interrupted or refused: what was answered is kept."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from chat_server import DROP, ChatServer
from endpoint_examples import EXAMPLES, endpoint

from ninefold.data.format.dataset import Dataset
from ninefold.errors import ModelError
from ninefold.evaluation.predict import predict
from ninefold.evaluation.score import score
from ninefold.models.endpoint.patience import LIMIT
from ninefold.models.load import open_model
from ninefold.types import Example

CHILD = """
import sys
from pathlib import Path
from ninefold.data.format.dataset import Dataset
from ninefold.evaluation.predict import predict
from ninefold.models.load import open_model
model = open_model(sys.argv[1])
assert "torch" not in sys.modules
try:
    predict(model, Dataset.open(Path(sys.argv[2])).read("test"), Path(sys.argv[3]), spec={"a": 1}, progress=False)
except KeyboardInterrupt:
    sys.exit(130)
"""


def run(server: ChatServer, out: Path, examples: list[Example] = EXAMPLES, **options: object) -> bytes:
    """Begin or resume a run, and return the bytes of its table."""
    predict(endpoint(server), examples, out, spec={"a": 1}, progress=False, **options)
    return (out / "predictions.parquet").read_bytes()


def kept(out: Path) -> set[str]:
    return {json.loads(line)["id"] for line in (out / "predictions.jsonl").read_text().splitlines()}


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)])
def test_killed_or_interrupted_amid_requests_a_run_goes_on_and_ends_with_the_same_bytes(
    server: ChatServer, data: Path, tmp_path: Path, sent: int, code: int
) -> None:
    answers, go_on = threading.Semaphore(9), threading.Event()
    server.delay = lambda number: 0.0 if answers.acquire(blocking=False) else float(go_on.wait(20) and 0)
    name, out = f"openai:{server.url}#tiny", tmp_path / "killed"
    child = subprocess.Popen([sys.executable, "-c", CHILD, name, str(data), str(out)], stderr=subprocess.PIPE)
    deadline = time.monotonic() + 30
    while not (out / "predictions.jsonl").exists() or len(kept(out)) < 9:
        assert time.monotonic() < deadline, child.poll()
        time.sleep(0.02)
    begun = time.monotonic()
    child.send_signal(sent)
    _, told = child.communicate()
    assert (child.returncode, told) == (code, b"")
    assert time.monotonic() - begun < 2
    go_on.set()
    assert len(kept(out)) == 9
    before, rows = len(server.requests), list(Dataset.open(data).read("test"))
    for folder in (out, tmp_path / "whole"):
        predict(open_model(name), rows, folder, spec={"a": 1}, progress=False)
    assert len(server.requests) - before == 9 + 18
    assert (out / "predictions.parquet").read_bytes() == (tmp_path / "whole" / "predictions.parquet").read_bytes()


def test_an_error_late_in_a_run_keeps_all_answers_before_it(server: ChatServer, tmp_path: Path) -> None:
    server.faults.extend([None] * 10 + [(404, {}, {"error": {"message": "no such model"}})])
    with pytest.raises(ModelError, match="status 404, no such model"):
        run(server, tmp_path / "run")
    answered = kept(tmp_path / "run")
    assert len(answered) >= 10
    before = len(server.requests)
    again = run(server, tmp_path / "run")
    assert len(server.requests) - before == 18 - len(answered)
    assert again == run(server, tmp_path / "whole")


def test_refusals_of_single_examples_are_results(server: ChatServer, tmp_path: Path) -> None:
    examples = sorted(EXAMPLES, key=lambda example: example.answer.startswith("bottom"))

    def refusing(status: int) -> Callable[[dict[str, Any]], object]:
        return lambda body: (
            (status, {}, {"error": "too large"})
            if "bottom" in server.reply(body)["choices"][0]["message"]["content"]
            else None
        )

    server.refusal = refusing(410)
    with pytest.raises(ModelError, match="status 410, too large"):
        run(server, tmp_path / "run", examples)
    assert kept(tmp_path / "run") == {each.id for each in examples[:12]}
    # Only refused examples are left. One that was answered is asked again, which shows that the server still answers.
    server.refusal, before = refusing(413), len(server.requests)
    resumed = run(server, tmp_path / "run", examples)
    assert len(server.requests) - before == 6 + 1
    table = pd.read_parquet(tmp_path / "run" / "predictions.parquet")
    assert table["refused"].fillna("").tolist() == [""] * 12 + ["status 413, too large"] * 6
    assert resumed == run(server, tmp_path / "whole", examples)
    metrics = score(tmp_path / "run")
    assert (metrics["accuracy"], metrics["invalid_by_class"]["refused"]) == (12 / 18, 6)
    assert metrics["warnings"] == ["6 of 18 answers were refused, the first with: status 413, too large"]


def seen(server: ChatServer, body: dict[str, Any]) -> str:
    return str(server.reply(body)["choices"][0]["message"]["content"])


ONE_FAILURE = [
    ((500, {}, {"error": {"message": "CUDA error on this image"}}), "status 500, CUDA error on this image"),
    ((503, {}, "overloaded"), "status 503, overloaded"),
    ((429, {}, {"error": "slow down"}), "status 429, slow down"),
    ((404, {}, {"error": {"message": "image not found"}}), "status 404, image not found"),
    ((403, {}, {"error": {"message": "blocked by the firewall"}}), "status 403, blocked by the firewall"),
    ((200, {}, {"error": "Image too large"}), "its reply is an error: Image too large"),
    ((200, {}, {"error": {"message": "no", "code": None}}), "its reply is an error: no"),
    ((200, {}, "<html>"), "the server answers no JSON; is this its /v1?"),
    (DROP, "Server disconnected without sending a response."),
]


@pytest.mark.parametrize(("place", "fault", "reason"), [(n % 9, *each) for n, each in enumerate(ONE_FAILURE)], ids=str)
def test_an_example_that_always_fails_is_refused_if_others_are_answered(
    server: ChatServer, tmp_path: Path, place: int, fault: Any, reason: str
) -> None:
    server.refusal = lambda body: fault if seen(server, body) == EXAMPLES[place].answer else None
    for concurrency in (1, 8):
        out = tmp_path / str(concurrency)
        predict(endpoint(server, concurrency=concurrency), EXAMPLES[:9], out, spec={}, progress=False)
        table = pd.read_parquet(out / "predictions.parquet")
        assert table["refused"].fillna("").tolist() == [reason if row == place else "" for row in range(9)]
    whole = [(out / "predictions.parquet").read_bytes() for out in tmp_path.iterdir()]
    assert whole[0] == whole[1]


@pytest.mark.parametrize(("fault", "reason"), ONE_FAILURE, ids=str)
def test_an_outage_ends_the_run_and_refuses_nothing(
    server: ChatServer, tmp_path: Path, fault: Any, reason: str
) -> None:
    for answered in (0, 6):
        server.refusal = lambda body: fault
        server.faults.extend([None] * answered)
        with pytest.raises(ModelError) as caught:
            run(server, tmp_path / "run")
        assert reason in str(caught.value) and str(caught.value).isprintable()
        assert len(kept(tmp_path / "run")) == answered
    server.refusal = lambda body: None
    assert run(server, tmp_path / "run") == run(server, tmp_path / "whole")
    assert "refused" not in pd.read_parquet(tmp_path / "run" / "predictions.parquet")


@pytest.mark.parametrize("failures", [3, 6, 7, 10])
def test_an_outage_that_passes_refuses_nothing(server: ChatServer, tmp_path: Path, failures: int) -> None:
    server.faults.extend([None] * 2 + [(500, {}, "restarting")] * failures)
    predict(endpoint(server, concurrency=1), EXAMPLES, tmp_path, spec={}, progress=False)
    table = pd.read_parquet(tmp_path / "predictions.parquet")
    assert "refused" not in table and table["text"].tolist() == [each.answer for each in EXAMPLES]


def test_a_resumed_run_asks_no_refused_example_whether_the_server_answers(server: ChatServer, tmp_path: Path) -> None:
    bad = {EXAMPLES[place].answer: (500, {}, "bad image") for place in (2, 4)}
    server.refusal = lambda body: {EXAMPLES[3].answer: (401, {}, "no key"), **bad}.get(seen(server, body))
    with pytest.raises(ModelError, match="no key"):
        predict(endpoint(server, concurrency=1), EXAMPLES[:5], tmp_path, spec={}, progress=False)
    assert kept(tmp_path) == {"e0", "e1", "e2"}
    bad[EXAMPLES[3].answer] = bad[EXAMPLES[2].answer]
    predict(endpoint(server, concurrency=1), EXAMPLES[:5], tmp_path, spec={}, progress=False)
    table = pd.read_parquet(tmp_path / "predictions.parquet")
    assert table["refused"].notna().tolist() == [False, False, True, True, True]


def test_refusals_of_everything_end_the_run_and_are_not_stored(server: ChatServer, tmp_path: Path) -> None:
    server.refusal = lambda body: (400, {}, {"error": "takes no images"})
    with pytest.raises(ModelError, match=r"example e[0-9]+: status 400, takes no images"):
        run(server, tmp_path / "run", EXAMPLES * 3)
    assert kept(tmp_path / "run") == set()
    assert len(server.requests) <= LIMIT + 8
