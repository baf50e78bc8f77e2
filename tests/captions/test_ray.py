"""Engines on a cluster: a real Ray of this machine with two workers, which asks real servers on loopback."""

import importlib.util
import json
import pickle
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import pytest
from chat_server import serving
from endpoint_captions import asked, caption, said, server

import ninefold as nf
from ninefold import plugins
from ninefold.captions import layout, spool
from ninefold.captions.blocks import Block
from ninefold.captions.engines.endpoint import prompts
from ninefold.captions.engines.endpoint.responses import Response
from ninefold.captions.engines.ray import spreading, vllm
from ninefold.captions.engines.ray.engine import Plan, Worker, settings_of
from ninefold.captions.spec import CaptionsIn, CaptionsSpec, Serving
from ninefold.errors import ADVICE, DesignError, ModelError, RunError

CAPTIONS = 24

KILLING = """\
import os, signal
from pathlib import Path
from ninefold.captions.engines.endpoint.language_model import LanguageModel

_answer = LanguageModel._answer

def answer(self, request, caption):
    response = _answer(self, request, caption)
    marker = Path({marker!r})
    if caption.id == "c13" and request.schema and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return response

LanguageModel._answer = answer
"""
"""A plugin that kills its process as soon as the pairs of a caption are paid for."""


@pytest.fixture
def spec_of(tmp_path, monkeypatch):
    """A function from an engine to a run over captions in six blocks."""
    monkeypatch.setattr(spool, "BLOCK_CAPTIONS", 4)
    file = tmp_path / "captions.jsonl"
    lines = [json.dumps({"id": each.id, "text": each.text}) for each in map(caption, range(CAPTIONS))]
    file.write_text("\n".join(lines) + "\n")
    return lambda engine: CaptionsSpec(CaptionsIn((file,), "text", "id"), engine=engine)


def answers(picture, prompt):
    """Answer yes to the question of the filter, and one pair to that for pairs."""
    number = prompt.rstrip(".").rpartition(" ")[2]
    return "yes" if prompt == prompts.VERDICT.about(caption(int(number)).text) else said(number)


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != layout.TIMING
    }


def test_a_cluster_makes_the_same_and_pays_nothing_twice_though_a_worker_is_killed(
    ray_here, spec_of, tmp_path, monkeypatch
):
    marker, plugin = tmp_path / "killed", tmp_path / "killing_answers.py"
    plugin.write_text(KILLING.format(marker=str(marker)))
    with serving(server(answer=answers)) as one, serving(server(answer=answers)) as other:
        nf.run_captions(spec_of(f"openai:{one.url}"), tmp_path / "here")
        usage = json.loads((tmp_path / "here" / layout.TIMING).read_text())["requests"]
        assert len(one.requests) == usage["by this process"]["paid"] == 2 * CAPTIONS
        one.requests.clear()
        with monkeypatch.context() as patch:
            patch.setattr(plugins, "LOADED", [plugin])
            nf.run_captions(spec_of(f"ray:openai:{one.url},{other.url}"), tmp_path / "ray")
        paid = Counter(asked(one) + asked(other))
        assert one.requests and other.requests
    assert marker.exists()
    assert contents(tmp_path / "ray") == contents(tmp_path / "here")
    # Only what was under way when the worker died, of the three other captions of its block, is asked again.
    assert len(paid) == 2 * CAPTIONS
    assert sum(paid.values()) <= 2 * CAPTIONS + 3
    assert paid[prompts.PAIRS.about(caption(13).text)] == 1
    assert json.loads((tmp_path / "ray" / layout.TIMING).read_text())["requests"] == usage
    assert not list(tmp_path.glob(".*.blocks"))


def test_an_address_that_fails_is_replaced_and_one_with_another_model_refused(spec_of):
    block = Block(1, (caption(1),))
    with serving(server(answer=answers)) as script, serving(server(answer=answers, models=["other"])) as other:
        plan = Plan(spec_of(f"openai:{script.url},http://127.0.0.1:1"), None, False)
        here = plan.opened()
        settings = settings_of(here.engine, here.judge)
        (made,) = Worker(plan, settings)(block)
        assert made.pairs[0].question == "What is left of the sofa number 1?"
        plan = Plan(spec_of(f"openai:{other.url}"), None, False)
        with pytest.raises(ModelError, match=r"the engine's model is 'other', where the command has 'tiny'"):
            Worker(plan, settings)(block)


