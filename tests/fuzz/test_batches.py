"""Answers of batches that were edited or cut: they are scored, or one line says what is wrong."""

import json
from pathlib import Path

import pytest
from hostile import copied, files_of, fuzz, run, spoil
from hypothesis import given
from hypothesis import strategies as st


@pytest.fixture(scope="session")
def answers(made: Path) -> Path:
    """The answers of a batch to every row of a data set, in two files."""
    folder = made.parent / "answers"
    run("export", made, "--to", "openai-batch", "--model", "m", "--out", made.parent / "requests")
    lines = []
    for line in (made.parent / "requests" / "test-00000.jsonl").read_text().splitlines():
        choice = {"index": 0, "message": {"role": "assistant", "content": "red"}, "finish_reason": "stop"}
        body = {"model": "m", "choices": [choice], "usage": {"completion_tokens": 1}}
        name = json.loads(line)["custom_id"]
        lines.append(json.dumps({"custom_id": name, "response": {"status_code": 200, "body": body}, "error": None}))
    failed = {"custom_id": json.loads(lines[0])["custom_id"], "response": None, "error": {"message": "expired"}}
    folder.mkdir()
    (folder / "output.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "errors.jsonl").write_text(json.dumps(failed) + "\n")
    return folder


@fuzz(5)
@given(data=st.data())
def test_batches(answers: Path, made: Path, tmp_path: Path, data: st.DataObject) -> None:
    with copied(answers, to=tmp_path / "one") as [folder]:
        about = spoil(data.draw(st.sampled_from(files_of(folder))), data)
        run(
            "evaluate",
            "--model",
            f"batch:{folder}",
            "--data",
            made,
            "--limit",
            6,
            "--out",
            folder.parent / "run",
            about=about,
        )
