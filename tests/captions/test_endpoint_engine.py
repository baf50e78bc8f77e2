import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from chat_server import DROP, serving
from endpoint_captions import CAPTIONS, asked, caption, engine, server, writes

from ninefold.captions.blocks import Block
from ninefold.captions.caption import Caption
from ninefold.captions.engines.endpoint import prompts
from ninefold.captions.engines.endpoint.blocks_at_once import outcomes
from ninefold.captions.engines.endpoint.engine import EndpointEngine
from ninefold.captions.engines.endpoint.language_model import LanguageModel
from ninefold.captions.pair import Generated
from ninefold.captions.spec import Serving
from ninefold.errors import DataError, ModelError

OUT_OF_ORDER = (500, {}, {"error": {"message": "Internal Server Error"}})


def test_pairs_in_order_with_relation_frame_things_and_sentence():
    with serving(server()) as script:
        made = engine(script).generate(CAPTIONS)
    assert [one.pairs[0].question for one in made] == [f"What is left of the sofa number {n}?" for n in range(12)]
    assert made[3].tokens == {"prompt": len(asked(script)[3].split()), "completion": 13}
    (pair,) = made[3].pairs
    assert (pair.relation, pair.frame, pair.subject, pair.object) == ("left", "viewer", "lamp", "sofa number 3")
    assert (pair.span_start, pair.span_end) == (21, 63)
    assert CAPTIONS[3].text[21:63] == "The lamp stands left of the sofa number 3."


def test_request_is_greedy_and_structured_with_8192_tokens_and_no_limits_of_length():
    with serving(server()) as script:
        engine(script).generate(CAPTIONS[:1])
    body = script.requests[0]
    assert (body["temperature"], body["max_tokens"]) == (0, 8192)
    assert body["response_format"]["type"] == "json_schema"
    assert "maxLength" not in str(body) and "maxItems" not in str(body)


def test_equal_captions_are_paid_once():
    same = [Caption(f"s{number}", CAPTIONS[0].text) for number in range(20)]
    with serving(server(delay=lambda count: 0.05)) as script:
        asking = engine(script)
        made = asking.generate(same)
    assert len(script.requests) == 1
    assert len({one.pairs for one in made}) == 1
    assert (asking.usage.paid, asking.usage.reused) == (1, 19)


def test_kept_responses_are_not_paid_again(tmp_path: Path):
    file = tmp_path / "out.responses" / "responses.sqlite"
    with serving(server()) as script:
        first = engine(script, file)
        made = first.generate(CAPTIONS[:8])
        second = engine(script, file)
        again = second.generate(CAPTIONS)
    assert again[:8] == made
    assert len(script.requests) == 12
    assert (second.usage.paid, second.usage.reused, second.usage_of_all_runs.paid) == (4, 8, 12)
    priced = Serving(price_in=1.0, price_out=10.0)
    cost = (second.usage.prompt_tokens + 10 * second.usage.completion_tokens) / 1e6
    assert second.usage.cost(priced) == pytest.approx(cost)
    assert f"4 requests paid ({second.usage.prompt_tokens} prompt tokens" in second.usage.sentence(priced)


def test_other_prompts_and_limits_are_other_requests(tmp_path: Path):
    (tmp_path / "prompt.txt").write_text('As {"pairs": []}: {description}\n')
    file = tmp_path / "responses.sqlite"
    with serving(server()) as script:
        settings = []
        for options in ({}, {"prompt": prompts.read(tmp_path / "prompt.txt")}, {"max_new_tokens": 100}):
            asking = engine(script, file, **options)
            asking.generate(CAPTIONS[:1])
            settings.append(asking.settings())
    assert len(script.requests) == 3
    assert asked(script)[1] == f'As {{"pairs": []}}: {CAPTIONS[0].text}'
    assert len({one["prompt"] for one in settings}) == 2


def test_braces_of_a_caption_are_text():
    assert prompts.PAIRS.about("a {description} b").endswith("a {description} b")


