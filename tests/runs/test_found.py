import json
from pathlib import Path

import pytest

from ninefold.runs.found import DATA_SET, EVALUATION, RUN, instead


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("sets/one", "runs/a", "runs/b", "empty", "study"):
        Path(name).mkdir(parents=True)
    Path("sets/one/manifest.json").write_text("{}")
    Path("runs/a/spec.json").write_text(json.dumps({"kind": "training"}))
    Path("runs/b/spec.json").write_text(json.dumps({"kind": "evaluation"}))
    Path("study/study.json").write_text("{}")
    Path("file").write_text("")


@pytest.mark.parametrize(
    ("path", "wanted", "said"),
    [
        ("none", DATA_SET, "no such folder; ADVICE"),
        ("runs/a,runs/b", RUN, "no such folder; separate several paths with spaces, not commas"),
        ("file", RUN, "is a file, where a run is a folder; ADVICE"),
        ("sets/one", EVALUATION, "is a data set, not an evaluation; ADVICE"),
        ("runs/a", EVALUATION, "is a training run, not an evaluation; ADVICE"),
        ("runs/a", DATA_SET, "is a training run, not a data set; ADVICE"),
        ("runs/b", EVALUATION, "is an evaluation that is not finished (no predictions.parquet); repeat its command"),
        ("runs", RUN, "holds a, b, and is not a run itself; name one of them"),
        ("runs", EVALUATION, "holds b, and is not an evaluation itself; name one of them"),
        ("sets", DATA_SET, "holds one, and is not a data set itself; name one of them"),
        ("sets", RUN, "not a run of ninefold (no spec.json); ADVICE"),
        ("study", RUN, "is a study, not a run; its report is made by `ninefold study report study`"),
        ("study", EVALUATION, "is a study, not an evaluation; ADVICE"),
        ("empty", DATA_SET, "not a data set of ninefold (no manifest.json); ADVICE"),
    ],
)
@pytest.mark.usefixtures("place")
def test_what_is_there_is_said(path: str, wanted: str, said: str) -> None:
    assert instead(Path(path), wanted, "ADVICE").startswith(f"{path}: {said}")
