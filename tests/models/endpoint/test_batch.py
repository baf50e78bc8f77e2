"""Answers of a batch are scored like those of any model, and what is not an answer is said in one line."""

import json

import pytest

import ninefold
from ninefold import EvaluateSpec, ExportSpec, ModelError, SyntheticSpec, TrainSpec
from ninefold.runs.tables import read_predictions


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return ninefold.make(SyntheticSpec(split="train", canvas=90, subset=9), tmp_path_factory.mktemp("batch") / "set")


def answered(request, text, finish="stop", model="qwen"):
    """Return a line of a batch's output."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
    body = {"object": "chat.completion", "model": model, "choices": [choice], "usage": {"completion_tokens": 2}}
    found = {"status_code": 200, "request_id": "a", "body": body}
    return {"id": "b", "custom_id": request["custom_id"], "response": found, "error": None}


def failed(request, status=400, message="no\nimage"):
    response = {"status_code": status, "body": {"error": {"message": message}}}
    return {"custom_id": request["custom_id"], "response": response, "error": None}


def requests(data, out):
    ninefold.export(ExportSpec(data, "openai-batch", split="train", model="qwen"), out / "requests")
    return [json.loads(line) for line in (out / "requests" / "train-00000.jsonl").read_text().splitlines()]


def write(path, lines):
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return f"batch:{path.parent}"


def test_answers_in_any_order_and_in_several_files_are_scored(data, tmp_path):
    asked = requests(data, tmp_path)
    lines = [answered(request, "top left") for request in asked]
    lines[3] = answered(asked[3], "the object is", finish="length")
    lines[4]["response"] = lines[4]["response"]["body"]
    lines[5] = failed(asked[5])
    # An example that failed in a first batch was asked again.
    write(tmp_path / "answers" / "errors.jsonl", [failed(asked[0]), lines[5]])
    name = write(tmp_path / "answers" / "output.jsonl", [line for line in reversed(lines) if line is not lines[5]])
    metrics = ninefold.evaluate(EvaluateSpec(name, data, split="train"), tmp_path / "run")
    truth = [example.answer for example in data.read("train")]
    right = sum(answer == "top left" for at, answer in enumerate(truth) if at not in {3, 5})
    assert (metrics["n"], metrics["accuracy"], metrics["invalid"]) == (9, right / 9, 2)
    found = read_predictions(tmp_path / "run")
    assert list(found["refused"])[5] == "status 400: no image"
    spec = json.loads((tmp_path / "run" / "spec.json").read_text())
    assert spec["model"]["name"] == "batch:qwen"
    before = (tmp_path / "run" / "status.json").stat().st_mtime_ns
    assert ninefold.evaluate(EvaluateSpec(name, data, split="train"), tmp_path / "run") == metrics
    assert (tmp_path / "run" / "status.json").stat().st_mtime_ns == before


def test_what_is_no_set_of_answers_is_refused_in_one_line(data, tmp_path):
    asked = requests(data, tmp_path)
    lines = [answered(request, "top left") for request in asked]
    for name, content, wrong in (
        ("requests", asked, "line 1: a request, not an answer"),
        ("several", [*lines[1:], answered(asked[0], "a", model="gpt")], "of several models \\(gpt, qwen\\)"),
        ("twice", [*lines, answered(asked[0], "center")], "answered twice"),
        ("missing", lines[1:], f"no answer to example {asked[0]['custom_id']}"),
        ("errors", [failed(request) for request in asked], "holds no answer"),
        ("other", [{"a": 1}], "line 1: no answer of a batch"),
    ):
        found = write(tmp_path / name / "found.jsonl", content)
        with pytest.raises(ModelError, match=wrong):
            ninefold.evaluate(EvaluateSpec(found, data, split="train"), tmp_path / "run" / name)
    with pytest.raises(ModelError, match="no such file"):
        ninefold.load_model("batch:nowhere.jsonl")
    (tmp_path / "broken.jsonl").write_text("{")
    with pytest.raises(ModelError, match="line 1: not readable as JSON"):
        ninefold.load_model(f"batch:{tmp_path / 'broken.jsonl'}")
    long = write(tmp_path / "long" / "found.jsonl", lines)
    with pytest.raises(ModelError, match="has 2 tokens; give the limit of the requests with --max-new-tokens"):
        ninefold.evaluate(EvaluateSpec(long, data, split="train", max_new_tokens=1), tmp_path / "run" / "long")
    with pytest.raises(ModelError, match="cannot be trained"):
        ninefold.train(TrainSpec(long, (data.folder,)), tmp_path / "tuned")