def test_a_block_that_ends_its_process_again_and_again_is_an_error_as_is_an_unexpected_one(ray_here):
    import ray

    def outcome(lives, error):
        def work(block):
            raise error

        begin = SimpleNamespace(remote=lambda number: ray.put(lives))
        worker = spreading._Worker((), lambda: work, SimpleNamespace(begin=begin))
        return pickle.loads(worker({"block": [pickle.dumps(Block(3, (caption(1),)))]})["outcome"][0])

    often = "Ray: the block from caption c1 has ended its process 4 times; is memory short?"
    assert outcome(spreading.LIVES + 1, None) == (3, often)
    assert outcome(1, ValueError("odd")) == (3, "unexpected ValueError: odd")
    assert outcome(1, OSError(28, "No space left on device")) == (3, ADVICE[28])
    with pytest.raises(ModelError, match="is memory short"):
        spreading._result((3, often))


def test_what_cannot_be_done_on_a_cluster_is_said_in_one_line(spec_of, tmp_path, monkeypatch):
    with pytest.raises(DesignError, match=r"--cluster auto: is for an engine of a cluster; name --engine ray:rules"):
        nf.run_captions(spec_of("rules"), tmp_path / "pairs", cluster="auto")
    with pytest.raises(RunError, match=r"--cluster 127\.0\.0\.1:1: no Ray cluster answers"):
        nf.run_captions(spec_of("ray:rules"), tmp_path / "pairs", cluster="127.0.0.1:1")
    with pytest.raises(DesignError, match="name the engine or checkpoint behind it, such as ray:rules"):
        nf.run_captions(spec_of("ray:"), tmp_path / "pairs")
    monkeypatch.setattr(vllm, "NEEDED", ())
    logit = replace(spec_of("ray:org/model"), served=Serving(filter_decision="logit"))
    with pytest.raises(DesignError, match="--filter-decision logit: vLLM on Ray tells its answers alone"):
        nf.run_captions(logit, tmp_path / "pairs")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(RunError, match=r"--engine ray: needs ray; install it with pip install 'ninefold\[cluster\]'"):
        nf.run_captions(spec_of("ray:rules"), tmp_path / "pairs")


def test_a_checkpoint_without_vllm_is_said_in_one_line(spec_of, tmp_path, monkeypatch):
    monkeypatch.setattr(vllm, "NEEDED", ("no_such_module",))
    with pytest.raises(ModelError, match=r"ray:org/model: needs vLLM, here and on every machine \(pip install vllm\)"):
        nf.run_captions(spec_of("ray:org/model"), tmp_path / "pairs")
    with pytest.raises(ModelError, match=r"--engine ray:http://h/v1: is an address; write ray:openai:URL#MODEL"):
        nf.run_captions(spec_of("ray:http://h/v1"), tmp_path / "pairs")


def test_a_checkpoint_answers_waves_of_blocks_and_nothing_twice(spec_of, tmp_path, monkeypatch):
    waves = []

    def answered(self, prompts, request):
        """Answer as vLLM does, but for what is too long."""
        waves.append(len(prompts))
        for key, prompt in prompts.items():
            refused = "too long" if prompt.endswith("number 23.") and request.schema else None
            yield key, Response("" if refused else answers(None, prompt), refused=refused, completion_tokens=1)
            if len(waves) == 3:
                raise ModelError("vLLM ends with an error")

    monkeypatch.setattr(vllm, "NEEDED", ())
    monkeypatch.setattr(vllm, "WAVE", 4)
    monkeypatch.setattr(vllm.VllmModel, "_answers", answered)
    monkeypatch.setattr(vllm.Cluster, "copies", 1)
    spec, out = spec_of("ray:org/model"), tmp_path / "pairs"
    with pytest.raises(ModelError, match="ends with an error"):
        nf.run_captions(spec, out)
    counts = nf.run_captions(spec, out)
    # Verdicts and pairs of 16 captions, then of the other 8; of these, one verdict was there before the error.
    assert waves == [16, 16, 8, 7, 8]
    assert (counts.captions_kept, counts.failed) == (CAPTIONS - 1, 1)
    used = json.loads((out / layout.TIMING).read_text())["requests"]
    assert (used["by this process"]["paid"], used["in all"]["paid"]) == (14, 2 * CAPTIONS - 1)
