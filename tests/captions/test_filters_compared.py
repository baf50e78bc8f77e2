import json
from pathlib import Path

import pytest
from chat_server import serving
from endpoint_captions import server

from ninefold.captions import filter as comparison
from ninefold.cli.app import main
from ninefold.errors import DataError

LABELS = {f"c{n}": n < 6 for n in range(10)}
VERDICTS = {f"c{n}": n < 3 or n == 9 or (None if n == 5 else False) for n in range(10)}


def test_scores_with_wilson_intervals():
    by = comparison.scores(VERDICTS, LABELS)
    assert [round(each.value, 3) for each in (by.accuracy, by.precision, by.recall, by.f1)] == [0.6, 0.75, 0.5, 0.6]
    assert (round(by.accuracy.low, 3), round(by.accuracy.high, 3)) == (0.313, 0.832)
    # F1 = 2 J / (1 + J) with J = 3 of 7.
    assert by.f1.low == pytest.approx(2 * 0.1582 / 1.1582, abs=1e-3)


def test_agreement_is_of_captions_with_two_verdicts():
    share, kappa = comparison.agreement(VERDICTS, LABELS)
    assert (round(share.value, 4), round(kappa, 4)) == (0.6667, 0.3415)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("l.csv", "id,label\na,yes\nb,No\nc,1\n"),
        ("l.jsonl", '{"id": "a", "label": true}\n\n{"id": "b", "label": "no"}\n'),
    ],
)
def test_labels_of_csv_and_jsonl(tmp_path: Path, name: str, content: str):
    (tmp_path / name).write_text(content)
    assert {key: value for key, value in comparison.read_labels(tmp_path / name).items() if key != "c"} == {
        "a": True,
        "b": False,
    }


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("l.csv", "name,label\na,yes\n", "line 2: no id or no label"),
        ("l.csv", "id,label\na,perhaps\n", "line 2: label 'perhaps'; write yes or no"),
        ("l.csv", "id,label\na,yes\na,no\n", "line 3: a is labelled yes and no"),
        ("l.csv", "id,label\n", "holds no labels"),
        ("l.jsonl", "{\n", "line 1: no JSON"),
        ("l.jsonl", "[1]\n", "line 1: no object"),
        ("l.csv", "id,label\n\udcff,yes\n", "not readable"),
    ],
)
def test_labels_that_cannot_be_read(tmp_path: Path, name: str, content: str, complaint: str):
    (tmp_path / name).write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(DataError, match=complaint):
        comparison.read_labels(tmp_path / name)


def test_command_compares_keywords_with_a_served_model(tmp_path: Path, capsys):
    rows = [{"id": f"c{n}", "text": f"The lamp {'left of' if n % 2 else 'and'} the sofa number {n}."} for n in range(6)]
    (tmp_path / "captions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "labels.csv").write_text("id,label\nc1,yes\nc2,no\nx,no\n")
    with serving(
        server(answer=lambda picture, prompt: "yes" if "left" in prompt or "number 2" in prompt else "?")
    ) as s:
        arguments = ["captions", "filter", str(tmp_path / "captions.jsonl"), "--text-field", "text", "--id-field", "id"]
        arguments += ["--engine", "keywords", "--against", f"openai:{s.url}", "--labels", str(tmp_path / "labels.csv")]
        main([*arguments, "--out", str(tmp_path / "verdicts.csv"), "--price-out", "1000000"])
    told = capsys.readouterr().out
    assert max(map(len, told.splitlines()[:-1])) <= 82
    assert "keywords                      3        3        0" in told
    assert "against 2 labels, 1 of them yes; 1 label of no caption; no verdict counts as no" in told
    assert "paper, Qwen2.5 3B      57             100            54             70" in told
    assert "openai:tiny            50 (9–91)      50 (9–91)      100 (21–100)   67 (17–95)" in told
    assert "openai:tiny: 6 requests paid" in told and "at a price of 6.0000" in told
    assert (tmp_path / "verdicts.csv").read_text().splitlines()[:3] == [
        "id,keywords,openai:tiny",
        "c0,no,",
        "c1,yes,yes",
    ]


def test_verdicts_replace_earlier_ones_alone(tmp_path: Path, capsys):
    captions, labels, out = tmp_path / "captions.jsonl", tmp_path / "labels.csv", tmp_path / "verdicts.csv"
    captions.write_text(json.dumps({"id": "c", "text": "The lamp is left of the sofa."}))
    labels.write_text("id,label\nc,yes\n")
    arguments = [
        "captions",
        "filter",
        str(captions),
        "--text-field",
        "text",
        "--id-field",
        "id",
        "--engine",
        "keywords",
    ]
    for _ in range(2):
        main([*arguments, "--out", str(out)])
    assert out.read_text() == "id,keywords\nc,yes\n"
    for path, says in ((captions, "the command reads"), (labels, "holds something else"), (tmp_path, "reads")):
        before = captions.read_text(), labels.read_text()
        with pytest.raises(SystemExit):
            main([*arguments, "--out", str(path)])
        assert says in capsys.readouterr().err
        assert before == (captions.read_text(), labels.read_text())
    with pytest.raises(DataError, match="is a pipe or device"):
        comparison.read_labels(Path("/dev/zero"))
