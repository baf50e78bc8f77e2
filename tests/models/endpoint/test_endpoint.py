"""An endpoint against a real HTTP server: what is sent, what is read, what is tried again, and what is never told."""

import base64
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from chat_server import DROP, ChatServer, serving
from endpoint_examples import EXAMPLES, encoded, endpoint, sees
from PIL import Image

from ninefold import cli, store
from ninefold.errors import DataError, ModelError, RunError
from ninefold.evaluation.evaluate import evaluate
from ninefold.evaluation.spec import EvaluateSpec
from ninefold.models.endpoint.model import Endpoint
from ninefold.models.load import open_model
from ninefold.models.spec import ModelSpec
from ninefold.portable import data_url
from ninefold.space import LABELS, Cell
from ninefold.types import Scene, Thing

KEY = "sk-never-to-be-told"


def test_answers_are_the_servers_word_for_word(server: ChatServer) -> None:
    server.answer = lambda picture, prompt: " Top  left.\n"
    [answer] = endpoint(server).predict(EXAMPLES[:1])
    assert (answer.id, answer.text, answer.truncated) == ("e0", " Top  left.\n", False)
    server.answer = lambda picture, prompt: "it is in the center"
    [cut] = endpoint(server).predict(EXAMPLES[:1], max_new_tokens=3)
    assert (cut.text, cut.truncated) == ("it is in", True)


def test_a_request_is_greedy_and_has_the_picture_before_the_text(server: ChatServer) -> None:
    endpoint(server).predict(EXAMPLES[:1])
    picture = "data:image/png;base64," + base64.b64encode(EXAMPLES[0].image).decode()
    content = [{"type": "image_url", "image_url": {"url": picture}}, {"type": "text", "text": EXAMPLES[0].prompt}]
    assert server.requests == [
        {
            "model": "tiny",
            "messages": [{"role": "user", "content": content}],
            "temperature": 0,
            "seed": 0,
            "max_tokens": 15,
        }
    ]
    assert server.keys == [None]


def test_a_bounded_number_of_requests_is_under_way_and_answers_keep_their_order(server: ChatServer) -> None:
    server.delay = lambda number: 0.03 if number % 2 else 0.01
    answers = endpoint(server, concurrency=4).predict(EXAMPLES)
    assert [answer.text for answer in answers] == [each.answer for each in EXAMPLES]
    assert server.most == 4


@pytest.mark.parametrize(
    "faults",
    [
        [(429, {"Retry-After": "0"}, {"error": {"message": "slow down"}})],
        [(500, {}, "oops"), (503, {"Retry-After": "Thu, 01 Jan 2026 00:00:00 GMT"}, "")],
        [DROP, DROP],
    ],
)
def test_what_may_pass_is_tried_again(server: ChatServer, faults: list[object]) -> None:
    server.faults.extend(faults)
    assert [answer.text for answer in endpoint(server).predict(EXAMPLES[:1])] == ["top left"]
    assert len(server.requests) == len(faults) + 1


def test_a_slow_answer_is_asked_for_again(server: ChatServer) -> None:
    server.delay = lambda number: 0.0 if number else 0.3
    assert endpoint(server, timeout=0.1).predict(EXAMPLES[:1])[0].text == "top left"
    assert len(server.requests) == 2