@pytest.mark.parametrize(("content", "complaint"), [(b"no place", "holds no {description}"), (b"\xff", "UTF-8")])
def test_prompts_that_are_none(tmp_path: Path, content: bytes, complaint: str):
    (tmp_path / "prompt.txt").write_bytes(content)
    with pytest.raises(DataError, match=complaint):
        prompts.read(tmp_path / "prompt.txt")


def test_form_that_gets_500_is_replaced_once_for_all_requests():
    def refusal(body):
        return OUT_OF_ORDER if body.get("response_format", {}).get("type") == "json_schema" else None

    with serving(server(refusal=refusal)) as script:
        asking = engine(script)
        made = asking.generate(CAPTIONS)
    forms = Counter(body.get("response_format", {}).get("type") for body in script.requests)
    assert forms == {"json_schema": 2, "json_object": 12}
    assert all(one.pairs for one in made)
    assert asking.request_changes == {"response_format": "sent as json_object"}
    assert script.requests[-1]["response_format"]["schema"]["type"] == "object"


def test_form_that_is_refused_by_name_leaves_free_text():
    def refusal(body):
        return (400, {}, {"error": "response_format is unsupported"}) if "response_format" in body else None

    with serving(server(refusal=refusal)) as script:
        made = engine(script).generate(CAPTIONS)
    assert Counter("response_format" in body for body in script.requests) == {True: 2, False: 12}
    assert all(one.pairs for one in made)


@pytest.mark.parametrize("faults", [[OUT_OF_ORDER] * 4, [(503, {}, "")] * 3, [DROP] * 3, [b"junk"] * 2], ids=str)
def test_outage_at_the_beginning_is_no_refusal_of_the_form(faults):
    with serving(server()) as script:
        script.faults.extend(faults)
        asking = engine(script)
        made = asking.generate(CAPTIONS)
        assert all(one.pairs for one in made)
    assert all(body["response_format"]["type"] == "json_schema" for body in script.requests[-11:])
    assert asking.request_changes == {}


@pytest.mark.parametrize(
    "fault",
    [(429, {"Retry-After": "0"}, ""), OUT_OF_ORDER, (200, {}, "garbage"), (200, {}, "null"), DROP],
    ids=lambda fault: str(fault)[:12],
)
def test_passing_faults_are_retried(fault):
    with serving(server()) as script:
        asking = engine(script)
        asking.generate(CAPTIONS[:2])
        script.faults.extend([fault] * 2)
        made = asking.generate(CAPTIONS[2:])
    assert all(one.pairs for one in made)
    assert asking.usage.paid == 12


def test_hanging_server_ends_the_run_in_one_line():
    late = pytest.raises(ModelError, match=r"no complete answer within 0\.1 s\); mend the server")
    with serving(server(delay=lambda count: 0.6)) as script, late:
        engine(script, timeout=0.1, concurrency=1).generate(CAPTIONS)
    assert len(script.requests) < 30


def test_caption_that_always_fails_is_failed_alone():
    def refusal(body):
        return (400, {}, {"error": "context length exceeded"}) if "number 3." in str(body) else None

    with serving(server(refusal=refusal)) as script:
        made = engine(script).generate(CAPTIONS)
    assert made[3].failed == "refused: status 400, context length exceeded"
    assert [bool(one.pairs) for one in made] == [number != 3 for number in range(12)]


def test_caption_that_times_out_is_failed_alone_and_costs_one_token_more():
    with serving(server(delay=lambda count: 0.0)) as script:
        script.delay = lambda count: 0.5 if "number 3." in str(script.requests[count]) else 0.0
        made = engine(script, timeout=0.3).generate(CAPTIONS)
    assert made[3].failed == "refused: no complete answer within 0.3 s"
    assert sum(bool(one.pairs) for one in made) == 11
    assert [body["max_tokens"] for body in script.requests].count(1) == 1


