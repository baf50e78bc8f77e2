"""The review server over a real port of loopback."""

import dataclasses
import http.client
import io
import json
import socket
import sys
import threading
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import pytest
import review_set
from PIL import Image

from ninefold.captions.review.review import Review
from ninefold.captions.review.server import Page
from ninefold.cli import app
from ninefold.data.format import manifest
from ninefold.errors import DataError, RunError
from ninefold.types import NO_IMAGE


class Client:
    """Requests to a page, with its token unless others are given."""

    def __init__(self, page):
        self.address = urlsplit(page.link)
        self.token = parse_qs(self.address.query)["token"][0]

    def ask(self, path, *, method="GET", body=None, headers=(), token=True):
        link = http.client.HTTPConnection("127.0.0.1", self.address.port, timeout=10)
        link.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Host": self.address.netloc, "Content-Length": str(len(content)), **dict(headers)}
        if token:
            sent["X-Review-Token"] = self.token
        for name, value in sent.items():
            link.putheader(name, value)
        link.endheaders(content)
        answer = link.getresponse()
        answer.content = answer.read()
        link.close()
        return answer

    def judge(self, headers=(), token=True, **changed):
        body = {"judge": "ann", "at": 0, "verdict": "right", "note": "", "seconds": 2.5, **changed}
        return self.ask("/verdicts", method="POST", body=body, headers=headers, token=token)


@contextmanager
def served(folder):
    page = Page.of(Review.open(folder))
    thread = threading.Thread(target=page.serve)
    thread.start()
    try:
        yield Client(page)
    finally:
        page.stop()
        thread.join()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    rows = [review_set.row(number, name) for number, name in enumerate(["left", "left", "right"])]
    rows.append(review_set.row(3, "on", subject=review_set.HOSTILE))
    rows.append(review_set.row(4, "on", image=NO_IMAGE))
    folder = tmp_path_factory.mktemp("review") / "set"
    review_set.make(folder, rows)
    return folder


@pytest.fixture(scope="module")
def client(folder):
    with served(folder) as client:
        yield client


def position(folder, row):
    pairs = json.loads((folder / "review" / "sample.json").read_text())["pairs"]
    return next(at for at, pair in enumerate(pairs) if pair["row"] == row)


PATHS = ("/", "/pairs/0", "/images/0", "/verdicts?judge=ann", "/summary", "/export.csv", "/none")


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_told_without_the_token(client, path):
    for given in ({}, {"X-Review-Token": "wrong"}, {"X-Review-Token": "ö"}, {"X-Review-Token": client.token[:-1]}):
        answer = client.ask(path, token=False, headers=given)
        assert (answer.status, json.loads(answer.content)["error"][:21]) == (403, "the token is missing ")
    assert client.ask(path).status == (404 if path == "/none" else 200)
    assert client.ask(f"/pairs/0?token={client.token}", token=False).status == 200
    assert client.ask(f"/pairs/0?token={client.token}&token=x", token=False).status == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost@evil.example", ""]
)
def test_another_host_is_refused_against_rebinding(client, host):
    answer = client.ask("/pairs/0", headers={"Host": host})
    assert answer.status in (400, 403)
    assert b"lamp" not in answer.content


def test_a_tunnel_may_have_another_port(client):
    assert client.ask("/pairs/0", headers={"Host": "localhost:9999"}).status == 200


def test_other_sites_cannot_write(client, folder):
    own = f"http://{client.address.netloc}"
    refused = [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": own},
    ]
    for headers in refused:
        assert client.judge(headers, judge="eve").status == 403
    # The token of a link is no token of a write: forms and images of other pages can send no header.
    body = {"judge": "eve", "at": 0, "verdict": "right", "note": "", "seconds": 1}
    assert client.ask(f"/verdicts?token={client.token}", method="POST", body=body, token=False).status == 403
    assert (
        client.ask("/verdicts", method="OPTIONS", headers={"Origin": "http://evil.example"}, token=False).status == 403
    )
    assert not (folder / "review" / "verdicts-eve.jsonl").exists()
    assert client.judge({"Origin": own, "Sec-Fetch-Site": "same-origin"}, judge="own").status == 200