def test_waits_double_or_are_as_the_server_says(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("ninefold.models.endpoint.client.sleep", waits.append)
    server.faults.extend(
        [
            (500, {}, ""),
            (500, {}, ""),
            (500, {}, ""),
            (429, {"Retry-After": "7.5"}, ""),
            (429, {"Retry-After": "9999"}, ""),
        ]
    )
    asked = Endpoint(f"openai:{server.url}")
    asked.predict(EXAMPLES[:1])
    assert [0.5 <= wait / 2**place < 1 for place, wait in enumerate(waits[:3])] == [True] * 3
    assert waits[3:] == [7.5, 120]
    assert f"{server.url}: asks to wait 9,999 s; asked again every 120 s" in caplog.text


def test_a_server_that_keeps_failing_is_given_up(server: ChatServer) -> None:
    server.faults.extend([(502, {}, {"error": {"message": "worker died\nTraceback ..."}})] * 3)
    with pytest.raises(ModelError) as caught:
        endpoint(server, tries=3).predict(EXAMPLES[:1])
    assert str(caught.value) == (
        f"{server.url}: example e0: given up after 3 tries (status 502, worker died); "
        "mend the server, then the same command goes on from here"
    )


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ((400, {}, {"error": {"message": "image too large"}}), "example e0: status 400, image too large"),
        ((400, {}, {"object": "error", "message": "too long\nmore"}), "example e0: status 400, too long$"),
        ((422, {}, {"detail": "bad field"}), "status 422, bad field"),
        ((401, {}, {"error": "Unauthorized"}), "status 401, Unauthorized; put a key in NINEFOLD_API_KEY"),
        ((403, {}, ""), "status 403, Forbidden; put a key in NINEFOLD_API_KEY"),
        ((404, {}, {"detail": "Not Found"}), "status 404, Not Found; does the address end in /v1"),
        ((307, {"Location": "https://elsewhere/v1?key=a"}, ""), r"sends elsewhere \(https://elsewhere/v1\), name that"),
        ((402, {}, {"error": "no credit"}), "status 402, no credit$"),
        ((400, {}, {"error": {"message": "API key not valid"}}), "status 400, API key not valid$"),
    ],
)
def test_what_will_not_pass_is_final(server: ChatServer, fault: object, said: str) -> None:
    server.faults.append(fault)
    with pytest.raises(ModelError, match=said) as caught:
        endpoint(server).predict(EXAMPLES[:1])
    assert str(caught.value).startswith(server.url)
    assert "\n" not in str(caught.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize("scoring", ["generate", "choice"])
def test_an_evaluation_from_end_to_end(server: ChatServer, data: Path, tmp_path: Path, scoring: str) -> None:
    # Right but for the top row, of which it says the left corner.
    server.answer = lambda picture, prompt: (
        "top left" if sees(picture, prompt).startswith("top") else sees(picture, prompt)
    )
    model = endpoint(server)
    metrics = evaluate(
        EvaluateSpec(ModelSpec(f"openai:{server.url}#tiny"), data, scoring=scoring),
        tmp_path,
        model=model,
        progress=False,
    )
    assert (metrics["n"], metrics["accuracy"], metrics["invalid"]) == (18, 14 / 18, 0)
    assert {label: found["accuracy"] for label, found in metrics["by_region"].items()} == {
        label: float(label not in {"top center", "top right"}) for label in LABELS
    }
    assert store.read_json(tmp_path / "spec.json")["model"] == {
        "name": "openai:tiny",
        "family": "endpoint",
        "nano": False,
        "model": "tiny",
        "adapter": None,
    }


def test_choice_scores_are_log_probabilities_of_whole_answers(server: ChatServer) -> None:
    left, center = endpoint(server).choice_scores([EXAMPLES[3], EXAMPLES[4]])
    # "center left" and its end are three tokens, each at its place; "center" is one, and its end another word.
    assert dict(zip(LABELS, left, strict=True)) == {
        "top left": -2 - 0.125 - 0.125,
        "center left": -0.375,
        "bottom left": -2.25,
        "center": -0.125 - 2,
        "center right": -0.125 - 2 - 0.125,
        "top center": -4.125,
        "bottom center": -4.125,
        "top right": -4.125,
        "bottom right": -4.125,
    }
    assert center[LABELS.index("center")] == -0.25
    assert center[LABELS.index("center left")] == -0.125 - 2 - 2
    # Each example: the prompt, and nine answers; once, an answer left open and closed.
    assert len(server.requests) == 2 * 10 + 2


def test_a_server_that_tells_too_little_cannot_rank(server: ChatServer) -> None:
    server.logprobs = False
    with pytest.raises(ModelError, match=r"tells no prompt_logprobs.*use --scoring generate"):
        endpoint(server).choice_scores(EXAMPLES[:1])
    server.faults.append((400, {}, {"error": {"message": "Unknown parameter: 'prompt_logprobs'."}}))
    with pytest.raises(ModelError, match=r"it refuses prompt_logprobs \(.*\); use --scoring generate"):
        endpoint(server).choice_scores(EXAMPLES[:1])
    server.logprobs, server.end = True, ""
    with pytest.raises(ModelError, match="does not show where an answer ends; use --scoring generate"):
        endpoint(server).choice_scores(EXAMPLES[:1])
    with pytest.raises(ModelError, match="example e0: has no options to rank"):
        endpoint(server).choice_scores([replace(EXAMPLES[0], options=())])
    assert endpoint(server).choice_scores([]) == []


def test_what_a_server_cannot_tell_is_a_declared_error(server: ChatServer) -> None:
    with pytest.raises(ModelError, match="tells no hidden states"):
        endpoint(server).hidden_states(EXAMPLES[:1])
    assert endpoint(server).image_input(EXAMPLES[0]) is None


def test_the_model_of_a_server_need_not_be_named_where_it_has_one(server: ChatServer) -> None:
    assert Endpoint(f"openai:{server.url}/").name == "openai:tiny"
    assert Endpoint(f"openai:{server.url}#another").model == "another"
    server.models = ["one", "two"]
    with pytest.raises(ModelError, match=f"say which model is meant, openai:{server.url}#name; it has: one, two"):
        Endpoint(f"openai:{server.url}")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("openai:localhost:8000/v1", "no URL; write openai:http://host:port/v1#model"),
        ("openai:ftp://host/v1", "no URL"),
        ("openai:http://:8000/v1", "no URL"),
        ("openai:http://host:port/v1", "no URL"),
        ("openai:https://user:hunter2@host/v1#m", "put its key in NINEFOLD_API_KEY"),
        ("openai:https://user:hunt#er2@host/v1#m", "no URL"),
        ("openai:https://host/v1?key=hunter2#m", "put its key in NINEFOLD_API_KEY"),
    ],
)
def test_a_name_that_is_no_address(name: str, message: str) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        open_model(name)
    assert "hunt" not in str(caught.value)


