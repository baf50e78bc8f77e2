from pathlib import Path

import pytest

from ninefold.errors import RunError
from ninefold.runs.metrics import TrainingMetrics
from ninefold.runs.records import EvaluatedData, EvaluationSpec, Provenance, Status

SPEC = EvaluationSpec(
    {"name": "nano", "adapter": None}, EvaluatedData("synthetic", "test", "abc", labels=("left", "right"))
)


def test_a_specification_is_what_its_json_says() -> None:
    told = SPEC.to_json()
    assert told == {
        "kind": "evaluation",
        "model": {"name": "nano", "adapter": None},
        "data": {
            "name": "synthetic", "split": "test", "fingerprint": "abc", "limit": None, "clustering": "group",
            "labels": ["left", "right"],
        },
        "scoring": "generate",
        "max_new_tokens": 15,
    }  # fmt: skip
    again = EvaluationSpec.from_json({"id": "x", **told})
    assert again.to_json() == told and again.data.fingerprint == "abc"


def test_a_record_that_lacks_a_key_is_an_error_of_the_user() -> None:
    with pytest.raises(RunError, match="fingerprint"):
        EvaluationSpec.from_json({"model": {}, "data": {"name": "a", "split": "test"}})


def test_provenance_keeps_what_it_is_told(tmp_path: Path) -> None:
    made = Provenance.of_this_process(data="d", seconds={"load": 1.5})
    made.write(tmp_path)
    assert Provenance.read(tmp_path) == made
    assert list(made.to_json())[:3] == ["data", "seconds", "command"]
    assert Provenance.read(tmp_path / "nothing") == Provenance()


def test_a_status_says_no_more_than_it_knows(tmp_path: Path) -> None:
    Status("planned").write(tmp_path)
    assert (tmp_path / "status.json").read_text() == '{\n  "state": "planned"\n}\n'


@pytest.mark.parametrize("text", ["[]", "null", "{}"])
def test_broken_metrics_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "metrics.json").write_text(text)
    with pytest.raises(RunError, match=r"metrics\.json: "):
        TrainingMetrics.load(tmp_path / "metrics.json")