def test_answers_are_kept_from_other_pages(client):
    for path in ("/", "/images/0", "/none"):
        headers = client.ask(path).headers
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["Access-Control-Allow-Origin"] is None
        assert headers["Set-Cookie"] is None
    policy = client.ask("/").content.decode().split('Content-Security-Policy" content="')[1].split('"')[0]
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy
    assert "unsafe-eval" not in policy


@pytest.mark.parametrize(
    "path",
    ["/images/../../etc/passwd", "/images/..%2f..%2fREADME.md", "/images/-1", "/images/99", "/pairs/99", "/images/0x0"],
)
def test_images_and_pairs_are_named_by_position_alone(client, path):
    answer = client.ask(path)
    assert answer.status == 404
    assert b"root:" not in answer.content


def test_image_is_decoded_again(client, folder):
    answer = client.ask(f"/images/{position(folder, 1)}")
    assert answer.headers["Content-Type"] == "image/webp"
    assert Image.open(io.BytesIO(answer.content)).size == (40, 30)


def test_pair_without_an_image_says_so(client, folder):
    at = position(folder, 4)
    assert json.loads(client.ask(f"/pairs/{at}").content)["has_image"] is False
    answer = client.ask(f"/images/{at}")
    assert (answer.status, json.loads(answer.content)) == (422, {"error": "c4/0: has no image"})


def test_pair_has_its_span_apart(client, folder):
    found = json.loads(client.ask(f"/pairs/{position(folder, 0)}").content)
    assert found["caption"] == ["A room. The ", "lamp is left of the desk", ", it seems."]
    assert (found["question"], found["relation"], found["has_image"]) == ("Where is the lamp?", "left", True)


def test_hostile_text_stays_text(client, folder):
    at = position(folder, 3)
    assert client.judge(judge="bob", at=at, verdict="not spatial", note=review_set.HOSTILE).status == 200
    answer = client.ask(f"/pairs/{at}")
    assert answer.headers["Content-Type"] == "application/json"
    assert json.loads(answer.content)["caption"][1].startswith(review_set.HOSTILE)
    summary = client.ask("/summary").content.decode()
    assert "window.hit = 1" in summary
    assert "<script>window" not in summary
    assert "<img" not in summary


@pytest.mark.parametrize(
    ("changed", "status", "error"),
    [
        ({"at": 99}, 404, "no such pair"),
        ({"at": -1}, 404, "no such pair"),
        ({"verdict": "fine"}, 422, "verdict 'fine': choose one of right"),
        ({"judge": "../eve"}, 422, "judge '../eve': name yourself"),
        ({"note": "x" * 2001}, 422, "the note has 2,001 characters"),
        ({"at": "0"}, 400, "is no verdict"),
        ({"at": True}, 400, "is no verdict"),
        ({"seconds": "nan"}, 400, "is no verdict"),
        ({"note": None}, 400, "is no verdict"),
        ({"note": "x" * 40_000}, 413, "too long"),
    ],
)
def test_wrong_verdicts_are_refused_in_one_line(client, changed, status, error):
    answer = client.judge(**changed)
    assert (answer.status, error in json.loads(answer.content)["error"]) == (status, True)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"[" * 9999])
def test_other_bodies_are_refused(client, body):
    assert client.ask("/verdicts", method="POST", body=body).status == 400


def test_half_of_a_surrogate_pair_is_saved_as_a_question_mark(client, folder):
    assert client.judge(judge="half", note="\ud800").status == 200
    assert json.loads(client.ask("/verdicts?judge=half").content)["verdicts"][0]["note"] == "?"
    assert client.ask("/export.csv").status == 200


def test_verdicts_are_on_the_disk_and_outlive_the_server(folder):
    with served(folder) as client:
        for at, verdict in enumerate(["right", "wrong relation", "skip"]):
            assert client.judge(judge="cleo", at=at, verdict=verdict).status == 200
    with served(folder) as client:
        found = json.loads(client.ask("/verdicts?judge=cleo").content)
        assert [(one["at"], one["verdict"]) for one in found["verdicts"]] == [
            (0, "right"),
            (1, "wrong relation"),
            (2, "skip"),
        ]
        lines = client.ask("/export.csv").content.decode().splitlines()
        assert sum(line.startswith("cleo,") for line in lines) == 3