def test_cut_off_answers_are_salvaged_and_told():
    first, rest = (
        '{"pairs": [{"question": "Where is the cat?", "answer": "On the sofa"}, ',
        '{"question": "What is on the',
    )
    with serving(server(answer=lambda picture, prompt: first + rest)) as script:
        cut = len((first + rest).split(" ")) - 1
        made = engine(script, max_new_tokens=cut).generate(CAPTIONS[:1])
        none = engine(script, max_new_tokens=3).generate(CAPTIONS[:1])
    assert [pair.question for pair in made[0].pairs] == ["Where is the cat?"]
    assert "cut off at the token limit" in made[0].broken and made[0].raw
    assert "cut off at the token limit" in none[0].failed and not none[0].pairs


def test_server_that_dies_and_comes_back_is_waited_for():
    with serving(server()) as script:
        asking = engine(script)
        asking.generate(CAPTIONS[:4])
        script.faults.extend([DROP] * 20)
        made = asking.generate(CAPTIONS[4:])
    assert all(one.pairs for one in made)


def test_server_that_dies_for_good_loses_nothing_paid(tmp_path: Path):
    file = tmp_path / "responses.sqlite"
    with serving(server()) as script:
        given: list[str] = []
        script.answer = lambda picture, prompt: given.append(prompt) or writes(picture, prompt)
        script.refusal = lambda body: OUT_OF_ORDER if len(script.requests) > 6 else None
        with pytest.raises(ModelError, match="the same command goes on from here"):
            engine(script, file, concurrency=2, tries=3).generate(CAPTIONS)
        paid = len(given)
        assert paid
        script.refusal = lambda body: None
        script.requests.clear()
        asking = engine(script, file)
        assert all(one.pairs for one in asking.generate(CAPTIONS))
    assert (len(script.requests), asking.usage.reused) == (len(CAPTIONS) - paid, paid)


def test_a_slow_caption_of_one_block_does_not_hold_up_the_others():
    blocks = [Block(number, tuple(CAPTIONS[2 * number : 2 * number + 2])) for number in range(6)]
    last_is_asked = threading.Event()

    def slowly(picture, prompt):
        if prompt.endswith("number 5."):
            last_is_asked.set()
        elif prompt.endswith("number 0."):
            assert last_is_asked.wait(10)
        return writes(picture, prompt)

    with serving(server()) as script:
        asking = engine(script)
        asking.generate([caption(100)])
        script.answer = slowly
        made = dict(asking.spread(blocks, None))
        assert sorted(made) == list(range(6))
        assert all(one.pairs for outcome in made.values() for one in outcome)


