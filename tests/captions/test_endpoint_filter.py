from pathlib import Path

import pytest
from chat_server import serving
from endpoint_captions import CAPTIONS, model, server

from ninefold.captions.engines.endpoint.verdicts import EndpointFilter, verdict_in
from ninefold.errors import ModelError


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("yes", True),
        ("Yes.", True),
        ("**No**", False),
        ("Yes, the description contains a spatial relation.", True),
        ("The description contains a spatial relation: the lamp is left of the sofa.", True),
        ("The description does not contain a spatial relation.", False),
        ("The description doesn't explicitly state any spatial relationship.", False),
        ("There is no spatial relation.", False),
        ("There are several spatial relations.", True),
        ("<think>Is it yes or no? No...</think>Yes", True),
        ("<think>Yes, I think", None),
        ("Yes and no.", None),
        ("It does not contain a spatial relation, but it has a spatial arrangement.", None),
        ("", None),
        ("Perhaps.", None),
        ("A spatial relation is a relation in space.", None),
        ("There is no dog in it.", None),
        ("yes " * 300_000, None),
    ],
)
def test_verdict_is_read_and_not_guessed(text, verdict):
    assert verdict_in(text) is verdict


def judge(script, responses: Path | None = None, **options) -> EndpointFilter:
    return EndpointFilter(model(script, responses), **options)


def test_verdicts_in_order_and_paid_once(tmp_path: Path):
    words = ["yes", "No.", "Maybe"]

    def says(picture, prompt):
        return words[int(prompt.rstrip(".").rpartition(" ")[2]) % 3]

    with serving(server(answer=says)) as script:
        first = judge(script, tmp_path / "responses")
        verdicts = first.judge(CAPTIONS[:6])
        again = judge(script, tmp_path / "responses").judge(CAPTIONS[:6])
    assert verdicts == again == [True, False, None] * 2
    assert first.undecided == 2
    assert len(script.requests) == 6
    assert "yes or no" in script.requests[0]["messages"][0]["content"]


def test_likelier_first_token_decides():
    def with_logprobs(reply):
        told = [{"token": " Yes", "logprob": -1.0}, {"token": "yes", "logprob": -2.0}, {"token": "No", "logprob": -0.9}]
        reply["choices"][0]["logprobs"] = {"content": [{"top_logprobs": told}]}
        return reply

    with serving(server()) as script:
        script.faults.extend([with_logprobs] * 2)
        assert judge(script, decision="logit").judge(CAPTIONS[:2]) == [True, True]
    assert script.requests[0]["max_tokens"] == 1


def test_server_without_logprobs_is_told_in_one_line():
    with serving(server()) as script, pytest.raises(ModelError, match="tells no logprobs; decide by the answer"):
        judge(script, decision="logit").judge(CAPTIONS[:2])


def test_refused_captions_have_no_verdict():
    def refusal(body):
        return (400, {}, {"error": "too long for the context"}) if "number 1." in str(body) else None

    with serving(server(answer=lambda picture, prompt: "yes", refusal=refusal)) as script:
        assert judge(script).judge(CAPTIONS[:3]) == [True, None, True]