def test_a_full_disk_is_told(client, monkeypatch):
    monkeypatch.setattr("os.write", lambda handle, content: 0)
    answer = client.judge()
    assert answer.status == 500
    assert json.loads(answer.content)["error"] == "the disk is full; make room and run the same command again"


def test_broken_image_is_told(tmp_path):
    caption, example = review_set.row(0, "left")
    path = tmp_path / "photo.png"
    path.write_bytes(review_set.picture(1))
    review_set.make(tmp_path / "set", [(caption, dataclasses.replace(example, image=path))], embed=False)
    path.write_bytes(b"<html>")
    with served(tmp_path / "set") as client:
        answer = client.ask("/images/0")
        assert (answer.status, "photo.png: not readable as a picture" in json.loads(answer.content)["error"]) == (
            422,
            True,
        )


def test_port_in_use_is_one_line(folder):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(RunError, match=rf"^--port {port}: another program uses it; name another one"):
            Page.of(Review.open(folder), port=port)
    with pytest.raises(RunError, match=r"^--port 70000: must be between"):
        Page.of(Review.open(folder), port=70_000)


@pytest.mark.parametrize("missing", ["starlette.applications", "uvicorn"])
def test_missing_extra_is_one_line(folder, monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(
        RunError, match=r"^the review page needs Starlette and uvicorn: pip install 'ninefold\[captions\]'$"
    ):
        Page.of(Review.open(folder))


def run(capsys, *arguments):
    try:
        app.main(["captions", "review", *map(str, arguments)])
        code = 0
    except SystemExit as stop:
        code = stop.code
    said = capsys.readouterr()
    return code, said.out, said.err


def test_command_prints_the_link_and_at_the_end_the_rates(folder, capsys, monkeypatch):
    def interrupted(page):
        raise KeyboardInterrupt

    monkeypatch.setattr(Page, "serve", interrupted)
    code, out, _ = run(capsys, folder, "--judge", "ann lee")
    assert code == 0
    assert "http://127.0.0.1:" in out
    assert "&judge=ann+lee" in out
    assert "any fault" in out.splitlines()[5]


def test_command_without_a_page(folder, tmp_path, capsys):
    code, out, _ = run(capsys, folder, "--summary", "--export", tmp_path / "verdicts.csv")
    assert (code, "sampled pairs judged" in out) == (0, True)
    assert (tmp_path / "verdicts.csv").read_text().startswith("judge,id,relation")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--sample", "few"], "--sample few: must be auto, or a number of pairs from 1"),
        (["--sample", "0"], "--sample 0: must be auto"),
        (["--margin", "2", "--sample", "auto"], "margin 2.0: must be between 0 and 1"),
        (["--judge", "a/b"], "judge 'a/b': name yourself"),
        (["--summary"], "has no review yet; begin one with"),
    ],
)
def test_command_refuses_in_one_line(tmp_path, capsys, options, message):
    folder = tmp_path / "set"
    review_set.make(folder, [review_set.row(0, "left")])
    code, _, err = run(capsys, folder, *options)
    assert (code, message in err, err.count("\n")) == (2, True, 1)


def test_verdicts_outlive_another_data_set_there(folder):
    asked = {"source": "captions"}
    with pytest.raises(DataError, match=r"review: is not of the data set around it, and would be lost"):
        manifest.KIND.check(folder, asked, overwrite=True)


def test_command_needs_captions(tmp_path, capsys):
    folder = tmp_path / "set"
    review_set.make(folder, [review_set.row(0, "left")])
    (folder / "captions.parquet").unlink()
    assert "holds no captions; review a data set of `ninefold captions run`" in run(capsys, folder)[2]
    (folder / "captions.parquet").write_bytes(b"PAR1")
    assert "not readable as parquet" in run(capsys, folder)[2]
    assert "no such folder" in run(capsys, tmp_path / "none")[2]