def test_a_server_that_is_down_is_one_line(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(ChatServer(sees)) as gone:
        pass
    with pytest.raises(SystemExit) as caught:
        cli.main(["evaluate", "--model", f"openai:{gone.url}#m", "--data", str(data), "--out", str(tmp_path / "run")])
    assert caught.value.code == 2
    told = capsys.readouterr().err
    assert told.startswith(f"ninefold: {gone.url}: no server answers there (")
    assert told.endswith("); start it, or mend the address\n")
    assert told.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_what_belongs_to_the_server_is_refused_here(server: ChatServer, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="load it into the server"):
        open_model(ModelSpec(f"openai:{server.url}", tmp_path))
    for option in ({"dtype": "float32"}, {"device": "cpu"}, {"trust_remote_code": True}):
        with pytest.raises(ModelError, match="set them where it is started"):
            open_model(ModelSpec(f"openai:{server.url}", **option))
    assert isinstance(open_model(f"openai:{server.url}"), Endpoint)


@pytest.fixture(params=["NINEFOLD_API_KEY", "OPENAI_API_KEY"])
def variable(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(request.param, f"{KEY}\n")
    return str(request.param)


def test_the_key_is_sent_and_never_told(
    server: ChatServer, data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], variable: str
) -> None:
    command = ["evaluate", "--model", f"openai:{server.url}", "--data", str(data), "--out", str(tmp_path / "run")]
    server.faults.append((401, {}, {"error": {"message": f"Incorrect key: {KEY}"}}))
    with pytest.raises(SystemExit):
        cli.main(command)
    cli.main(command)
    assert set(server.keys) == {f"Bearer {KEY}"}
    told = "".join(capfd.readouterr())
    assert f"Incorrect key: [key]; the key in {variable} is not taken" in told
    assert "accuracy 100" in told
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert KEY not in told
    assert KEY.encode() not in written
    assert KEY not in str(open_model(f"openai:{server.url}").identity)


def test_a_key_that_is_none_is_not_told_either(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NINEFOLD_API_KEY", f"{KEY}\nmore")
    with pytest.raises(ModelError, match="NINEFOLD_API_KEY: holds letters that no key has") as caught:
        endpoint(server)
    assert KEY not in str(caught.value)


def pixels(url: str) -> np.ndarray:
    content = base64.b64decode(url.partition(";base64,")[2])
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_common_pictures_go_as_they_are(kind: str, tmp_path: Path) -> None:
    content = encoded(Image.new("RGB", (5, 3), "red"), kind)
    assert data_url(content) == f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
    (tmp_path / "picture").write_bytes(content)
    assert data_url(tmp_path / "picture") == data_url(content)


def test_what_decoders_disagree_on_is_settled_here() -> None:
    turned = Image.new("RGB", (5, 3), "red")
    turned.putpixel((0, 0), (0, 0, 255))
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = data_url(encoded(turned, "PNG", exif=exif))
    assert upright.startswith("data:image/png;")
    assert pixels(upright).shape == (5, 3, 3)
    assert pixels(upright)[0, 2].tolist() == [0, 0, 255]
    assert pixels(data_url(encoded(Image.new("RGBA", (2, 2), (255, 255, 255, 0)))))[0, 0].tolist() == [0, 0, 0]
    assert data_url(encoded(turned, "BMP")).startswith("data:image/png;")
    scene = Scene(things=(Thing("square", "red", "small", Cell(0, 0)),), canvas=96)
    assert data_url(scene).startswith("data:image/png;")
    assert pixels(data_url(scene)).shape == (96, 96, 3)


def test_a_picture_that_cannot_be_read_is_named(server: ChatServer) -> None:
    whole = encoded(Image.effect_noise((64, 64), 50), "JPEG")
    with pytest.raises(DataError, match="example row 7"):
        endpoint(server).predict([replace(EXAMPLES[0], id="row 7", image=whole[: len(whole) // 2])])
    assert server.requests == []


def test_the_same_model_on_another_server_goes_on_with_the_run(server: ChatServer, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    server.faults += [(410, {}, {"error": {"message": "gone"}})]
    with pytest.raises(ModelError, match="gone"):
        evaluate(EvaluateSpec(ModelSpec(f"openai:{server.url}#tiny"), data), out, progress=False)
    with serving(ChatServer(sees)) as other:
        moved = EvaluateSpec(ModelSpec(f"openai:{other.url}#tiny"), data)
        assert evaluate(moved, out, progress=False)["n"] == 18
        told = store.read_json(out / "provenance.json")["model"]
        assert told == f"openai:{other.url}#tiny"
        with pytest.raises(RunError, match="other settings"):
            evaluate(EvaluateSpec(ModelSpec(f"openai:{other.url}#larger"), data), out, progress=False)
    # Finished, it is found though no server is left.
    assert evaluate(moved, out, progress=False)["n"] == 18