def test_error_of_a_block_comes_after_the_blocks_that_ended():
    blocks = [Block(number, (CAPTIONS[number],)) for number in range(3)]
    done = outcomes(blocks, lambda block: [Generated()] * (1 // (2 - block.number)))
    assert sorted([next(done)[0], next(done)[0]]) == [0, 1]
    with pytest.raises(ZeroDivisionError):
        next(done)


KILLED = """
import sys
from pathlib import Path
from endpoint_captions import CAPTIONS
from ninefold.captions.engines.endpoint.blocks_at_once import outcomes
from ninefold.captions.engines.endpoint.engine import EndpointEngine
from ninefold.captions.engines.endpoint.language_model import LanguageModel
EndpointEngine(LanguageModel(sys.argv[1], responses=Path(sys.argv[2]), concurrency=2)).generate(CAPTIONS)
"""


def test_killed_run_pays_only_what_was_under_way_again(tmp_path: Path):
    file = tmp_path / "responses.sqlite"
    with serving(server(delay=lambda count: 0.02)) as script:
        arrived = threading.Event()
        answer = script.answer

        def answered(picture, prompt):
            if len(script.requests) >= 7:
                arrived.set()
            return answer(picture, prompt)

        script.answer = answered
        here = str(Path(__file__).parents[1])
        paths = os.pathsep.join([here, *sys.path])
        run = subprocess.Popen(
            [sys.executable, "-c", KILLED, f"openai:{script.url}", str(file)], env={**os.environ, "PYTHONPATH": paths}
        )
        assert arrived.wait(30)
        run.send_signal(signal.SIGKILL)
        run.wait()
        before = Counter(asked(script))
        script.requests.clear()
        asking = engine(script, file, concurrency=2)
        made = asking.generate(CAPTIONS)
    twice = before & Counter(asked(script))
    assert all(one.pairs for one in made)
    assert 7 <= before.total() < 12
    assert twice.total() <= 2
    assert before.total() - twice.total() == asking.usage.reused


def test_settings_hold_neither_url_nor_key(monkeypatch):
    monkeypatch.setenv("NINEFOLD_API_KEY", "secret-key-1")
    with serving(server(answer=lambda picture, prompt: 'secret-key-1 is no {"JSON"')) as script:
        asking = engine(script)
        made = asking.generate(CAPTIONS[:1])
        assert "secret" not in str(asking.settings()) + str(made)
        assert script.url not in str(asking.settings())
    assert script.keys[-1] == "Bearer secret-key-1"


def test_lone_surrogates_and_control_characters_are_kept_out(tmp_path: Path):
    text = '{"pairs": [{"question": "Where is\\ud800 the\\u0000cat?", "answer": "left\\n of it"}]} \ud801\x00'
    with serving(server(answer=lambda picture, prompt: text)) as script:
        made = engine(script, tmp_path / "responses.sqlite").generate(CAPTIONS[:1])
    assert [(pair.question, pair.answer) for pair in made[0].pairs] == [("Where is\ufffd the cat?", "left of it")]
    made[0].raw.encode()


@pytest.mark.skipif("NINEFOLD_LLM_URL" not in os.environ, reason="no real server: NINEFOLD_LLM_URL=openai:http://...")
def test_real_server(tmp_path: Path):
    """Transport and salvage with a real server; small models may write nothing usable, so pairs are not counted."""
    asking = EndpointEngine(
        LanguageModel(os.environ["NINEFOLD_LLM_URL"], responses=tmp_path / "responses.sqlite", concurrency=2),
        max_new_tokens=300,
    )
    made = asking.generate([caption(1), replace(caption(2), id="other")])
    assert all(one.pairs or one.failed or one.raw or not one.broken for one in made)
    assert asking.usage.paid == 2
    assert asking.usage.completion_tokens > 0
    assert asking.generate([caption(1)])[0] == made[0]
    assert asking.usage.paid == 2


def test_responses_without_a_pair_are_asked_for_once_more_where_wished(tmp_path: Path):
    file = tmp_path / "responses.sqlite"
    with serving(server()) as script:
        good, script.answer = script.answer, lambda picture, prompt: "no JSON"
        assert engine(script, file).generate(CAPTIONS[:2])[0].failed == "no JSON"
        script.answer = good
        assert engine(script, file).generate(CAPTIONS[:3])[0].failed == "no JSON"
        asking = engine(script, file, retry_failed=True)
        assert all(one.pairs for one in asking.generate(CAPTIONS[:3]))
    assert (asking.usage.paid, asking.usage.reused, asking.usage_of_all_runs.paid) == (2, 1, 5)


def test_form_that_is_refused_from_now_on_ends_the_run():
    with serving(server()) as script:
        asking = engine(script)
        asking.generate(CAPTIONS[:2])
        script.refusal = lambda body: (400, {}, {"error": "no grammars"}) if "response_format" in body else None
        with pytest.raises(ModelError, match="status 400, no grammars"):
            asking.generate(CAPTIONS[2:])


def test_answers_longer_than_the_context_are_told_with_the_option():
    full = (400, {}, {"error": "max_tokens is too large: 8192, the context has 4096"})
    with (
        serving(server(refusal=lambda body: full)) as script,
        pytest.raises(ModelError, match="; --max-new-tokens sets"),
    ):
        engine(script).generate(CAPTIONS)
